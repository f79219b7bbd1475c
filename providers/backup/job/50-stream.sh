
# ---- reading ---------------------------------------------------------------------------------------------------------

# Calls COMMAND with tar's words for what is read: the paths, each beginning with "./".
collect_path() { roots="$roots $(quoted ".${1%/}")"; }
collect_exclude() {
  # One that begins with "/" is a path; any other matches anywhere.
  case $1 in
    /*) excludes="$excludes --anchored $(quoted "--exclude=.$1")" ;;
    *) excludes="$excludes --no-anchored $(quoted "--exclude=$1")" ;;
  esac
}
collect_prune() { prunes="$prunes -o $(quoted "-${1%% *}") $(quoted "${1#* }")"; }

# What is never read: our own state, what is restored for a drill, repositories.
own_folders() {
  local i=1 folder
  set -- "$state"
  [ "$scratch" = "$state" ] || set -- "$@" "$scratch"
  while [ "$i" -le "$targets" ]; do
    eval "folder=\$target_$i/\$name"
    eval "[ -n \"\$ssh_$i\" ]" || set -- "$@" "$folder"
    i=$((i + 1))
  done
  readlink -m -- "$@"
}
exclude_own() {
  local folder
  own_folders >"$work/own"
  while IFS= read -r folder; do
    case $folder in "${root%/}"/*) folder=/${folder#"${root%/}"/} ;; *) continue ;; esac
    folder=$(literal "$folder")
    excludes="$excludes --anchored $(quoted "--exclude=.$folder")"
    prunes="$prunes -o -path $(quoted ".$folder")"
  done <"$work/own"
}

# Checks the paths, and collects what tar and find are told.
collect_sources() {
  roots= excludes= prunes=
  each path check_path || return
  each path collect_path
  each exclude collect_exclude
  each prune collect_prune
  exclude_own
}
check_path() { [ -e "${root%/}$1" ] || [ -L "${root%/}$1" ] || fail "${root%/}$1 is not there: nothing is backed up before it is"; }

# find on all that is read, without what is excluded and what tar leaves out.
walk() { # FIND'S ACTION...
  local xdev=
  [ -z "$one_file_system" ] || xdev=-xdev
  eval "set -- $roots $xdev -regextype posix-extended \\( -false $prunes \\) -prune -o -type s -o \"\$@\""
  (cd "$root" && exec find "$@")
}

read_all() {
  set -- --create --file=- --directory="$root" --format=posix --listed-incremental="$work/snar" --no-check-device --sparse --blocking-factor=256 \
    --numeric-owner --quoting-style=escape --index-file="$work/index" --verbose --verbose --full-time \
    --warning=no-new-dir --warning=no-xdev --warning=no-file-ignored --no-wildcards-match-slash
  # Times of access and change cannot be restored; without them a header is a third smaller.
  set -- "$@" --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime'
  [ -z "$one_file_system" ] || set -- "$@" --one-file-system
  set -- "$@" $extended
  eval "set -- \"\$@\" $excludes -- $roots"
  sh -c 'echo $PPID' >"$work/tar.pid"
  exec tar "$@" 2>"$work/tar.log"
}

# Extended attributes, ACLs and SELinux's contexts, as far as this tar knows them.
extended=
find_extended() {
  local help
  help=$(tar --help)
  case $help in *--xattrs-include*) extended="--xattrs --xattrs-include=*" ;; esac
  case $help in *--acls*) extended="$extended --acls" ;; esac
  case $help in *--selinux*) [ ! -e /sys/fs/selinux/enforce ] || extended="$extended --selinux" ;; esac
}

# ---- packing ---------------------------------------------------------------------------------------------------------

suffix() {
  case $compress in zstd) printf .zst ;; gzip) printf .gz ;; xz) printf .xz ;; esac
  ! has_recipients || printf .age
}

pack() {
  case $compress in
    zstd) exec zstd -q -c -T0 "-${compress_level:-3}" ;;
    gzip) if have pigz; then exec pigz -c "-${compress_level:-6}"; else exec gzip -c "-${compress_level:-6}"; fi ;;
    xz) exec xz -c -T0 "-${compress_level:-6}" ;;
    none) exec cat ;;
  esac
}

encrypt() {
  local recipients=
  has_recipients || exec cat
  each recipient collect_recipient
  eval "set -- $recipients"
  exec age --encrypt "$@"
}
collect_recipient() { recipients="$recipients --recipient $(quoted "$1")"; }

# The bytes of one part, no more: what follows in the pipe belongs to the next.
one_part() {
  dd bs=256K count="$split" iflag=fullblock,count_bytes status=none
}

# Cuts standard input into parts, and writes a line for each: name, size, digest. A part that fits into memory is read from
# there while the next one is written; one that does not is hashed on its way.
write_parts() { # RUN
  local n=0 part size sum file said hashing='' small=''
  [ -z "$near" ] || [ "$split" = 0 ] || [ "$split" -ge "$(room)" ] || small=yes
  while :; do
    n=$((n + 1))
    part=$(printf '%s-%s.tar%s.%06d' "$name" "$1" "$(suffix)" "$n")
    if [ -n "$near" ]; then
      file=$repository/.partial-$1/$part
      if [ -n "$small" ]; then
        one_part >"$file"
        echo "cut $?" >&3
        said=$(stat -c %s -- "$file") || return
      elif [ "$split" = 0 ]; then said=$(written "$file") || return
      else said=$({ one_part; echo "cut $?" >&3; } | written "$file") || return; fi
      size=${said%% *} sum=${said#* }
      if [ "$size" = 0 ] && [ "$n" -gt 1 ]; then
        rm -f "$file"
        break
      fi
      # The disk works while the next part, or the list of files, is made.
      flush "$file" &
      [ -z "$hashing" ] || wait "$hashing" || return
    else
      rm -f "$work/copy"
      mkfifo "$work/copy"
      { digest <"$work/copy" >"$work/copy.sum"; } &
      sum=$!
      if [ "$split" = 0 ]; then said=$(tee "$work/copy" | store put "$chain" "$1" "$part") || return
      else said=$({ one_part; echo "cut $?" >&3; } | tee "$work/copy" | store put "$chain" "$1" "$part") || return; fi
      wait "$sum" || return
      size=${said%% *} sum=${said#* }
      [ "$sum" = "$(cat "$work/copy.sum")" ] || { problem "$part: what arrived at $(target_label) is not what was sent"; return 1; }
      if [ "$size" = 0 ] && [ "$n" -gt 1 ]; then
        store drop "$chain" "$1" "$part"
        break
      fi
    fi
    if [ -n "$small" ]; then
      { sum=$(digest <"$file") && printf '%s %s %s\n' "$part" "$size" "$sum" >>"$work/parts"; } &
      hashing=$!
    else printf '%s %s %s\n' "$part" "$size" "$sum" >>"$work/parts"; fi
    [ "$split" != 0 ] && [ "$size" = "$split" ] || break
  done
  [ -z "$hashing" ] || wait "$hashing" || return
  # Every part was cut by a program that came to its end.
  [ "$split" = 0 ] || [ "$(grep -c '^cut 0$' "$work/stages")" = "$n" ]
}

# Runs tar, compressor, age and the writer as one pipe; each leaves its exit code in $work/stages, or nothing when it was
# killed. The last files are still being hashed when tar has ended, and all are looked at meanwhile.
stream() { # RUN
  local reader
  rm -f "$work/index" "$work/stages" "$work/parts" "$work/hashes" "$work/large" "$work/unsynced"
  mkfifo "$work/index" "$work/large" || return
  hash_index <"$work/index" >"$work/hashes" &
  reader=$!
  # Held open, so that it ends with the pipe, also where tar did not even begin.
  exec 5>"$work/index"
  watch_over "$1" &
  set -- "$1" $!
  # In the background, because a shell listens to no signal while it waits for a pipe.
  if has_recipients; then
    { (read_all); echo "tar $?" >&3; } | { (pack); echo "$compress $?" >&3; } | { (encrypt); echo "age $?" >&3; } |
      { write_parts "$1"; echo "write $?" >&3; }
  else
    { (read_all); echo "tar $?" >&3; } | { (pack); echo "$compress $?" >&3; } | { write_parts "$1"; echo "write $?" >&3; }
  fi 3>"$work/stages" &
  wait $!
  kill "$2" 2>/dev/null
  rm -f "$work/tar.pid"
  exec 5>&-
  list_lines walk >"$work/walk"
  wait "$reader"
}

# An error of the disk is told once only, to who waits for it first: it is kept for who publishes.
flush() { # FILE
  sync "$1" || : >"$work/unsynced"
}

# Keeps what was written flowing to the disk, and ends tar, and so the whole pipe, when the program itself was killed.
watch_over() { # RUN
  exec 5>&- 7>&- 9>&- >/dev/null 2>&1
  while sleep 3; do
    if ! kill -0 $$; then
      kill_tar
      exit
    fi
    [ -z "$near" ] || for part in "$repository/.partial-$1"/*; do last=$part; done
    [ -z "$near" ] || flush "$last"
  done
}

kill_tar() {
  local pid
  [ -f "$work/tar.pid" ] && read -r pid <"$work/tar.pid" && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = tar ] && kill "$pid"
}

# The exit code of a stage; 255 for one that was killed.
stage() {
  local name code
  while read -r name code; do
    [ "$name" != "$1" ] || { echo "$code" && return; }
  done <"$work/stages"
  echo 255
}
