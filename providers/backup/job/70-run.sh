
# ---- a run -----------------------------------------------------------------------------------------------------------

run=
partial=
started=
failure=
running=

command_run() {
  local jitter=0 missed='' copy=0
  full_wanted=
  while [ $# -gt 0 ]; do
    case $1 in
      --full) full_wanted=yes ;;
      --jitter) jitter=$2 && shift ;;
      --missed) missed=$2 && shift ;;
      *) fail "run: unknown argument $1" 2 ;;
    esac
    shift
  done
  is_number "$jitter" && is_number "${missed:-0}" || fail "run: --jitter and --missed are numbers of seconds" 2
  tell_journal=$(have logger && echo yes)
  # After a time without power, --missed makes up for a run, and for one only.
  [ -z "$missed" ] || [ "$(($(date +%s) - $(last_success)))" -ge "$missed" ] || return 0
  [ "$jitter" = 0 ] || sleep "$(awk -v max="$jitter" -v seed="$$$(date +%s)" 'BEGIN { srand(seed); print int(rand() * max) }')"
  [ -z "$nice" ] || renice -n "$nice" -p $$ >/dev/null 2>&1 || :
  [ -z "$io" ] || ! have ionice || ionice -c "$io" -p $$ || :
  mkdir -p "$state/snar" "$state/files" || fail "cannot write to $state"
  make_work "$state"
  need_tools
  use_target 1
  open_target 60
  forget_work
  running=yes begun=$(milliseconds)
  store clean
  back_up
  running=
  report_run ok
  protect_run
  keep_points || problem "nothing was deleted: $failure"
  close_target
  while [ "$copy" -lt "$targets" ]; do
    copy=$((copy + 1))
    [ "$copy" = 1 ] || (copy_to "$copy") || failure="the copy on target $copy failed"
  done
  run_due_drill
  run_due_verify
  [ -z "$failure" ] || fail "$failure"
}

