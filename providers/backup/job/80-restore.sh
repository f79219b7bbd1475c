
# ---- verify ----------------------------------------------------------------------------------------------------------

# Opens a repository for reading; its points are in $work/points.
open_for_reading() {
  make_work "${TMPDIR:-/tmp}"
  if [ -n "$bare" ]; then
    repository=$(readlink -f -- "$bare") && [ -f "$repository/README" ] || fail "$bare is no repository" 2
    name=${repository##*/}
    near=yes
  else
    use_target "$from_target"
  fi
  store points >"$work/points" || fail "cannot read $(target_label)"
}

# What runs of $work/runs are built on and is missing, a problem a line.
find_gaps() {
  awk -F '\t' -v runs="$work/runs" '{ there[$4] = 1 }
    END { while ((getline line <runs) > 0) { n = split(line, word, " ")
      if (n > 2 && word[3] != "-" && !(word[3] in there)) printf "%s: is built on %s, which is missing\n", word[2], word[3] } }' \
    "$work/points"
}

command_verify() {
  local at='' all='' chains
  while [ $# -gt 0 ]; do
    case $1 in
      --at) at=$2 && shift ;;
      --all) all=yes ;;
      *) fail "verify: unknown argument $1" 2 ;;
    esac
    shift
  done
  open_for_reading
  [ -s "$work/points" ] || fail "$(target_label) has no restore points"
  # By default all that the chosen point's chain has.
  if [ -n "$all" ]; then chains=$(cut -f 3 "$work/points" | sort -u)
  else
    choose_point "$at"
    chains=$chain
  fi
  verify_chains "$chains"
}

verify_chains() { # CHAINS
  local chain
  rm -f "$work/problems"
  for chain in $1; do verify_chain "$chain"; done
  [ ! -s "$work/problems" ] || fail "$(wc -l <"$work/problems") problems found"
}

# Reads all of a chain, and notes that it is whole.
verify_chain() { # CHAIN
  local run line
  hold_chain "$1" || fail "chain $1 cannot be read"
  awk -F '\t' -v chain="$1" '$3 == chain { print $3, $4, $7 }' "$work/points" >"$work/runs"
  {
    find_gaps
    while read -r _ run _; do store check "$1" "$run" </dev/null; done <"$work/runs"
  } >"$work/found"
  if [ -s "$work/found" ]; then
    while IFS= read -r line; do problem "$1: $line"; done <"$work/found"
    cat "$work/found" >>"$work/problems"
    return
  fi
  store mark "$1" "$(date +%s)" || warn "the chain cannot be marked as verified"
  note "$1: $(wc -l <"$work/runs") runs, whole"
}

# ---- choosing --------------------------------------------------------------------------------------------------------

# Sets $run and $chain: the last point until TIME, or the last of all.
choose_point() { # TIME
  local until=99999999999
  case $1 in
    '' | latest) ;;
    [0-9]*T*Z-[0-9]*)
      run=$1
      chain=$(awk -F '\t' -v run="$1" '$4 == run { print $3 }' "$work/points")
      [ -n "$chain" ] || fail "there is no restore point $1"
      return
      ;;
    *) until=$(epoch_of "$1") || exit ;;
  esac
  run=$(awk -F '\t' -v until="$until" '$11 == "whole" && $1 <= until { run = $4 } END { print run }' "$work/points")
  [ -n "$run" ] || fail "there is no restore point${1:+ until $1}. Those that are there: $(cut -f 4 "$work/points" | tr '\n' ' ')"
  chain=$(awk -F '\t' -v run="$run" '$4 == run { print $3 }' "$work/points")
}

command_list() {
  local at='' first
  patterns=
  while [ $# -gt 0 ]; do
    case $1 in
      --at) at=$2 && shift ;;
      --path) patterns="$patterns$2
