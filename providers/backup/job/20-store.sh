
# ---- the repository --------------------------------------------------------------------------------------------------
#
# DIR/CHAIN/RUN/ holds one run: its parts, the list of its files, its manifest. A chain is named by the time of its full
# run, a run by its own time and its level. A run is written in DIR/.partial-RUN and published by one rename; a chain is
# deleted by one rename. These functions work on a folder of this machine; over ssh they are called on the other one.

repository=

# Makes the repository, with the way to restore from it.
store_init() {
  mkdir -p "$repository" || return
  [ -f "$repository/README" ] && cmp -s "$self" "$repository/kvm-backup" && return
  replace "$repository/kvm-backup" <"$self" && chmod 700 "$repository/kvm-backup" || return
  readme | replace "$repository/README"
}
readme() {
  cat <<'README'
This is a repository of kvm-backup: plain tar archives, made with GNU tar's --listed-incremental, in parts.

To see and restore what is in it, on any machine:

  sh kvm-backup list --repository .
  sh kvm-backup verify --all --repository .
  sh kvm-backup restore --repository . --to /an/empty/folder [--at "2026-07-28 03:00"] [--path '/home/anna/*']

Without that program, with cat, tar and the compressor alone: every run's manifest (*.json) ends with the commands that
restore it, under "restore". Run them one after the other in this folder, into an EMPTY folder: an incremental archive
deletes what was not there when it was made.
README
}

# Takes the repository for this process and what it starts. Another's lock is waited for SECONDS.
store_lock() { # SECONDS
  take_lock "$1" "$repository/lock"
}
take_lock() { # SECONDS FILE
  exec 9>>"$2" || return
  if ! flock -w "$1" 9; then
    printf 'locked: %s\n' "$(cat "$2")"
    return 75
  fi
  # Nobody holds the lock of a process that was killed: what it wrote here is stale.
  [ ! -s "$2" ] || printf 'stale: %s\n' "$(cat "$2")"
  : >"$2"
  printf 'process %s on %s since %s' "$$" "$(uname -n)" "$(date '+%Y-%m-%d %H:%M:%S %z')" >&9
  printf 'held\n'
}
store_unlock() { : >"$repository/lock"; }

# Keeps a chain from being deleted while it is read.
store_hold() { # CHAIN
  exec 6<"$repository/$1" && flock -s 6 && printf 'held\n'
}

# Over ssh a lock lasts as long as its connection.
store_wait_lock() {
  store_lock "$1" || return
  cat >/dev/null
  store_unlock
}
store_wait_hold() {
  store_hold "$1" || return
  cat >/dev/null
}

