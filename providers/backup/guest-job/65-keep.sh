
# ---- retention -------------------------------------------------------------------------------------------------------

# All points by time, a line each, as the rules read them: time, offset, chain, run, six fields that they do not read,
# state, verified. A point is whole only where those are that it builds on, by their sizes.
point_table() {
  rows=$(find "$repository" -mindepth 2 -maxdepth 2 -type f -printf '%s\t%P\n' | awk -F '\t' -v root="$repository/" '
    function number(text) { gsub(/[^0-9]/, "", text); return text }
    { size[$2] = $1 }
    $2 ~ /^[0-9]+T[0-9]+Z\/[0-9]+T[0-9]+Z\.json$/ { manifest[++n] = $2 }
    END {
      for (i = 1; i <= n; i++) {
        split(substr(manifest[i], 1, length(manifest[i]) - 5), name, "/")
        time = ""; images = 0; state = "whole"
        while ((getline line < (root manifest[i])) > 0) {
          if (line ~ /^  "time": /) time = number(line)
          if (line !~ /^    \{ "disk": /) continue
          split(line, word, "\""); images++
          if (size[name[1] "/" word[14]] != number(word[7])) state = "damaged"
        }
        close(root manifest[i])
        if (time == "" || images == 0) state = "damaged"
        printf "%s\t%s\t%s\t%s\t%s\n", time + 0, name[1], name[2], state, ((name[1] "/" name[2] ".proof") in size) + 0
      }
    }' | sort -t "$tab" -k 3,3)
  [ -z "$rows" ] || printf '%s\n' "$rows" | awk -F '\t' \
    -v zones="$(printf '%s\n' "$rows" | sed "s/$tab.*//; s/^/@/" | date -f - +%z | paste -sd ' ' -)" '
    BEGIN { split(zones, zone, " ") }
    {
      if ($4 != "whole") broken[$2] = 1
      offset = (substr(zone[NR], 2, 2) * 3600 + substr(zone[NR], 4, 2) * 60) * (zone[NR] ~ /^-/ ? -1 : 1)
      printf "%s\t%s\t%s\t%s\t\t\t\t\t\t\t%s\t%s\n", $1, offset, $2, $3, ($2 in broken) ? "damaged" : "whole", $5
    }'
}

# What is to become of every chain, a line each: keep or delete, chain, why.
decide() { # NOW
  point_table | awk -F '\t' -v keeps="$keeps" -v now="$1" -v days="$immutable" "$calendar$select_kept"
}

# Deletes a chain, from its last point to its first: what is left of one that is cut off is whole.
delete_chain() { # CHAIN
  points | grep -F "$repository/$1/" | sort -r | while IFS= read -r manifest; do delete_point "$manifest"; done
}
delete_point() { # MANIFEST
  chattr -i "${1%.json}"[-.]* 2>/dev/null
  rm -f "$1"
}

# Deletes what no rule keeps. Without rules nothing goes.
prune() {
  [ -n "$keeps" ] || return 0
  decide "$(date +%s)" | while IFS=$tab read -r what chain why; do
    [ "$what" = delete ] || continue
    delete_chain "$chain"
    say "deleted $chain: $why"
  done
  clear_left_overs
}

# prune [--dry-run] [--now TIME]
command_prune() {
  dry=no now=$(date +%s)
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) dry=yes ;;
      --now)
        # Only to see what would be: a wrong date must not delete anything.
        dry=yes
        [ $# -ge 2 ] && now=$(date -d "$2" +%s 2>/dev/null) || fail "${2-} is no time"
        shift
        ;;
      *) fail "unknown option $1. Allowed: --dry-run, --now" ;;
    esac
    shift
  done
  [ -n "$keeps" ] || fail "no keep rules are set: everything is kept"
  [ "$dry" = yes ] || lock
  decide "$now" | while IFS=$tab read -r what chain why; do
    printf '%-6s %s: %s\n' "$what" "$chain" "$why"
    [ "$what" = keep ] || [ "$dry" = yes ] || delete_chain "$chain"
  done
  [ "$dry" = yes ] || clear_left_overs
}

# Keeps the files of a point from being changed, where the file system can.
protect() { # MANIFEST
  [ "$immutable" -gt 0 ] || return 0
  chattr +i "${1%.json}"[-.]* 2>/dev/null ||
    say "warning: the file system of $repository cannot keep files from being changed; prune keeps them for $immutable days all the same"
}
