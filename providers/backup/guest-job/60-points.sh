
# What is wrong with a point and those that it builds on, a line each; "$2" is "sizes" where that has to do, "$3" the one disk
# that matters.
chain_damage() {
  expected=0
  points | grep -F "${1%/*}/" | while IFS= read -r manifest; do
    level_of=$(field "$manifest" level)
    while [ "$expected" -lt "$level_of" ]; do
      echo "level $expected of chain $(basename "${1%/*}") is missing"
      expected=$((expected + 1))
    done
    expected=$((expected + 1))
    point_damage "$manifest" "${2-}" "${3-}"
    [ "$manifest" != "$1" ] || break
  done
}

point_damage() {
  [ -n "$(files "$1")" ] || echo "$1 is damaged"
  files "$1" | while read -r disk_of size_of sum_of file_of; do
    [ -z "$3" ] || [ "$disk_of" = "$3" ] || continue
    path=${1%/*}/$file_of
    if [ ! -f "$path" ]; then
      echo "$path is missing"
    elif [ "$(stat -c %s "$path")" != "$size_of" ]; then
      echo "$path has $(stat -c %s "$path") bytes instead of $size_of"
    elif [ "$2" != sizes ]; then
      if [ "$(sha256sum <"$path" | cut -d ' ' -f 1)" != "$sum_of" ]; then
        echo "$path is damaged: its sha256 is another"
      elif ! qemu-img check -q "$path" >/dev/null 2>&1; then
        echo "$path is damaged: qemu-img check"
      fi
    fi
  done
}

# The manifest of the last point until a time, which date(1) takes, or that is a point's name; without one, of the newest.
point_at() {
  case $1 in
    "") limit="" ;;
    ????????T??????Z) limit=$(seconds_of "$1" 2>/dev/null) || fail "$1 is no time" ;;
    *) limit=$(date -d "$1" +%s 2>/dev/null) || fail "$1 is no time" ;;
  esac
  point=$(points | while IFS= read -r each; do
    [ -n "$limit" ] && [ "$(field "$each" time)" -gt "$limit" ] || printf '%s\n' "$each"
  done | tail -n 1)
  [ -n "$point" ] && return
  all=$(points | sed 's|.*/||; s|\.json$||' | paste -sd ' ' -)
  fail "there is no point${1:+ until $1}. Those that are there: ${all:-none}"
}

# list [--at TIME|RUN]
list() {
  case $#,${1-} in
    0,) chosen=$(points) ;;
    2,--at) point_at "$2" && chosen=$point ;;
    *) fail "unknown option ${1-}. Allowed: --at TIME" ;;
  esac
  [ -n "$chosen" ] || fail "there is no point in $repository yet"
  printf '%s\n' "$chosen" | while IFS= read -r manifest; do
    note=$(sed -n 's/^  "note": "\(.*\)",$/\1/p' "$manifest")
    printf '%s chain %s level %s, disks %s%s\n' "$(field "$manifest" run)" "$(field "$manifest" chain)" \
      "$(field "$manifest" level)" "$(files "$manifest" | cut -d ' ' -f 1 | paste -sd , -)" "${note:+ ($note)}"
  done
}