# What a run that was killed left. Only under the lock.
store_clean() {
  rm -rf "$repository"/.partial-* "$repository"/.deleted-* "$repository"/*.new
  find "$repository" -mindepth 1 -maxdepth 1 -type d -name '[0-9]*T*Z' -empty -exec rmdir -- {} +
}

# Writes standard input to FILE; prints its size and the digest of what came. tee goes on with its other output when the
# disk is full, and says so by its exit code alone: without the word, the file is not whole.
written() { # FILE
  local said sum
  said=$({ { tee -- "$1" && printf 'whole\n' >&4; } | digest >&4; } 4>&1) || return
  case $said in *whole*) ;; *) return 1 ;; esac
  sum=${said#whole}
  sum=${sum%whole}
  # shellcheck disable=SC2086 # the line's end goes
  printf '%s %s\n' "$(stat -c %s -- "$1")" $sum
}

# Writes standard input to a file of a run that is not published yet.
store_put() { # CHAIN RUN FILE
  mkdir -p "$repository/.partial-$2" && written "$repository/.partial-$2/$3" && sync "$repository/.partial-$2/$3"
}

store_drop() { # CHAIN RUN FILE
  rm -f -- "$repository/.partial-$2/$3"
}

# Publishes a run: from here on it is there, whatever happens.
store_publish() { # CHAIN RUN
  local chain=$repository/$1 run
  run=$repository/.partial-$2
  mkdir -p "$chain" && sync "$run" "$repository" && mv -T -- "$run" "$chain/$2" && sync "$chain"
}

# A value of a manifest's top level.
field() { # FILE KEY
  sed -n 's/^  "'"$2"'": "\{0,1\}\([^"]*[^",]\)"\{0,1\},\{0,1\}$/\1/p' "$1"
}

# All runs by time, one a line: time, offset, chain, run, level, kind, base, bytes, files, parts, state, verified. The
# state is whole, or what is wrong with the manifest; verified is the time when the chain was last seen to be whole.
store_points() {
  local run verified
  find "$repository" -mindepth 2 -maxdepth 2 -type d -path "$repository/[0-9]*T*Z/[0-9]*T*Z-*" -printf '%P\n' | sort |
    while IFS=/ read -r chain run; do
      verified=0
      [ ! -f "$repository/$chain/verified" ] || read -r verified _ <"$repository/$chain/verified"
      set -- "$repository/$chain/$run"/*.json
      if [ -f "$1" ]; then printf '%s\t%s\t%s\t%s\n' "$chain" "$run" "$verified" "$1"
      else printf '%s\t%s\t%s\t-\n' "$chain" "$run" "$verified"; fi
    done | awk -F '\t' '
      function value(line) { sub(/^[^:]*: "?/, "", line); sub(/"?,?$/, "", line); return line }
      {
        for (k in is) delete is[k]
        parts = 0; state = $4 == "-" ? "no manifest" : "whole"; last = ""
        if ($4 != "-") {
          while ((getline line < $4) > 0) {
            if (line ~ /^  "[a-z]+": /) { k = line; sub(/^  "/, "", k); sub(/".*/, "", k); is[k] = value(line) }
            if (line ~ /^    \{ "name": /) parts++
            last = line
          }
          close($4)
          if (last != "}" || is["run"] != $2 || is["chain"] != $1 || is["time"] !~ /^[0-9]+$/ || is["level"] !~ /^[0-9]+$/ ||
            is["size"] !~ /^[0-9]+$/) state = "damaged manifest"
        }
        if (state != "whole") { is["time"] = 0; is["level"] = $2; sub(/.*-/, "", is["level"]) }
        base = is["base"] == "" ? "-" : is["base"]
        printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", is["time"], is["offset"] + 0, $1, $2, is["level"],
          is["kind"] == "" ? "-" : is["kind"], base, is["size"] + 0, is["entries"] + 0, parts, state, $3
      }' | sort -t "$tab" -k 4,4
}

# The files that a manifest names: name, size, digest.
store_files() { # [MANIFEST]
  awk -F '"' '/^    \{ "name": "/ { size = $7; gsub(/[^0-9]/, "", size); print $4, size, $10 }' "$@"
}

# What a manifest says of itself must be what it was written with.
manifest_intact() { # FILE
  local said
  said=$(field "$1" sha256)
  [ -n "$said" ] && [ "$(sed -n '/^  "sha256": /q;p' "$1" | digest)" = "$said" ]
}

# Prints what is wrong with a run, a problem a line: every byte is read.
store_check() { check_bytes store "$1" "$2"; } # CHAIN RUN
check_bytes() { # store|bucket CHAIN RUN
  local problems file sum
  problems=$("$1_sizes" "$2" "$3") || problems="run $3: cannot be read"
  [ -z "$problems" ] || printf '%s\n' "$problems"
  case $problems in 'run '* | *': not as it was written') return ;; esac
  "$1_manifest" "$2" "$3" | store_files | while read -r file _ sum; do
    is_name "$file" || continue
    case "
$problems" in *"
$file: "*) continue ;; esac
    [ "$("$1_digest" "$2" "$3" "$file" </dev/null)" = "$sum" ] || printf '%s: its content is not what was written (SHA-256)\n' "$file"
  done
}

# The same by the names and sizes of files alone, of many runs of a chain at one look: there may be one for every hour.
store_sizes() ( # CHAIN RUN...
  cd "$repository/$1" 2>/dev/null || { shift && printf 'run %s: missing\n' "$@"; exit; }
  shift
  find -L "$@" -maxdepth 1 -type f -printf '%p %s\n' 2>/dev/null | compare_sizes "$@"
)

