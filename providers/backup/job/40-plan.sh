
# ---- what the next run is --------------------------------------------------------------------------------------------

# Decides on kind, level, chain and base of this run, and says why a full one is made, in $why.
plan_run() { # NOW OFFSET
  local reason
  kind=full level=0 chain= base= why=
  if [ -z "$last_chain" ]; then
    why="nothing is there yet"
  else
    chain_state "$last_chain" >"$work/chain"
    read -r full_run full_time full_offset runs last_run last_level <"$work/chain"
    base=$last_run level=$((last_level + 1))
    [ "$mode" != differential ] || base=$full_run level=1
    if [ "$mode" = full ]; then why="every run is one"
    elif [ -n "${full_wanted:-}" ]; then why="it was asked for"
    elif [ -f "$state/full-next" ]; then why=$(cat "$state/full-next")
    elif reason=$(is_due "$full" "$full_time" "$full_offset" "$runs" "$1" "$2"); then why=$reason
    else why=$(unfit_base "$last_chain"); fi
  fi
  if [ -n "$why" ]; then
    base='' level=0 kind=full
  else
    chain=$last_chain kind=$mode
  fi
}

# The full run with its time and offset, the number of runs, and the last whole one with its level.
chain_state() { # CHAIN
  awk -F '\t' -v chain="$1" '$3 == chain { n++; if ($5 == 0) full = $4 " " $1 " " $2; if ($11 == "whole") last = $4 " " $5 }
    END { print full == "" ? "- 0 0" : full, n, last == "" ? "- 0" : last }' "$work/points"
}

# Whether something that happens every PERIOD is due again: daily, weekly and monthly go by the machine's calendar,
# "N runs" by their number, and anything else is seconds. Says why.
is_due() { # PERIOD TIME OFFSET RUNS NOW OFFSET
  awk -v every="$1" -v t="$2" -v o="$3" -v runs="$4" -v now="$5" -v no="$6" "$calendar"'
    BEGIN {
      if (every ~ / runs$/) { n = every + 0; if (runs >= n) { print "it is the turn after " n " runs"; exit 0 } exit 1 }
      if (every ~ /^[0-9]+$/) { if (now - t >= every - 3600 && now - t >= every * 0.9) { print "the last one is old enough"; exit 0 } exit 1 }
      a = bucket(every, t, o); b = bucket(every, now, no)
      if (a == b) exit 1
      print "a new " (every == "daily" ? "day" : every == "weekly" ? "week" : "month") " has begun"
    }'
}

# Why the next run cannot build on $base; nothing when it can.
unfit_base() { # CHAIN
  local problems was_shape was_snar was_list
  if [ "$base" = - ] || [ "$full_run" = - ]; then
    echo "the last chain has no whole run"
    return
  fi
  lineage "$base" >"$work/lineage" || { echo "the last chain has a gap"; return; }
  # shellcheck disable=SC2046 # names, one a line
  problems=$(store sizes "$1" $(cat "$work/lineage")) || problems="it cannot be read"
  [ -z "$problems" ] || { printf 'the last chain is damaged: %s\n' "$problems" | head -n 1; return; }
  store manifest "$1" "$base" >"$work/base.json" || { echo "the last manifest cannot be read"; return; }
  sed -n 's/^  "\(shape\|snar\|list\)": "\([^"]*\)",$/\2/p' "$work/base.json" >"$work/base"
  { read -r was_shape; read -r was_snar; read -r was_list; } <"$work/base"
  [ "$was_shape" = "$shape_now" ] || { echo "paths, excludes, file systems or recipients have changed"; return; }
  [ -f "$state/snar/$base" ] && [ "$(digest <"$state/snar/$base")" = "$was_snar" ] ||
    { echo "tar's notes of the last run are not here"; return; }
  [ -f "$state/files/$base" ] && [ "$(digest <"$state/files/$base")" = "$was_list" ] ||
    { echo "the list of files of the last run is not here"; return; }
}

# The runs that a run builds on, the full one first, itself last. Fails where one is missing.
lineage() { # RUN
  awk -F '\t' -v run="$1" '{ base[$4] = $7; level[$4] = $5 }
    END { for (r = run; r != "-"; r = base[r]) { if (!(r in base) || n > 100000) exit 1; list[++n] = r }
      if (level[list[n]] != 0) exit 1
      for (; n > 0; n--) print list[n] }' "$work/points"
}

