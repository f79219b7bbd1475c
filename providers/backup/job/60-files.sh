
# ---- the list of files -----------------------------------------------------------------------------------------------
#
# Beside its archive, every run has a list of all files as they were: type, mode, uid, gid, size, modified, changed, inode,
# links, SHA-256, path, link's target, between tabs. Paths are written with \\, \n and \t. It does not come from tar, so
# that a restore compared with it proves tar's work too. Hashes are made of what tar has just read, and taken over from
# the list before while inode, size and both times are the same. What changed while the run went on has "~" for a hash.

# find's words in the place of COMMAND print all that a list needs, as lines: path, then target. What has no "end" was cut
# off; what vanished meanwhile (code 1) is no fault.
list_lines() { # COMMAND...
  { "$@" -printf '%y %m %U %G %s %T@ %C@ %i %n %p\0%l\0'; [ $? -gt 1 ] || printf 'end\0'; } |
    sed -z 's/\\/\\\\/g;s/\n/\\n/g;s/\t/\\t/g' | tr '\000' '\n'
}

# tar writes bytes that are not plain ASCII, newlines and backslashes in its own way.
names='
  function decoded(p,   out, i, c) {
    for (out = ""; (i = index(p, "\\")) > 0; ) {
      out = out substr(p, 1, i - 1); c = substr(p, i + 1, 1)
      if (c ~ /[0-7]/) { out = out sprintf("%c", substr(p, i + 1, 1) * 64 + substr(p, i + 2, 1) * 8 + substr(p, i + 3, 1)); p = substr(p, i + 4) }
      else { out = out (c == "n" ? "\n" : c == "t" ? "\t" : c == "r" ? "\r" : c == "a" ? "\007" : c == "b" ? "\010" : c == "f" ? "\014" : c == "v" ? "\013" : c); p = substr(p, i + 2) }
    }
    return out p
  }
  function canonical(p) { gsub(/\\/, "&&", p); gsub(/\n/, "\\n", p); gsub(/\t/, "\\t", p); return p }
  # The path in a line of its index; nothing where there is none.
  function indexed(line) {
    if (!match(line, /^[^ ]+ +[^ ]+ +[0-9,]+ [0-9-]+ [0-9:.]+ +\.\//)) return ""
    line = substr(line, RLENGTH - 1)
    return index(line, "\\") ? decoded(line) : line
  }'

# Hashes the files whose paths are in standard input, a NUL after each: lines of hash, tab, path.
hash_paths() { # FOLDER
  # A fifo that took a file's place in between must not hold us for ever. What is gone has no hash.
  # shellcheck disable=SC2086 # the hasher's words
  (cd "$1" && xargs -0 -r -n 200 timeout 21600 $hasher 2>/dev/null) | awk -v tool="$hasher" "$names"'
    # A backslash before the hash says that the name is escaped: of openssl newlines only.
    function raw(p) { if (tool !~ /^openssl/) return decoded(p); gsub(/\\n/, "\n", p); return p }
    function flush() { if (sum != "") print sum "\t" path }
    {
      escaped = substr($0, 1, 1) == "\\"; text = escaped ? substr($0, 2) : $0
      if (length(text) > 66 && substr(text, 1, 64) !~ /[^0-9a-f]/ && substr(text, 65, 4) ~ /^ [ *]\.\//) {
        flush(); sum = substr(text, 1, 64); path = substr(text, 67)
        path = canonical(escaped ? raw(path) : path)
      } else path = path "\\n" canonical($0)
    }
    END { flush() }'
}

# Hashes files while tar goes on, from its index. Small ones go to the hasher by the hundreds, so that they wait for each
# other. Large ones do not: they are hashed while tar reads them, and what is left of that when tar ends is little.
hash_index() {
  if [ "$hashes" = no ]; then
    cat >"$work/archived"
    return
  fi
  hash_large <"$work/large" >"$work/hashes.large" &
  tee "$work/archived" "$work/large" | listed_paths 0 9999999 | hash_paths "$root"
  wait $!
  cat "$work/hashes.large"
}
hash_large() {
  local line
  # grep hands on each line at once, which awk does not.
  grep --line-buffered -E '^-[^ ]* +[^ ]+ +[0-9]{8}' | while IFS= read -r line; do
    printf '%s\n' "$line" | listed_paths 10000000 | hash_paths "$root"
  done
}
# The paths of the files in an index whose sizes are in between, a NUL after each.
listed_paths() { # LEAST [MOST]
  awk -v least="$1" -v most="${2:-}" "$names"'
    /^-/ && $3 >= least + 0 && (most == "" || $3 <= most + 0) { p = indexed($0); if (p != "" && !index(p, "\n")) print p }' |
    tr '\n' '\000'
}

# Makes $work/files of the walk after tar, and $work/missed of files that changed before the run began and that tar did not
# store.
list_files() { # STARTED
  local previous=
  if [ -n "$base" ]; then previous=$base
  else previous=$(find "$state/files" -type f -printf '%f\n' 2>/dev/null | sort | tail -n 1); fi
  previous=${previous:+$state/files/$previous}
  merge_list "$1" "${previous:-/dev/null}" || return
  [ -s "$work/open" ] && [ "$hashes" = yes ] || return 0
  raw_paths "$work/open" | hash_paths "$root" >>"$work/hashes"
  merge_list "$1" "${previous:-/dev/null}"
}

merge_list() { # STARTED PREVIOUS
  : >"$work/open"
  awk -F '\t' -v started="$1" -v full="$([ -n "$base" ] || echo 1)" -v open="$work/open" -v missed="$work/missed.new" "$names"'
    BEGIN { printf "" > missed }
    FNR == 1 { file++; while (ARGV[file] == "/dev/null" || empty(ARGV[file])) file++ }
    function empty(name,   line, n) { n = (getline line < name); close(name); return n <= 0 }
    file == 1 { if ($10 != "~") known[$8 " " $5 " " $6 " " $7] = $10; next }
    file == 2 { hash[$2] = $1; next }
    file == 3 {
      if (/^-/) stored[canonical(indexed($0))] = 1
      next
    }
    FNR % 2 == 1 && $0 == "end" { whole = 1; next }
    FNR % 2 == 1 {
      match($0, /^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ /)
      split(substr($0, 1, RLENGTH), f, " "); path = substr($0, RLENGTH + 1); next
    }
    {
      sum = "-"; moving = f[7] + 0.02 >= started + 0
      if (f[1] == "f") {
        key = f[8] " " f[5] " " f[6] " " f[7]
        carried = key in known
        if (moving) sum = "~"
        else if (path in hash) sum = hash[path]
        else if (carried && known[key] != "-") sum = known[key]
        else print path > open
        if (!moving && (full || !carried) && f[9] == 1 && !(path in stored)) print path > missed
        bytes += f[5]
      } else if (moving) sum = "~"
      if (f[1] == "d") f[5] = 0
      print f[1] "\t" f[2] "\t" f[3] "\t" f[4] "\t" f[5] "\t" f[6] "\t" f[7] "\t" f[8] "\t" f[9] "\t" sum "\t" path "\t" $0
      n++
    }
    END { printf "%d %.0f\n", n, bytes > "/dev/stderr"; exit !whole }' "$2" "$work/hashes" "$work/archived" "$work/walk" \
    >"$work/files" 2>"$work/files.count" && mv "$work/missed.new" "$work/missed"
}
