
# ---- status ----------------------------------------------------------------------------------------------------------
#
# $state/status.json has a line for each: the last run, the last success, the last verified restore. Metrics for
# Prometheus are made of it.

status_line() { # KEY
  local line
  [ -f "$state/status.json" ] || return 0
  while IFS= read -r line; do
    case $line in "  \"$1\": {"*) line=${line#*: } && printf '%s\n' "${line%,}" ;; esac
  done <"$state/status.json"
}
status_value() { # KEY MEMBER
  status_line "$1" | sed -n 's/.*"'"$2"'": "\{0,1\}\([^",}]*\)"\{0,1\}.*/\1/p'
}

write_status() { # RUN SUCCESS DRILL
  {
    printf '{\n  "job": "%s"' "$name"
    [ -z "$1" ] || printf ',\n  "run": %s' "$1"
    [ -z "$2" ] || printf ',\n  "success": %s' "$2"
    [ -z "$3" ] || printf ',\n  "drill": %s' "$3"
    printf '\n}\n'
  } >"$state/status.new" && mv -f "$state/status.new" "$state/status.json"
  write_metrics
}

last_success() {
  local time
  time=$(status_value success time)
  echo "${time:-0}"
}

report_run() { # ok|failed [TEXT]
  local now success warnings=0
  now=$(date +%s)
  success=$(status_line success)
  if [ "$1" = ok ]; then
    [ ! -s "$work/warnings" ] || warnings=$(wc -l <"$work/warnings")
    success="{ \"time\": $now, \"run\": \"$run\", \"chain\": \"$chain\", \"level\": $level, \"points\": $points, \"size\": $stored, \"bytes\": $bytes, \"entries\": $entries, \"seconds\": $seconds, \"warnings\": $warnings }"
    [ ! -s "$work/warnings" ] || while IFS= read -r line; do warn "${line#tar: }"; done <"$work/warnings"
  fi
  write_status "{ \"time\": $now, \"result\": \"$1\", \"message\": $(json "${2:-}") }" "$success" "$(status_line drill)"
}

report_drill() { # ok|failed RUN ENTRIES HASHES [TEXT]
  local drill
  drill="{ \"time\": $(date +%s), \"result\": \"$1\", \"run\": \"$2\", \"entries\": $3, \"hashes\": $4, \"message\": $(json "${5:-}"), \"verified\": $([ "$1" = ok ] && date +%s || { status_value drill verified | grep . || echo 0; }) }"
  write_status "$(status_line run)" "$(status_line success)" "$drill"
}

write_metrics() {
  local file=${metrics:-/var/lib/prometheus/node-exporter}/kvm-backup-$name.prom
  [ -d "${file%/*}" ] || return 0
  {
    metric last_run_timestamp_seconds run time
    printf 'kvm_backup_last_run_success{job="%s"} %s\n' "$name" "$([ "$(status_value run result)" = ok ] && echo 1 || echo 0)"
    metric last_success_timestamp_seconds success time
    metric size_bytes success size
    metric source_bytes success bytes
    metric files success entries
    metric duration_seconds success seconds
    metric warnings success warnings
    metric chain_points success points
    metric last_verified_restore_timestamp_seconds drill verified
  } >"$file.$$" && chmod 644 "$file.$$" && mv -f "$file.$$" "$file" || rm -f "$file.$$"
}
metric() { # METRIC KEY MEMBER
  local is
  is=$(status_value "$2" "$3")
  [ -z "$is" ] || printf 'kvm_backup_%s{job="%s"} %s\n' "$1" "$name" "$is"
}

command_status() {
  [ -f "$state/status.json" ] || { printf '{\n  "job": "%s"\n}\n' "$name"; return; }
  cat "$state/status.json"
}

# Whether a run could work: programs, and all targets, which are made ready.
command_check() {
  local n=0
  [ $# = 0 ] || fail "check: unknown argument $1" 2
  need_tools
  mkdir -p "$state" || fail "cannot write to $state"
  make_work "$state"
  while [ "$n" -lt "$targets" ]; do
    n=$((n + 1))
    (
      use_target "$n"
      open_target 60
      [ -z "$target_bucket" ] || bucket_probe 2>"$work/refused" || refuse_bucket "$work/refused"
      close_target
    ) || exit
  done
}

# A drill when one is due, after a run.
drilling=
run_due_drill() {
  local verified now
  [ -n "$drill_every" ] && ! has_recipients || return 0
  verified=$(status_value drill verified)
  now=$(date +%s)
  is_due "$drill_every" "${verified:-0}" "$(utc_offset)" 0 "$now" "$(utc_offset)" >/dev/null || return 0
  (
    use_target 1
    drill_point
  ) || failure="the drill failed"
}

# All chains are read from end to end when that is due.
run_due_verify() {
  local now last=0
  [ -n "$verify_every" ] || return 0
  [ ! -f "$state/verified" ] || read -r last <"$state/verified"
  now=$(date +%s)
  is_due "$verify_every" "$last" "$(utc_offset)" 0 "$now" "$(utc_offset)" >/dev/null || return 0
  (
    use_target 1
    verify_chains "$(cut -f 3 "$work/points" | sort -u)"
  ) && printf '%s\n' "$now" | replace "$state/verified" || failure="verify found problems"
}

protect_run() {
  [ "$immutable" != 0 ] || return 0
  [ -z "$(store protect "$chain" "$run")" ] || warn "the file system of $(target_label) cannot keep files from being changed; prune keeps them for $immutable days all the same"
}