# ---- tar's notes -----------------------------------------------------------------------------------------------------
#
# tar keeps folders by inode number, and writes down that a folder was moved, to be replayed at restore. What it writes
# cannot always be replayed: a move onto the name of a file, into a folder that is new, in a circle, or of an inode that
# was freed and used again. Such folders are taken out of the notes, so that tar takes them for new and stores them whole.

# Makes $work/snar of the base's notes and the folders that are there now.
prepare_notes() {
  local spare
  [ -n "$base" ] || return 0
  walk -type d -printf '%i %p\0' >"$work/folders" || return
  # In the notes, NUL ends a word. So that awk can read lines, a byte that does not occur stands for newlines in names.
  for spare in '\377' '\376' '\375' '\001' '\002' '\003' '\004' '\005' '\006' '\016' '\017' '\020' none; do
    [ "$spare" != none ] || return 1
    [ -z "$(cat "$state/snar/$base" "$work/folders" | tr -dc "$spare" | head -c 1)" ] && break
  done
  tr '\000\n'"$spare" '\n'"$spare"'\000' <"$state/snar/$base" >"$work/notes" &&
    tr '\000\n'"$spare" '\n'"$spare"'\000' <"$work/folders" >"$work/folders.lines" &&
    awk -v moves="$work/moves" "$select_notes" "$work/notes" "$work/folders.lines" >"$work/notes.kept" &&
    tr '\n'"$spare"'\000' '\000\n'"$spare" <"$work/notes.kept" >"$work/snar"
}

select_notes='
  function parent(p) { sub(/\/[^\/]*$/, "", p); return p }
  function under(p, d) { return substr(p, 1, length(d) + 1) == d "/" }
  # The folder has the name and the inode that it had.
  function stays(p) { return (p in record) && (p in here) && here[p] == inode[record[p]] }
  # Where the folder is now, if it was moved.
  function moved(k,   p) { p = (inode[k] in place) ? place[inode[k]] : ""; return p == "" || p == name[k] || stays(p) ? "" : p }
  # The folder stays, and all above it that is backed up.
  function rooted(p) { if (!stays(p)) return 0; for (p = parent(p); (p in record) || (p in here); p = parent(p)) if (!stays(p)) return 0; return 1 }
  # Nothing was at the new place, all around both places stays, and nothing inside went elsewhere.
  function simple(k, to,   j, p, from, base) {
    from = name[k]; base = to; sub(/.*\//, "", base)
    if ((from in here) || (to in record) || ((parent(to), base) in listed)) return 0
    if (!rooted(parent(to)) || !rooted(parent(from))) return 0
    for (j = 1; j <= n; j++) if (under(name[j], from)) {
      p = to substr(name[j], length(from) + 1)
      if (p in here) { if (here[p] != inode[j]) return 0 } else if (moved(j) != "") return 0
    }
    return 1
  }
  FILENAME != last { last = FILENAME; file++ }
  # The first two lines are the format and the time; then of each folder: NFS or not, modified (two lines), device, inode,
  # name, its entries with a letter before each, an empty line, an empty line.
  file == 1 && FNR <= 2 { print; next }
  file == 1 {
    if (at == 0) n++
    at++
    line[n] = line[n] $0 "\n"
    if (at == 5) inode[n] = $0
    else if (at == 6) { name[n] = $0; record[$0] = n }
    else if (at > 6 && $0 != "") listed[name[n], substr($0, 2)] = 1
    else if (at > 6 && ended) { at = 0; ended = 0 }
    else if (at > 6) ended = 1
    next
  }
  { i = index($0, " "); p = substr($0, i + 1); here[p] = substr($0, 1, i - 1)
    if (!(here[p] in place) || !stays(p)) place[here[p]] = p }
  END {
    if (at != 0) exit 1
    for (k = 1; k <= n; k++) if (!stays(name[k]) && !(k in inside)) {
      to = moved(k)
      # Each move is compared with all folders: of many, the rest counts as new.
      if (to == "" || ++tried > 200 || !simple(k, to)) continue
      kept[k] = 1
      print name[k] "\n" to > moves
      for (j = 1; j <= n; j++) if (under(name[j], name[k])) inside[j] = 1
    }
    for (k = 1; k <= n; k++) if (stays(name[k]) || (k in kept) || (k in inside)) printf "%s", line[k]
  }'