" && shift ;;
      --identity) identity=$2 && shift ;;
      *) fail "list: unknown argument $1" 2 ;;
    esac
    shift
  done
  open_for_reading
  take_key
  if [ -n "$at$patterns" ]; then
    choose_point "$at"
    fetch_list || exit
    select_paths
    awk -F '\t' '{ printf "%s %5s %s:%s %12s %s%s\n", $1, $2, $3, $4, $5, substr($11, 2), ($12 == "" ? "" : " -> " $12) }' "$work/wanted"
    return
  fi
  first=yes
  while IFS=$tab read -r time offset chain run level kind base size files parts whole verified; do
    [ -z "$first" ] || printf '%-24s %-25s %-13s %10s %9s  %s\n' POINT TIME KIND SIZE FILES VERIFIED
    first=
    printf '%-24s %-25s %-13s %10s %9s  %s\n' "$run" "$(date -d "@$time" '+%Y-%m-%d %H:%M:%S %z')" "$kind" \
      "$(human "$size")" "$files" "$([ "$whole" != whole ] && echo "$whole" || { [ "$verified" = 0 ] || date -d "@$verified" '+%Y-%m-%d %H:%M'; })"
  done <"$work/points"
}

# What a restore of a point reads: its name, then a line of size and path in the repository for each file.
command_files() {
  local at='' each chain_run
  while [ $# -gt 0 ]; do
    case $1 in
      --at) at=$2 && shift ;;
      *) fail "files: unknown argument $1" 2 ;;
    esac
    shift
  done
  open_for_reading
  choose_point "$at"
  lineage "$run" >"$work/lineage" || fail "$run is built on a run that is missing"
  printf '%s\n' "$run"
  while read -r each; do
    chain_run=$chain/$each
    store manifest "$chain" "$each" >"$work/level.json" </dev/null || fail "$each: its manifest is missing"
    printf '%s %s/%s-%s.json\n' "$(wc -c <"$work/level.json")" "$chain_run" "$name" "$each"
    store_files "$work/level.json" | while read -r file size _; do printf '%s %s/%s\n' "$size" "$chain_run" "$file"; done
  done <"$work/lineage"
}

# Gets the list of files of $run; fails where it is not the one that was written.
fetch_list() {
  local file size sum
  store manifest "$chain" "$run" >"$work/manifest" 2>/dev/null || { problem "$run: its manifest is missing"; return 1; }
  manifest_intact "$work/manifest" || { problem "$run: its manifest is not as it was written"; return 1; }
  store_files "$work/manifest" | grep '\.files' >"$work/list.part"
  read -r file size sum <"$work/list.part" && is_name "$file" || return
  store cat "$chain" "$run" "$file" </dev/null | unpack "$work/manifest" >"$work/list" 2>"$work/unpack.log" || :
  [ "$(digest <"$work/list")" = "$(field "$work/manifest" list)" ] ||
    { problem "$file: cannot be read: $(head -n 1 "$work/unpack.log" | grep . || echo "it is not what was written")"; return 1; }
}

# Undoes what the run of a manifest did to its files.
unpack() { # MANIFEST
  if [ "$(field "$1" encryption)" = age ]; then
    [ -n "$identity" ] || { echo "it is encrypted. Fix: --identity FILE, the file with the private key" >&2; return 1; }
    { decrypt || echo age >"$work/undone"; } | inflate "$1"
  else
    inflate "$1"
  fi
}
# With "-" the key came by standard input: it is handed on by a pipe, and never in a file.
decrypt() {
  if [ "$identity" = - ]; then
    { printf '%s\n' "$key" | { exec 3<&0 <&8 8<&-; exec age --decrypt --identity /dev/fd/3; }; } 8<&0
  else
    age --decrypt --identity "$identity"
  fi
}
take_key() {
  [ "$identity" != - ] || key=$(cat)
}
inflate() { # MANIFEST
  case $(field "$1" compressor) in
    zstd) zstd -q -dc ;;
    gzip) gzip -dc ;;
    xz) xz -dc ;;
    *) cat ;;
  esac
}

# The lines of $work/list that the patterns mean, in $work/wanted: what matches, and all below it.
select_paths() {
  if [ -z "$patterns" ]; then cp "$work/list" "$work/wanted"
  else
    printf '%s' "$patterns" >"$work/patterns"
    awk -F '\t' "$globs"'
      FNR == 1 { file++ }
      file == 1 { if ($0 != "") want[++n] = expression($0); next }
      { p = substr($11, 2); for (i = 1; i <= n; i++) if (p ~ want[i]) { print; next } }' "$work/patterns" "$work/list" >"$work/wanted"
  fi
  [ -s "$work/wanted" ] || fail "no file of $run matches $(printf '%s' "$patterns" | tr '\n' ' ')"
}