verify() {
  all=$(for folder in "$repository"/*Z; do
    newest=$(points | grep -F "$folder/" | tail -n 1)
    [ -z "$newest" ] || chain_damage "$newest"
  done)
  [ -z "$all" ] || {
    printf '%s\n' "$all"
    fail "$(printf '%s\n' "$all" | wc -l) damaged"
  }
  echo "$(points | wc -l) points are whole"
}

# restore [--at TIME|RUN] [--disk DISK] [--format qcow2|raw] [--overwrite] --to FILE
restore() {
  at="" to="" disk="" form=qcow2 overwrite=no
  while [ $# -gt 0 ]; do
    if [ "$1" = --overwrite ]; then
      overwrite=yes
      shift
      continue
    fi
    case $1 in
      --at | --disk | --format | --to) [ $# -ge 2 ] || fail "$1 needs a value" ;;
      *) fail "unknown option $1. Allowed: --at, --disk, --format, --overwrite, --to" ;;
    esac
    case $1 in
      --at) at=$2 ;;
      --disk) disk=$2 ;;
      --format) form=$2 ;;
      --to) to=$2 ;;
    esac
    shift 2
  done
  case $form in qcow2 | raw) ;; *) fail "--format $form. Allowed: qcow2, raw" ;; esac
  [ -n "$to" ] || fail "needs --to FILE"
  look_at_place
  point_at "$at"
  choose_disk
  wrong=$(chain_damage "$point" whole "$disk")
  [ -z "$wrong" ] || {
    printf '%s\n' "$wrong" >&2
    fail "the point cannot be restored"
  }
  part=$to.kvm-restore
  said=$(qemu-img convert -O "$form" "${point%/*}/$file" "$part" 2>&1) || {
    rm -f "$part"
    fail "qemu-img cannot write $to: $said"
  }
  sync "$part"
  if [ "$overwrite" = yes ] && [ -e "$to" ]; then
    # Whoever could use the old one can use the new one.
    chown --reference "$to" "$part" && chmod --reference "$to" "$part" && mv -fT "$part" "$to"
  else
    ln -T "$part" "$to" && rm "$part"
  fi || fail "$to cannot be made; the image is $part"
  sync "${to%/*}"
  echo "$(field "$point" run) $disk is in $to"
}

# The disk of the point that is meant, and its file.
choose_disk() {
  have=$(files "$point" | cut -d ' ' -f 1 | paste -sd ' ' -)
  [ -n "$disk" ] || case $have in *' '*) fail "there are the disks $have: name one with --disk" ;; *) disk=$have ;; esac
  file=$(files "$point" | awk -v disk="$disk" '$1 == disk { print $4 }')
  [ -n "$file" ] || fail "no disk $disk in $point: it has $have"
}

# files [--at TIME|RUN] [--disk DISK]: the point that is meant, its disk, and what a restore of it reads: size and path, a line each.
needed_files() {
  at="" disk=""
  while [ $# -ge 2 ]; do
    case $1 in
      --at) at=$2 ;;
      --disk) disk=$2 ;;
      *) fail "unknown option $1. Allowed: --at, --disk" ;;
    esac
    shift 2
  done
  point_at "$at"
  choose_disk
  printf '%s %s %s\n' "$(field "$point" run)" "$disk" "$(qemu-img info "${point%/*}/$file" | sed -n 's/^virtual size: .*(\([0-9]*\) bytes).*/\1/p')"
  points | grep -F "${point%/*}/" | while IFS= read -r manifest; do
    for each in "$manifest" "${manifest%/*}/$(files "$manifest" | awk -v disk="$disk" '$1 == disk { print $4 }')"; do
      [ ! -f "$each" ] || printf '%s %s\n' "$(stat -c %s "$each")" "${each#"$repository"/}"
    done
    [ "$manifest" != "$point" ] || break
  done
}

# Whether "$to" may be written.
look_at_place() {
  folder=$(realpath -e "$(dirname "$to")" 2>/dev/null) && [ -d "$folder" ] || fail "$to: its folder is not there"
  case $folder/ in "$(realpath -m "$repository")/"*) fail "$to is in the repository: restore to another place" ;; esac
  to=$folder/$(basename "$to")
  [ -e "$to" ] || [ -L "$to" ] || return 0
  [ "$overwrite" = yes ] || fail "$to exists: nothing is overwritten. Fix: name another file, or say --overwrite"
  [ -f "$to" ] && [ ! -L "$to" ] || fail "$to is no file: only files are overwritten"
  case $(qemu-img info "$to" 2>&1) in *" lock"*) fail "$to is in use by a running guest. Fix: shut it off first" ;; esac
}
