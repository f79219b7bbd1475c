
# ---- settings --------------------------------------------------------------------------------------------------------
#
# The configuration has one setting a line: its name, a blank, its value. In a value, \n stands for a line's end and \\
# for a backslash; nothing in it is ever run or expanded. A setting that may have several values has several lines.

config=
settings=
name=
root=/
state=
one_file_system=
compress=zstd
compress_level=
split=0
mode=incremental
full=weekly
nice=
io=
immutable=0
hashes=yes
drill_every=
verify_every=
metrics=
scratch=
keeps=
encrypted=
far=
buckets=
targets=0

# The value that a line of the configuration writes, in $value.
plain() {
  value=$1
  case $1 in *\\*) value=$(printf '%b.' "$1") && value=${value%.} ;; esac
}

# Calls COMMAND... VALUE for each value of KEY, in the order of the file.
each() { # KEY COMMAND...
  local key=$1 line value
  shift
  while IFS= read -r line <&8; do
    case $line in
      "$key "*)
        plain "${line#* }"
        "$@" "$value" || return
        ;;
    esac
  done 8<<SETTINGS
$settings
SETTINGS
}

read_settings() {
  local line key value
  # Read once: a configuration that changes while a run goes on is the next run's.
  settings=$(cat -- "$config") || fail "the configuration $config cannot be read" 2
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in '' | '#'*) continue ;; esac
    key=${line%% *}
    plain "${line#* }"
    case $key in
      name | root | state | one_file_system | compress | compress_level | split | mode | full | nice | io | immutable | hashes | \
        drill_every | verify_every | metrics | scratch)
        # The name is one of these, so no input is evaluated.
        eval "$key=\$value"
        ;;
      keep) keeps="$keeps $value" ;;
      target)
        targets=$((targets + 1))
        eval "target_$targets=\$value ssh_$targets= options_$targets= bucket_$targets= endpoint_$targets= region_$targets= credentials_$targets="
        ;;
      ssh)
        far=yes
        eval "ssh_$targets=\$value"
        ;;
      ssh_option) eval "options_$targets=\"\$options_$targets -o \$(quoted \"\$value\")\"" ;;
      bucket)
        buckets=yes
        eval "bucket_$targets=\$value"
        ;;
      endpoint | region | credentials) eval "${key}_$targets=\$value" ;;
      recipient) encrypted=yes ;;
      path | exclude | prune | before | after | check) ;;
      *) fail "the configuration $config: unknown setting $key" 2 ;;
    esac
  done <<SETTINGS
$settings
SETTINGS
  is_name "$name" || fail "the configuration $config has no valid name" 2
  is_number "$split" && is_number "$immutable" || fail "the configuration $config: split and immutable are numbers" 2
  [ "$targets" -gt 0 ] || fail "the configuration $config has no target" 2
  : "${state:=/var/lib/kvm-backup/$name}" "${scratch:=$state}"
}

# The settings that make what is in a chain: when one changes, the next run is a full one.
shape() {
  local line
  {
    while IFS= read -r line; do
      case $line in 'path '* | 'exclude '* | 'root '* | 'one_file_system '* | 'recipient '*) printf '%s\n' "$line" ;; esac
    done <<SETTINGS
$settings
SETTINGS
    # Another file system at a path has files of its own, whatever their numbers.
    each path file_system
  } | digest
}

# The number of the file system at a path as it is found below the root.
file_system() { # PATH
  local said
  said=$(stat -f -c '%i %T' -- "${root%/}$1") || return 0
  # A snapshot of Btrfs has the numbers of what it was made of; its own is in the last eight digits.
  case $said in ????????*' btrfs') said=${said%???????? btrfs} ;; esac
  printf '%s\n' "${said%% *}"
}

has_recipients() { [ -n "$encrypted" ]; }

# Which programs are missing, in one line; the compressor only where it is ours.
missing_tools() {
  local tool missing=
  for tool in tar find xargs awk sed flock stat sync; do have "$tool" || missing="$missing $tool"; done
  case $(tar --version 2>/dev/null) in *'GNU tar'*) ;; *) missing="$missing GNU-tar" ;; esac
  case $(find --version 2>/dev/null) in *GNU*) ;; *) missing="$missing GNU-findutils" ;; esac
  case $(dd --version 2>/dev/null) in *coreutils*) ;; *) missing="$missing GNU-coreutils" ;; esac
  case $compress in none) ;; *) have "$compress" || missing="$missing $compress" ;; esac
  ! has_recipients || have age || missing="$missing age"
  [ -z "$buckets" ] || have rclone || missing="$missing rclone"
  printf '%s\n' "${missing# }"
}
need_tools() {
  local missing
  missing=$(missing_tools)
  [ -z "$missing" ] || fail "missing: $missing. Fix: install them with the machine's package manager"
}
