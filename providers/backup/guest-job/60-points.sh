
# What is wrong with a point and those that it builds on, a line each; "$2" is "sizes" where that has to do.
chain_damage() {
  expected=0
  points | grep -F "${1%/*}/" | while IFS= read -r manifest; do
    level_of=$(field "$manifest" level)
    while [ "$expected" -lt "$level_of" ]; do
      echo "level $expected of chain $(basename "${1%/*}") is missing"
      expected=$((expected + 1))
    done
    expected=$((expected + 1))
    point_damage "$manifest" "${2-}"
    [ "$manifest" != "$1" ] || break
  done
}

point_damage() {
  [ -n "$(files "$1")" ] || echo "$1 is damaged"
  files "$1" | while read -r _ size_of sum_of file_of; do
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

list() {
  points | while IFS= read -r manifest; do
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

# restore [--at TIME|RUN] [--disk DISK] --to FILE
restore() {
  at="" to="" disk=""
  while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "$1 needs a value"
    case $1 in
      --at) at=$2 ;;
      --to) to=$2 ;;
      --disk) disk=$2 ;;
      *) fail "unknown option $1. Allowed: --at, --disk, --to" ;;
    esac
    shift 2
  done
  [ -n "$to" ] || fail "needs --to FILE"
  [ ! -e "$to" ] && [ ! -L "$to" ] || fail "$to exists: nothing is overwritten"
  case $at in
    "") limit="" ;;
    ????????T??????Z) limit=$(seconds_of "$at") || fail "$at is no time" ;;
    *) limit=$(date -d "$at" +%s) || fail "$at is no time" ;;
  esac
  point=$(points | while IFS= read -r each; do
    [ -n "$limit" ] && [ "$(field "$each" time)" -gt "$limit" ] || printf '%s\n' "$each"
  done | tail -n 1)
  [ -n "$point" ] || fail "no point${at:+ at or before $at}"
  have=$(files "$point" | cut -d ' ' -f 1 | paste -sd ' ' -)
  [ -n "$disk" ] || case $have in *' '*) fail "there are the disks $have: name one with --disk" ;; *) disk=$have ;; esac
  file=$(files "$point" | awk -v disk="$disk" '$1 == disk { print $4 }')
  [ -n "$file" ] || fail "no disk $disk in $point: it has $have"
  wrong=$(chain_damage "$point")
  [ -z "$wrong" ] || {
    printf '%s\n' "$wrong" >&2
    fail "the point cannot be restored"
  }
  qemu-img convert -O qcow2 "${point%/*}/$file" "$to.part" || {
    rm -f "$to.part"
    fail "qemu-img cannot write $to"
  }
  sync "$to.part"
  ln -T "$to.part" "$to" || fail "$to cannot be made; the image is $to.part"
  rm "$to.part"
  echo "$(field "$point" run) $disk is in $to"
}

# Deletes chains of which no point is kept; the newest stays in any case. Points go from the last to the first.
prune() {
  [ "$keep_last" -gt 0 ] || [ "$keep_days" -gt 0 ] || return 0
  kept=$(points | sort -r | awk -F / -v last="$keep_last" -v days="$keep_days" '
    { day = substr($NF, 1, 8) }
    day != before && seen < days { seen++; by_day = 1 }
    NR == 1 || NR <= last || by_day { print $(NF - 1) }
    { before = day; by_day = 0 }' | sort -u)
  points | sort -r | while IFS= read -r manifest; do
    folder=${manifest%/*}
    printf '%s\n' "$kept" | grep -qx "${folder##*/}" && continue
    rm -f "$manifest"
  done
  clear_left_overs
}