# A pattern as an expression over whole paths; what is below a match matches too.
globs='
  function expression(glob,   i, c, re, set, e) {
    re = substr(glob, 1, 1) == "/" ? "^" : "/"
    for (i = 1; i <= length(glob); i++) {
      c = substr(glob, i, 1)
      if (c == "*") re = re "[^/]*"
      else if (c == "?") re = re "[^/]"
      else if (c == "[" && (e = index(substr(glob, i + 2), "]")) > 0) {
        set = substr(glob, i + 1, e); i += e + 1
        gsub(/\\/, "&&", set); sub(/^!/, "^", set); re = re "[" set "]"
      }
      else if (c == "\\" && i < length(glob)) { c = substr(glob, ++i, 1); re = re plain(c == "\\" ? "\\\\" : c) }
      else re = re plain(c)
    }
    sub(/\/$/, "", re)
    return re "(/|$)"
  }
  function plain(text,   i, out, c) {
    for (i = 1; i <= length(text); i++) { c = substr(text, i, 1); out = out (c ~ /[A-Za-z0-9_\/ -]/ || c > "~" ? c : "[" (c == "^" || c == "\\" ? "\\" : "") c "]") }
    return out
  }'

# ---- restore ---------------------------------------------------------------------------------------------------------

identity=
key=
patterns=
to=
overwrite=
add=
damaged=
staging=

command_restore() {
  local at='' runs
  while [ $# -gt 0 ]; do
    case $1 in
      --at) at=$2 && shift ;;
      --path) patterns="$patterns$2
