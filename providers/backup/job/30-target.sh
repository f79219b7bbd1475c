
# ---- targets ---------------------------------------------------------------------------------------------------------

target_number=
target_folder=
target_ssh=
target_options=
target_bucket=
# Whether it is a folder of this machine.
near=yes

# Makes $work, and where there are targets over ssh a folder for their connections, whose names must be short.
sockets=
make_work() { # FOLDER
  work=$(mktemp -d "$1/work.$$.XXXXXX") || fail "cannot write to $1"
  [ -z "$far" ] || sockets=$(mktemp -d "${TMPDIR:-/tmp}/kvm.XXXXXX") || fail "cannot make a temporary folder"
}
hang_up() {
  local socket
  for socket in "$sockets"/*; do
    [ ! -S "$socket" ] || ssh -o ControlPath="$socket" -O exit any 2>/dev/null
  done
  rm -rf "$sockets"
}

# Makes the N-th target the one that `store` means.
use_target() { # N
  target_number=$1
  eval "target_folder=\$target_$1 target_ssh=\$ssh_$1 target_options=\$options_$1 target_bucket=\$bucket_$1"
  repository=$target_folder/$name
  near=
  if [ -n "$target_bucket" ]; then use_bucket "$1"; elif [ -z "$target_ssh" ]; then near=yes; fi
}
target_label() { printf '%s%s' "${target_ssh:+${target_ssh%% *}:}" "$repository"; }

# Does a store's work where the target is: `store put CHAIN RUN FILE` and so on.
store() {
  local word line
  if [ -z "$target_ssh" ]; then
    word=$1
    shift
    if [ -n "$near" ]; then "store_$word" "$@"; else "bucket_$word" "$@"; fi
  else
    line="exec sh $(quoted "$repository/kvm-backup") store $(quoted "$repository")"
    for word; do line="$line $(quoted "$word")"; done
    secure_shell "$line"
  fi
}

# Runs a command line on the target's machine. Its keys and known hosts are those of this machine's root, or as
# the options say; nobody is there to be asked.
secure_shell() { # LINE
  local line=$1
  set -- -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4
  [ -z "$sockets" ] || set -- "$@" -o ControlMaster=auto -o "ControlPath=$sockets/$target_number" -o ControlPersist=20
  # OpenSSH takes the first value of an option: the operator's come before ours.
  eval "set -- $target_options \"\$@\""
  # "host", "user@host", and a port after a blank
  case $target_ssh in *' '*) set -- "$@" -p "${target_ssh#* }" ;; esac
  ssh "$@" -- "${target_ssh%% *}" "$line" 6<&- 7>&- 9>&-
}

# Makes the target ready and takes it for us.
open_target() { # SECONDS TO WAIT
  local line
  known_target
  if [ -z "$target_ssh" ]; then
    if [ -n "$target_bucket" ]; then store init 2>"$work/refused" || refuse_bucket "$work/refused"
    else store init || fail "cannot write to $(target_label)"; fi
    store lock "$1" >"$work/lock" || refused_lock
  else
    if ! store version "$(digest <"$self")" 2>/dev/null; then
      line="umask 077 && mkdir -p $(quoted "$repository") && cat >$(quoted "$repository/kvm-backup.sent") && "
      line="$line sh $(quoted "$repository/kvm-backup.sent") store $(quoted "$repository") init && rm -f $(quoted "$repository/kvm-backup.sent")"
      secure_shell "$line" <"$self" || fail "cannot make a repository at $(target_label)"
    fi
    rm -f "$work/leash" "$work/lock"
    mkfifo "$work/leash" || return
    store wait_lock "$1" <"$work/leash" >"$work/lock" &
    # The other machine holds the lock until this end of the pipe is closed, by us or by our death.
    exec 7>"$work/leash"
    until grep -q -e held -e locked "$work/lock" 2>/dev/null; do
      kill -0 $! 2>/dev/null || break
      sleep 0.1
    done
    grep -q held "$work/lock" || refused_lock
  fi
  line=$(sed -n 's/^stale: //p' "$work/lock")
  [ -z "$line" ] || note "an earlier run was ended: $line"
  first_line "$state/target-$target_number"
  [ "$line" = "$(target_label)" ] || target_label | replace "$state/target-$target_number"
}

# A repository that was there and is not: its disk may not be mounted, and another must not be begun in its place.
known_target() {
  local line
  mkdir -p "$state" || fail "cannot write to $state"
  first_line "$state/target-$target_number"
  [ "$line" = "$(target_label)" ] || return 0
  if [ -n "$near" ]; then [ ! -f "$repository/README" ] || return 0
  elif [ -n "$target_bucket" ]; then
    line=$(bucket lsf "$remote" --include README 2>"$work/refused")
    case $? in 0 | 3) ;; *) refuse_bucket "$work/refused" ;; esac
    [ -z "$line" ] || return 0
  else
    line="test -f $(quoted "$repository/README") || echo gone"
    [ "$(secure_shell "$line")" = gone ] || return 0
  fi
  fail "the repository $(target_label) is gone: is its disk mounted? Fix: mount it, or remove $state/target-$target_number to begin a new one"
}
refused_lock() {
  local holder
  holder=$(sed -n 's/^locked: //p' "$work/lock")
  [ -n "$holder" ] || fail "$(target_label) cannot be locked"
  fail "$(target_label) is in use: $holder" 75
}

close_target() {
  if [ -n "$target_ssh" ]; then exec 7>&-
  else
    store unlock
    exec 9>&-
  fi
}

# Keeps a chain from being deleted until this process ends.
hold_chain() { # CHAIN
  if [ -z "$target_ssh" ]; then store hold "$1" >/dev/null; return; fi
  rm -f "$work/leash" "$work/lock"
  mkfifo "$work/leash" || return
  store wait_hold "$1" <"$work/leash" >"$work/lock" &
  exec 7>"$work/leash"
  until grep -q held "$work/lock" 2>/dev/null; do
    kill -0 $! 2>/dev/null || return 1
    sleep 0.1
  done
}