# Called in the folder of a chain, with the files that its runs have on standard input: "RUN/FILE SIZE".
compare_sizes() ( # RUN...
  heads=$(mktemp -d "${work:-${TMPDIR:-/tmp}}/kvm.XXXXXX") || exit
  trap 'rm -rf "$heads"' EXIT
  cat >"$heads/there"
  : >"$heads/manifests"
  : >"$heads/said"
  for run; do
    set -- "$run"/*.json
    if [ ! -d "$run" ]; then printf 'run %s: missing\n' "$run"
    elif [ ! -f "$1" ]; then printf 'run %s: its manifest is missing\n' "$run"
    else printf '%s\n' "$1" >>"$heads/manifests"; fi
  done
  [ -s "$heads/manifests" ] || exit 0
  # What each manifest's own digest is of, in a file with the manifest's number.
  awk -v heads="$heads" '{
      head = sprintf("%s/%d.head", heads, NR)
      printf "" >head
      while ((getline line <$0) > 0) {
        if (line ~ /^  "sha256": /) { split(line, word, "\""); print NR, word[4] >(heads "/said"); break }
        print line >head
      }
      close(head)
      close($0)
    }' "$heads/manifests" || exit
  (cd "$heads" && $hasher ./*.head) >"$heads/sums" || exit
  awk -v heads="$heads" '
    FILENAME ~ /\/there$/ { size[$1] = $2; next }
    FILENAME ~ /\/said$/ { said[$1] = $2; next }
    FILENAME ~ /\/sums$/ { n = $2; gsub(/[^0-9]/, "", n); sum[n] = $1; next }
    {
      file = run = $0
      sub(/.*\//, "", file)
      sub(/\/[^\/]*$/, "", run)
      if (said[FNR] == "" || sum[FNR] != said[FNR]) { printf "manifest %s: not as it was written\n", file; next }
      while ((getline line <$0) > 0) if (line ~ /^    \{ "name": "/) {
        split(line, word, "\"")
        gsub(/[^0-9]/, "", word[7])
        is = run "/" word[4]
        if (word[4] !~ /^[A-Za-z0-9_+][A-Za-z0-9_.+-]*$/) printf "manifest %s: names a file that cannot be\n", file
        else if (!(is in size)) printf "%s: missing\n", word[4]
        else if (size[is] != word[7]) printf "%s: has %s bytes of %s\n", word[4], size[is], word[7]
      }
      close($0)
    }' "$heads/there" "$heads/said" "$heads/sums" "$heads/manifests"
)

store_digest() { # CHAIN RUN FILE
  digest <"$repository/$1/$2/$3"
}
store_cat() { # CHAIN RUN FILE
  cat -- "$repository/$1/$2/$3"
}
store_manifest() { # CHAIN RUN
  set -- "$repository/$1/$2"/*.json
  cat -- "$1"
}

# Notes that every run of a chain was seen to be whole.
store_mark() { # CHAIN TIME
  printf '%s\n' "$2" | replace "$repository/$1/verified"
}
store_prove() { # CHAIN RUN: the proof of a drill, from standard input
  replace "$repository/$1/drill-$2.json"
}

# Keeps a run from being changed, where the file system can.
store_protect() { # CHAIN RUN
  chattr +i "$repository/$1/$2"/* 2>/dev/null || printf 'cannot\n'
}

# Deletes a chain: gone at once, whatever happens then. One that is being read stays.
store_remove() { # CHAIN
  exec 6<"$repository/$1" || return
  flock -n -x 6 || return 75
  chattr -R -i "$repository/$1" 2>/dev/null
  mv -T -- "$repository/$1" "$repository/.deleted-$1" && sync "$repository" && rm -rf "$repository/.deleted-$1"
  exec 6<&-
}

# kvm-backup store DIR VERB ARGUMENTS...: what another machine asks for.
store_command() {
  local argument
  repository=$1
  shift
  for argument; do
    is_name "$argument" || is_number "$argument" || fail "store: \"$argument\" is not a name" 2
  done
  case $1 in
    version)
      [ "$2" = "$(digest <"$self")" ] && [ -f "$repository/README" ] || return
      ;;
    init | put | drop | publish | points | check | sizes | cat | manifest | mark | prove | protect | remove | clean | wait_lock | wait_hold)
      argument=$1
      shift
      "store_$argument" "$@"
      ;;
    *) fail "unknown store command $1" 2 ;;
  esac
}