" && shift ;;
      --to) to=$2 && shift ;;
      --identity) identity=$2 && shift ;;
      --overwrite) overwrite=yes ;;
      --add) add=yes ;;
      --damaged) damaged=yes ;;
      *) fail "restore: unknown argument $1" 2 ;;
    esac
    shift
  done
  case $to in /*) ;; *) fail "restore: --to DIR is required, an absolute path" 2 ;; esac
  take_key
  open_for_reading
  choose_point "$at"
  hold_chain "$chain" || fail "chain $chain cannot be read"
  take_folder "$to"
  replay
  settle
  note "restored $run to $to: $(wc -l <"$work/wanted") files and folders"
  [ -z "$partly" ] || exit 3
}

# A folder of our own in DIR, on its file system, where all is made ready and compared before anything of it is touched.
take_folder() { # DIR
  [ ! -L "$1" ] || fail "$1 is a symbolic link. Fix: name the folder itself" 2
  mkdir -p "$1" || fail "cannot make $1"
  exec 5>>"$1/.kvm-restore.lock" || fail "cannot write to $1"
  flock -n 5 || fail "another restore to $1 is under way" 75
  staging=$1/.kvm-restore
  can_resume || forget_staging
  if [ -z "$overwrite$add" ] && [ -n "$(find "$1" -mindepth 1 -maxdepth 1 ! -name '.kvm-restore*' ! -name lost+found | head -n 1)" ]; then
    fail "$1 is not empty. Fix: name an empty folder, or say --add to put it beside, or --overwrite to replace what has the same names"
  fi
  [ -n "$resumed" ] || begin_staging || fail "cannot write to $1"
}

# ---- resuming --------------------------------------------------------------------------------------------------------
#
# Beside $staging stands what is finished in it: the point and the boot of the machine, then a level a line. A restore of the
# same point goes on after the last of them, and compares every hash at its end; where it does not get there it begins anew.
# After another boot nothing is taken over, because what was not written to the disk may be lost.

resumed=
staging_key() { printf '%s %s %s\n' "$chain" "$run" "$(cat /proc/sys/kernel/random/boot_id)"; }

# Whether levels of this very restore are finished. Of a part of a tree, or of what is damaged, all is done again.
can_resume() {
  resumed=
  [ -z "$patterns$damaged$drilling" ] && [ -d "$staging" ] && [ ! -L "$staging" ] && [ -O "$staging" ] &&
    [ -f "$staging.state" ] && [ ! -L "$staging.state" ] && [ -O "$staging.state" ] &&
    [ "$(head -n 1 "$staging.state")" = "$(staging_key)" ] && [ "$(wc -l <"$staging.state")" -gt 1 ] && resumed=yes
}
forget_staging() {
  resumed=
  rm -rf "$staging" "$staging.state" "$staging.flagged"
}
begin_staging() {
  mkdir "$staging" && : >"$staging.flagged" && staging_key >"$staging.state"
}
is_finished() { # RUN
  [ -n "$resumed" ] && grep -qxF "$1" "$staging.state"
}

# Brings $staging to the point, after what is finished of it. A level that was cut off may not take its moves twice.
extract_on() {
  if [ -n "$resumed" ]; then
    note "going on after level $(tail -n 1 "$staging.state" | sed 's/.*-//')"
    extract_all && compare_staging hashes && return
    note "that cannot be built on: all is done again"
    forget_staging
    begin_staging || fail "cannot write to $to"
  fi
  extract_all
}

# A restore that was told to end, or found the disk full, is gone on with once there is room.
worth_keeping() { # EXIT CODE
  [ -z "$patterns$damaged$drilling" ] && [ -f "$staging.state" ] && [ "$(wc -l <"$staging.state")" -gt 1 ] || return
  [ "$1" -ge 129 ] && return
  grep -q -e 'No space left' -e 'Wrote only' -e 'quota exceeded' "$work/tar.log" 2>/dev/null || return
  note "$(tail -n 1 "$staging.state") is finished in $staging. Fix: make room, and say the same again to go on, or remove $staging*"
}

elsewhere="another point (list), another target (--target N), or --damaged for the files that are whole"

# Makes $staging what the tree was at $run, or its part that the patterns mean. Every byte is checked on its way, and the
# result compared with the list of files; where anything is wrong, nothing but $staging was touched.
partly=
replay() {
  local each
  find_extended
  fetch_list || { [ -n "$damaged" ] && fail "without the list of its files, nothing tells what is whole of $run"; fail "the restore is refused"; }
  select_paths
  [ -z "$add" ] || nothing_there
  lineage "$run" >"$work/lineage" || lineage_with_gaps >"$work/lineage"
  awk -F '\t' 'FNR == NR { level[$4] = $3 " " $4 " " $7; next } { print ($1 in level) ? level[$1] : chain " " $1 " -" }' \
    chain="$chain" "$work/points" "$work/lineage" >"$work/runs"
  # shellcheck disable=SC2046 # names, one a line
  { find_gaps && store sizes "$chain" $(cut -d ' ' -f 2 "$work/runs"); } >"$work/found" || fail "chain $chain cannot be read"
  refuse_damage
  narrow=$patterns
  extract_on
  if [ -n "$narrow" ] && ! compare_staging times; then
    # A folder that tar moved has its files under an older name: with all of the tree they are found.
    note "the whole tree is needed for that"
    narrow=
    forget_staging
    begin_staging || fail "cannot write to $to"
    extract_all
  fi
  finish_staging
}

# What is to be added must not be there yet: neither the paths that are restored nor, where they are folders, anything in
# them.
nothing_there() {
  awk -F '\t' 'function parent(p) { sub(/\/[^\/]*$/, "", p); return p }
    { want[$11] = 1; order[++n] = $11 }
    END { for (i = 1; i <= n; i++) if (!(parent(order[i]) in want) || order[i] == ".") print order[i] }' "$work/wanted" >"$work/tops"
  (cd "$to" && raw_paths "$work/tops" | xargs -0 -r sh -c '
    for path; do
      [ -e "$path" ] || [ -L "$path" ] || continue
      [ -d "$path" ] && [ ! -L "$path" ] && [ -z "$(find "$path" -mindepth 1 -maxdepth 1 ! -name ".kvm-restore*" | head -n 1)" ] || printf "%s\n" "$path"
    done' sh) >"$work/taken"
  [ ! -s "$work/taken" ] || fail "$to has $(head -n 1 "$work/taken" | cut -c 2-) already. Fix: say --overwrite to replace what has the same names"
}

# Refuses what is not whole, unless it was said to take what is.
refuse_damage() {
  [ -s "$work/found" ] || return 0
  while IFS= read -r line; do problem "$line"; done <"$work/found"
  [ -n "$damaged" ] || fail "$run is not whole, the restore is refused. Fix: $elsewhere"
  partly=yes
}

lineage_with_gaps() {
  # The runs of the chain until this one that are there; an incremental chain has one line, so these are its ancestors.
  awk -F '\t' -v chain="$chain" -v run="$run" '$3 == chain && $4 <= run { print $4 }' "$work/points"
}

extract_all() {
  local run_of
  while read -r _ run_of _; do
    ! is_finished "$run_of" || continue
    [ "$run_of" != "$run" ] || renew_folders
    note "level ${run_of##*-}"
    extract_run "$run_of" && printf '%s\n' "$run_of" >>"$staging.state" || {
      [ -z "$resumed" ] || return
      [ -n "$damaged" ] || fail "$(cat "$work/broken" 2>/dev/null || echo "$run_of cannot be extracted: $(grep -v 'Exiting with failure' "$work/tar.log" | head -n 1)"): the restore is refused. Fix: $elsewhere"
      partly=yes
      [ ! -s "$work/broken" ] || problem "$(cat "$work/broken")"
    }
  done <"$work/runs"
}

# Unpacks one run into $staging, and checks its bytes on the way.
extract_run() { # RUN
  store manifest "$chain" "$1" >"$work/level.json" 2>/dev/null </dev/null || return
  store_files "$work/level.json" | grep -v '\.files' >"$work/level.parts"
  rm -f "$work/broken" "$work/undone" "$work/index"
  {
    { feed_parts "$1" <"$work/level.parts"; echo "read $?" >&3; } |
      { unpack "$work/level.json" 2>"$work/unpack.log"; echo "unpack $?" >&3; } |
      { (untar); echo "tar $?" >&3; }
  } 3>"$work/stages"
  awk "$names"'/^d[^ ]*[*+] / { print canonical(indexed($0)) }' "$work/index" >>"$staging.flagged"
  [ "$(stage read)" = 0 ] && [ "$(stage unpack)" = 0 ] && [ ! -f "$work/undone" ] || { [ -s "$work/broken" ] || cp "$work/unpack.log" "$work/broken"; return 1; }
  # In a part of a tree, patterns that match nothing are an error of tar's; the comparison is what counts.
  [ "$(stage tar)" = 0 ] || [ -n "$narrow" ]
}

# Hands the parts of a run on, and checks each meanwhile. A part that fits into memory is read by both, once from the
# disk; one that does not goes through a pipe.
feed_parts() { # RUN
  local file size sum hashing room
  room=$(room)
  mkfifo "$work/feed" 2>/dev/null
  while read -r file size sum; do
    is_name "$file" || return
    if [ -n "$near" ] && [ "$size" -lt "$room" ]; then
      digest <"$repository/$chain/$1/$file" >"$work/feed.sum" 2>"$work/feed.log" &
      hashing=$!
      cat "$repository/$chain/$1/$file" 2>/dev/null || return
    else
      digest <"$work/feed" >"$work/feed.sum" &
      hashing=$!
      store cat "$chain" "$1" "$file" </dev/null 2>"$work/feed.log" | tee "$work/feed" || { kill "$hashing"; return 1; }
    fi
    wait "$hashing"
    if [ "$(cat "$work/feed.sum")" != "$sum" ]; then
      printf '%s: its content is not what was written (SHA-256)\n' "$file" >"$work/broken"
      return 1
    fi
  done
}

untar() {
  set -- --extract --file=- --directory="$staging" --preserve-permissions --same-owner --numeric-owner \
    --listed-incremental=/dev/null --delay-directory-restore --blocking-factor=256 --verbose --verbose --index-file="$work/index" \
    --quoting-style=escape --full-time --no-wildcards-match-slash
  # shellcheck disable=SC2086 # words of ours
  set -- "$@" $extended
  if [ -n "$narrow" ]; then
    printf '%s' "$narrow" >"$work/narrow"
    set -- "$@" --wildcards
    while IFS= read -r pattern; do
      case $pattern in
        /*) set -- "$@" --anchored ".${pattern%/}" ;;
        *) set -- "$@" --no-anchored "${pattern%/}" ;;
      esac
    done <"$work/narrow"
  fi
  # For folders above that are in no archive.
  umask 022
  exec tar "$@" 2>"$work/tar.log"
}

# What is taken off a folder, extended attributes and ACLs, is not taken off by tar, which only adds. The last level brings
# all that a folder shall have: those that had any are made anew before.
renew_folders() {
  sort -u "$staging.flagged" >"$work/renew"
  while IFS= read -r folder; do
    folder=$staging/$(printf '%b.' "${folder%/}")
    folder=${folder%.}
    [ -d "$folder" ] && [ ! -L "$folder" ] || continue
    mkdir -m 700 "$folder.kvm-new" && find "$folder" -mindepth 1 -maxdepth 1 -exec mv -t "$folder.kvm-new" -- {} + &&
      rmdir "$folder" && mv -T "$folder.kvm-new" "$folder" || return
  done <"$work/renew"
}

# ---- comparing -------------------------------------------------------------------------------------------------------

# Compares $staging with $work/wanted: $work/differences, and $work/links of hard links to be made again. What changed
# while it was backed up may differ.
compare_staging() { # hashes|times
  : >"$work/restored.hashes"
  [ "$1" != hashes ] || (cd "$staging" && find . -type f -print0) | hash_paths "$staging" >"$work/restored.hashes"
  list_lines find_staging >"$work/restored"
  awk -F '\t' -v how="$1" -v links="$work/links" -v gone="$work/extra" -v above="$work/above" '
    function parent(p) { sub(/\/[^\/]*$/, "", p); return p }
    function differs(what) { print "differs\t" path "\t" what; bad[path] = 1 }
    BEGIN { printf "" > links; printf "" > gone; printf "" > above }
    FNR == 1 { file++; while (file < 3 && empty(ARGV[file])) file++ }
    function empty(name,   line, n) { n = (getline line < name); close(name); return n <= 0 }
    file == 1 {
      want[$11] = $0; order[++n] = $11; if ($10 == "~") moving[$11] = 1
      if ($1 != "d" && $9 != 1) linked[++linked_names] = $11
      for (p = parent($11); index(p, "/") && !(p in over); p = parent(p)) over[p] = 1
      next
    }
    file == 2 { hash[$2] = $1; next }
    FNR % 2 == 1 && $0 == "end" { whole = 1; next }
    FNR % 2 == 1 {
      match($0, /^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ /)
      split(substr($0, 1, RLENGTH), f, " "); path = substr($0, RLENGTH + 1); next
    }
    {
      if (path == "." && !(path in want)) next
      if (!(path in want)) {
        # Folders above what was backed up, or asked for, are there too.
        if (f[1] == "d" && (path in over)) { print path > above; next }
        if (!(parent(path) in moving)) print "extra\t" path
        print path > gone
        next
      }
      seen[path] = 1
      split(want[path], w, "\t")
      inode[path] = f[8]
      if (path in moving && w[1] == f[1]) next
      if (w[1] != f[1]) { differs("is a " f[1] ", was a " w[1]); next }
      if (w[2] != f[2]) differs("mode " f[2] ", was " w[2])
      if (w[3] != f[3] || w[4] != f[4]) differs("owner " f[3] ":" f[4] ", was " w[3] ":" w[4])
      if (w[1] == "f" && w[5] != f[5]) differs("size " f[5] ", was " w[5])
      if (w[1] == "l" && w[12] != $0) differs("leads to " $0 ", led to " w[12])
      if (w[6] != f[6]) differs("modified " f[6] ", was " w[6])
      if (w[1] == "f" && how == "hashes" && w[10] != "-" && hash[path] != w[10]) differs("content")
    }
    END {
      if (!whole) print "missing\t./(what was restored cannot be listed)"
      for (i = 1; i <= n; i++) if (!(order[i] in seen) && !(order[i] in moving)) print "missing\t" order[i]
      for (i = 1; i <= linked_names; i++) {
        path = linked[i]; split(want[path], w, "\t")
        if (!(path in seen)) continue
        # The first of a group of hard links is what the others are made of.
        if (!(w[8] in first)) first[w[8]] = path
        else if (inode[first[w[8]]] != inode[path] && !(path in bad)) print first[w[8]] "\n" path > links
      }
    }' "$work/wanted" "$work/restored.hashes" "$work/restored" >"$work/differences"
  [ ! -s "$work/differences" ]
}
find_staging() { (cd "$staging" && exec find . "$@"); }

# Brings $staging to what the list says where tar cannot, and refuses it where it still differs.
finish_staging() {
  local how=times
  [ -z "$damaged$proving" ] || how=hashes
  compare_staging "$how" || :
  [ ! -s "$work/links" ] || relink
  [ ! -s "$work/differences" ] || take_whole
  [ ! -s "$work/above" ] || dress_above
}

# Takes off what is not asked for, and refuses what is not as it was; when told to, it leaves what is.
take_whole() {
  if [ -n "$patterns" ]; then
    # What else the levels brought is not asked for.
    remove_paths "$work/extra"
    grep -v '^extra' "$work/differences" >"$work/differences.left"
    mv "$work/differences.left" "$work/differences"
  fi
  [ -s "$work/differences" ] || return 0
  head -n 20 "$work/differences" | while IFS=$tab read -r what path how; do problem "$what: ${path#.}${how:+ ($how)}"; done
  [ -n "$damaged" ] || fail "$(wc -l <"$work/differences") differences between what was restored and what was backed up"
  partly=yes
  remove_paths "$work/extra"
  awk -F '\t' '$1 == "differs" && $3 == "content" { print $2 }' "$work/differences" >"$work/spoilt"
  awk -F '\t' '$1 == "differs" && $3 ~ /^(size|is a)/ { print $2 }' "$work/differences" >>"$work/spoilt"
  remove_paths "$work/spoilt"
  awk -F '\t' 'FNR == NR { if ($1 == "missing" || $3 == "content" || $3 ~ /^(size|is a)/) lost[$2] = 1; next } !($11 in lost)' \
    "$work/differences" "$work/wanted" >"$work/whole" && mv "$work/whole" "$work/wanted"
  problem "$(awk -F '\t' '$1 == "missing" || $3 == "content" || $3 ~ /^(size|is a)/ { print $2 }' "$work/differences" | sort -u | wc -l) files are lost, the others are whole"
}

# Folders above what was asked for are as they are in the target, or as they were.
dress_above() {
  awk -F '\t' 'FNR == NR { above[$1] = "-\n-\n-"; next } $11 in above { above[$11] = $2 "\n" $3 ":" $4 "\n@" $6 }
    END { for (path in above) print above[path] "\n" path }' "$work/above" "$work/list" >"$work/dress"
  (cd "$staging" && raw_paths "$work/dress" | xargs -0 -r -n 4 sh -c '
    if [ -d "$0/$4" ]; then chown --reference="$0/$4" -- "$4" && chmod --reference="$0/$4" -- "$4" && touch -r "$0/$4" -- "$4"
    elif [ "$1" != - ]; then chown -- "$2" "$4" && chmod -- "$1" "$4" && touch -d "$3" -- "$4"; fi' "$to") ||
    warn "not all folders above could be made as they were"
}

# The paths of lines as they are, a NUL after each. In a line a backslash is \\, and \b occurs nowhere.
raw_paths() { # FILE
  tr '\n' '\000' <"$1" | sed -z 's/\\\\/\\b/g;s/\\n/\n/g;s/\\t/\t/g;s/\\b/\\/g'
}

remove_paths() { # FILE: the innermost first, so that folders are empty when their turn comes
  (cd "$staging" && sort -r "$1" >"$work/inner" && raw_paths "$work/inner" | xargs -0 -r rm -rf --)
  # The folders that they were in have changed only by that.
  awk -F '\t' 'FILENAME == ARGV[1] { p = $1; sub(/\/[^\/]*$/, "", p); touched[p] = 1; next } $11 in touched { print "@" $6 "\n" $11 }' \
    "$1" "$work/list" >"$work/touch"
  (cd "$staging" && raw_paths "$work/touch" | xargs -0 -r -n 2 sh -c '[ ! -d "$2" ] || touch -d "$1" -- "$2"' sh)
}

relink() {
  (cd "$staging" && raw_paths "$work/links" | xargs -0 -r -n 2 sh -c '
    touch -r "$(dirname -- "$2")" "$0/stamp" && ln -f -T -P -- "$1" "$2" && touch -r "$0/stamp" "$(dirname -- "$2")"' "$work") || fail "hard links could not be made"
}

# ---- settling --------------------------------------------------------------------------------------------------------

# Puts what is in $staging in its place: by renames what is new there; otherwise only what has the same name is replaced,
# never through a symbolic link.
settle() {
  if [ -z "$overwrite$add" ]; then
    find "$staging" -mindepth 1 -maxdepth 1 -exec mv -t "$to" -- {} + || fail "cannot write to $to"
  else
    find "$staging" -mindepth 1 -maxdepth 1 -exec sh -c '
      for path; do [ -e "$0/${path##*/}" ] || [ -L "$0/${path##*/}" ] || mv -T -- "$path" "$0/${path##*/}" || exit; done' "$to" {} + ||
      fail "cannot write to $to"
    find "$staging" -mindepth 1 -maxdepth 1 -exec cp -a --link --remove-destination -t "$to" -- {} + || fail "not all could be put in place: what stands in the way is named above"
  fi
  forget_staging
  rm -f "$staging.lock"
  staging=
}