# What programs that were killed left.
forget_work() {
  local folder pid
  for folder in "$state"/work.*; do
    pid=${folder##*/work.}
    kill -0 "${pid%%.*}" 2>/dev/null || rm -rf "$folder"
  done
}

# What is done however a program ends.
ending() {
  hook_after failed
  [ -z "$running" ] || [ -z "$partial" ] || [ -z "$near" ] || rm -rf "$partial"
  [ -z "$running" ] || report_run failed "${failure:-it was ended (exit code $1)}"
  [ -z "$staging" ] || { worth_keeping "$1" || forget_staging; rm -f "$staging.lock"; }
  [ -z "$drilling" ] || report_drill failed "$run" 0 0 "${failure:-it was ended (exit code $1)}"
  [ -z "$sockets" ] || hang_up
}

back_up() {
  local attempt=1
  after_hook=yes
  hook before || fail "the hook before the run failed: nothing was backed up"
  collect_sources
  # Now, because a snapshot that is read is gone when the manifest is written.
  shape_now=$(shape)
  find_extended
  until attempt_run; do
    attempt=$((attempt + 1))
    [ "$attempt" -le 3 ] || fail "${again:-the files do not hold still}"
    note "once more: $again"
    store clean
  done
  hook_after ok
  publish
}

# One attempt; 1 when another one is worthwhile, for the reason in $again.
attempt_run() {
  local last_chain last_run
  again=
  store points >"$work/points" || fail "cannot read $(target_label)"
  IFS=$tab read -r _ _ last_chain last_run _ <<LAST
$(tail -n 1 "$work/points")
LAST
  take_time
  plan_run "$run_time" "$run_offset"
  : "${chain:=$stamp}"
  run=$stamp-$level
  partial=$repository/.partial-$run
  note "level $level${why:+, because $why}"
  [ -z "$near" ] || mkdir -p "$partial" || fail "cannot write to $repository"
  rm -f "$work/snar" "$work/moves"
  : >"$work/moves"
  prepare_notes || { again="tar's notes could not be read" && wish_full "$again" && return 1; }
  started=$(date +%s.%N)
  stream "$run"
  check_stages
  check_moves || return
  list_files "$started" || fail "the list of files could not be made"
  read -r entries bytes <"$work/files.count"
  [ ! -s "$work/missed" ] || { missed_files && return 1; }
  return 0
}

# The run's time, and the stamp in its name. It goes on with every run, whatever the clock does: names are in its order.
take_time() {
  local last
  run_time=$(date +%s)
  if [ -n "$last_run" ]; then
    last=$(epoch_of "$last_run")
    [ "$run_time" -gt "$last" ] || run_time=$((last + 1))
  fi
  stamp=$(date -u -d "@$run_time" +%Y%m%dT%H%M%SZ)
  run_written=$(date -d "@$run_time" '+%Y-%m-%d %H:%M:%S %z')
  run_offset=$(seconds_ahead "${run_written##* }")
}

wish_full() { printf '%s\n' "$1" | replace "$state/full-next"; }

# Every stage must have come to its end; of tar's codes, 1 is a warning.
check_stages() {
  local code
  code=$(stage tar)
  : >"$work/warnings"
  [ ! -s "$work/tar.log" ] || grep -v -e '^tar: Removing leading' -e 'Directory has been renamed from' "$work/tar.log" |
    awk "$names"'{ p = decoded($0); gsub(/\n/, "\\n", p); print p }' >"$work/warnings"
  [ "$(stage write)" = 0 ] && [ -s "$work/parts" ] ||
    fail "the archive could not be written to $(target_label): $(free_space)"
  [ "$code" -le 1 ] || fail "tar failed ($code): $(grep -v -e 'Exiting with failure' "$work/warnings" | head -n 3 | tr '\n' ' ')"
  code=$(stage "$compress")
  [ "$code" = 0 ] || fail "$compress failed ($code)"
  ! has_recipients || [ "$(stage age)" = 0 ] || fail "age failed ($(stage age))"
}
free_space() {
  [ -z "$near" ] || df -h --output=avail,target "$repository" 2>/dev/null | awk 'NR == 2 { print $1 " free on " $2 }'
}

# tar must have seen only the moves that it can replay; a folder that was moved in this very moment is looked at again.
check_moves() {
  [ -s "$work/tar.log" ] || return 0
  sed -n 's/^tar: \(.*\): Directory has been renamed from .\(.*\).$/\1/p' "$work/tar.log" >"$work/moved"
  [ "$(wc -l <"$work/moved")" -le "$(($(wc -l <"$work/moves") / 2))" ] ||
    { again="folders were moved while they were read" && return 1; }
}

# Files that have changed since the last run without tar's noticing: the next attempt stores everything.
missed_files() {
  again="tar overlooked $(wc -l <"$work/missed") changed files, $(head -n 1 "$work/missed") among them"
  [ -n "$base" ] || fail "$again"
  wish_full "$again"
}

# ---- publishing ------------------------------------------------------------------------------------------------------

publish() {
  local list_name list_is parts
  list_name=$name-$run.files$(suffix)
  list_is=$(pack_list <"$work/files" | store put "$chain" "$run" "$list_name") || fail "cannot write to $(target_label): $(free_space)"
  seconds=$((($(milliseconds) - begun + 999) / 1000))
  digests "$work/files" "$work/snar" "$self" >"$work/sums" &&
    { read -r list_sum && read -r snar_sum && read -r self_sum; } <"$work/sums" &&
    awk -v list="${list_is% *}" '{ n += $2 } END { printf "%.0f %d\n", n + list, NR }' "$work/parts" >"$work/stored" &&
    read -r stored parts <"$work/stored" && write_manifest >"$work/manifest" || fail "the manifest could not be made"
  store put "$chain" "$run" "$name-$run.json" <"$work/manifest" >/dev/null ||
    fail "cannot write to $(target_label): $(free_space)"
  [ -z "$near" ] || find "$partial" -type f -exec sync {} + || : >"$work/unsynced"
  [ ! -e "$work/unsynced" ] || fail "the archive could not be written to $(target_label): its disk had an error"
  # The notes are there before the run is, so that no published run is without them.
  sync "$work/snar" "$work/files" && mv "$work/snar" "$state/snar/$run" && mv "$work/files" "$state/files/$run" &&
    sync "$state/snar" "$state/files" ||
    fail "cannot write to $state"
  store publish "$chain" "$run" || fail "cannot publish in $(target_label)"
  partial=
  rm -f "$state/full-next"
  points=1
  [ -z "$base" ] || points=$((runs + 1))
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\twhole\t0\n' "$run_time" "$run_offset" "$chain" "$run" "$level" "$kind" \
    "${base:--}" "$stored" "$entries" "$parts" >>"$work/points"
  forget_notes
  note "published $run: $(human "$stored") in $parts parts, $entries files, $seconds s"
}
pack_list() {
  if has_recipients; then (pack) | (encrypt); else (pack); fi
}

# Notes are kept of the runs that the next one may build on.
forget_notes() {
  local each
  [ -n "$base" ] || full_run=$run
  set --
  for each in "$state"/snar/* "$state"/files/*; do
    case ${each##*/} in "$run" | "$full_run") ;; *) set -- "$@" "$each" ;; esac
  done
  rm -f "$@"
}

version_of() { "$1" --version 2>&1 | awk 'match($0, /[0-9]+\.[0-9][0-9.]*/) { print substr($0, RSTART, RLENGTH); exit }'; }