# ---- drill -----------------------------------------------------------------------------------------------------------

proving=

# Restores the newest point into a scratch folder, compares every file's hash, runs the check, and writes down the proof.
command_drill() {
  [ $# = 0 ] || fail "drill: unknown argument $1" 2
  from_target=${from_target:-1}
  has_recipients && fail "a drill needs the private key, which is not here. Fix: restore to another machine with --identity, and compare there"
  mkdir -p "$state" "$scratch" || fail "cannot write to $scratch"
  open_for_reading
  choose_point ''
  drill_point
}

# A drill must not fill a disk that others live on.
enough_room() {
  local needed free
  needed=$(store manifest "$chain" "$run" | sed -n 's/^  "bytes": \([0-9]*\),$/\1/p')
  free=$(df --output=avail -B 1 -- "$scratch" | tail -n 1)
  [ "$((${needed:-0} + needed / 20))" -le "$((free))" ] ||
    fail "a drill needs $(human "$needed") in $scratch, which has $(human "$((free))"). Fix: name a folder with more room (scratch)"
}

drill_point() {
  local begun_drill count
  drilling=yes proving=yes patterns='' overwrite='' damaged='' partly=''
  begun_drill=$(milliseconds)
  hold_chain "$chain" || fail "chain $chain cannot be read"
  to=$scratch/drill
  rm -rf "$to"
  enough_room
  take_folder "$to"
  replay
  hook_folder=$staging
  hook check || fail "the check after the drill failed"
  count=$(wc -l <"$work/wanted")
  compared=$(awk -F '\t' '$1 == "f" && $10 != "~" && $10 != "-"' "$work/wanted" | wc -l)
  rm -rf "$to"
  staging= drilling=
  drill_seconds=$((($(milliseconds) - begun_drill + 999) / 1000))
  printf '{ "run": "%s", "time": %s, "entries": %s, "hashes": %s, "seconds": %s, "host": %s, "list": "%s" }\n' "$run" \
    "$(date +%s)" "$count" "$compared" "$drill_seconds" "$(json "$(uname -n)")" "$(field "$work/manifest" list)" |
    store prove "$chain" "$run" || warn "the proof could not be written to $(target_label)"
  # Where the point is built on all the others, every byte of the chain was read.
  [ "$(wc -l <"$work/lineage")" != "$(cut -f 3 "$work/points" | grep -cxF "$chain")" ] || store mark "$chain" "$(date +%s)" || :
  report_drill ok "$run" "$count" "$compared"
  note "drill: $run restores: $count files and folders as they were, $compared hashes equal, $drill_seconds s"
}