# Fails where any of the programs that it asks does: a manifest is never published with a value less.
write_manifest() {
  local host why_text root_text encryption tar_is packer packer_is tar_code packer_code write_code sum
  packer=$compress
  [ "$compress" != none ] || packer=cat
  encryption=none
  ! has_recipients || encryption=age
  host=$(uname -n) && host=$(json "$host") && why_text=$(json "$why") && root_text=$(json "$root") &&
    tar_is=$(version_of tar) && packer_is=$(version_of "$packer") &&
    tar_code=$(stage tar) && packer_code=$(stage "$compress") && write_code=$(stage write) &&
    each path printf '%s\n' >"$work/paths" && warnings_shown >"$work/warnings.shown" && emergency >"$work/emergency" || return
  {
    printf '{\n  "format": 1,\n  "job": "%s",\n  "host": %s,\n' "$name" "$host"
    printf '  "run": "%s",\n  "time": %s,\n  "offset": %s,\n  "written": "%s",\n' "$run" "$run_time" "$run_offset" "$run_written"
    printf '  "chain": "%s",\n  "level": %s,\n  "kind": "%s",\n  "base": "%s",\n' "$chain" "$level" "$kind" "${base:--}"
    printf '  "why": %s,\n  "root": %s,\n  "paths": ' "$why_text" "$root_text"
    json_list "$work/paths" || return
    printf ',\n  "compressor": "%s",\n  "encryption": "%s",\n' "$compress" "$encryption"
    printf '  "tools": { "tar": "%s", "%s": "%s", "kvm-backup": "%s" },\n' "$tar_is" "$compress" "$packer_is" \
      "${self_sum%"${self_sum#????????????}"}"
    printf '  "exit": { "tar": %s, "%s": %s, "write": %s },\n' "$tar_code" "$compress" "$packer_code" "$write_code"
    printf '  "seconds": %s,\n  "size": %s,\n  "bytes": %s,\n  "entries": %s,\n' "$seconds" "$stored" "$bytes" "$entries"
    printf '  "shape": "%s",\n  "snar": "%s",\n  "list": "%s",\n  "parts": [\n' "$shape_now" "$snar_sum" "$list_sum"
    awk '{ printf "%s    { \"name\": \"%s\", \"size\": %s, \"sha256\": \"%s\" }", (NR > 1 ? ",\n" : ""), $1, $2, $3 }' "$work/parts" || return
    printf '\n  ],\n  "files": [\n'
    printf '    { "name": "%s", "size": %s, "sha256": "%s" }\n' "$list_name" "${list_is% *}" "${list_is#* }"
    printf '  ],\n  "warnings": '
    json_list "$work/warnings.shown" || return
    printf ',\n  "restore": '
    json_list "$work/emergency" || return
    printf ',\n'
  } >"$work/manifest.body"
  sum=$(digest <"$work/manifest.body") && cat "$work/manifest.body" && printf '  "sha256": "%s"\n}\n' "$sum"
}
# The lines of a file as a list of strings.
json_list() { # FILE
  [ -s "$1" ] || { printf '[]'; return; }
  printf '[\n'
  sed -e "$json_text" -e 's/.*/    "&"/;$!s/$/,/' "$1" || return
  printf '  ]'
}

# Names are secrets where the files are.
warnings_shown() {
  [ -s "$work/warnings" ] || return 0
  if has_recipients; then
    printf '%s warnings; their names are in the journal of the machine\n' "$(wc -l <"$work/warnings")"
  else
    head -n 1000 "$work/warnings"
  fi
}

# The commands that restore this run with cat, tar and the compressor alone.
emergency() {
  local each unpack ending
  ending=$(suffix)
  case $compress in zstd) unpack=' | zstd -dc' ;; gzip) unpack=' | gzip -dc' ;; xz) unpack=' | xz -dc' ;; none) unpack= ;; esac
  ! has_recipients || unpack=" | age -d -i KEY_FILE$unpack"
  [ -n "$base" ] || : >"$work/lineage"
  printf '%s\n' "$run" >>"$work/lineage"
  printf '%s\n' "mkdir /empty/folder"
  while read -r each; do
    printf 'cat %s/%s/%s-%s.tar%s.*%s | tar -xp --numeric-owner --xattrs --xattrs-include='"'*'"' --acls --listed-incremental=/dev/null -C /empty/folder -f -\n' \
      "$chain" "$each" "$name" "$each" "$ending" "$unpack"
  done <"$work/lineage"
}

# ---- hooks -----------------------------------------------------------------------------------------------------------

# Runs the command that KEY's values are the words of.
hook() { # KEY
  local words=
  each "$1" collect_word
  [ -n "$words" ] || return 0
  eval "set -- $words"
  (
    KVM_BACKUP_JOB=$name KVM_BACKUP_RESULT=${hook_result:-} KVM_BACKUP_RUN=${run:-} KVM_BACKUP_FOLDER=${hook_folder:-}
    export KVM_BACKUP_JOB KVM_BACKUP_RESULT KVM_BACKUP_RUN KVM_BACKUP_FOLDER
    cd / || exit
    exec "$@" </dev/null 5>&- 7>&- 9>&-
  ) >&2
}
collect_word() { words="$words $(quoted "$1")"; }

# The hook after the reading undoes what the one before did, also after a failure.
after_hook=
hook_after() { # ok|failed
  [ -n "$after_hook" ] || return 0
  after_hook=
  hook_result=$1 hook after || warn "the hook after the run failed"
}
