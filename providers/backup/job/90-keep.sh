
# ---- retention -------------------------------------------------------------------------------------------------------

# What is to become of every chain in $work/points, a line each: keep or delete, chain, why.
decide() { # NOW
  awk -F '\t' -v keeps="$(printf '%s' "${keeps# }" | sed 's/\([a-z]\) /\1=/g;s/ /,/g;s/=/ /g')" -v now="$1" -v days="$immutable" \
    "$calendar$select_kept" "$work/points"
}

# Deletes what no rule keeps, in the target that is open. Without rules nothing goes.
keep_points() {
  local what chain why
  [ -n "$keeps" ] || return 0
  decide "$(date +%s)" >"$work/decided" || return
  while IFS=$tab read -r what chain why; do
    [ "$what" = delete ] || continue
    if store remove "$chain" </dev/null; then note "deleted $chain: $why"
    else warn "$chain could not be deleted: it is in use, or protected"; fi
  done <"$work/decided"
}

command_prune() {
  local dry='' now what chain why
  now=$(date +%s)
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) dry=yes ;;
      --now)
        # Only to see what would be: a wrong date must not delete anything.
        now=$(epoch_of "$2") || exit
        dry=yes
        shift
        ;;
      *) fail "prune: unknown argument $1" 2 ;;
    esac
    shift
  done
  [ -n "$keeps" ] || fail "no keep rules are set: everything is kept"
  make_work "${TMPDIR:-/tmp}"
  use_target "$from_target"
  [ -n "$dry" ] || open_target 60
  store points >"$work/points" || fail "cannot read $(target_label)"
  decide "$now" >"$work/decided"
  while IFS=$tab read -r what chain why; do
    printf '%-6s %s: %s\n' "$what" "$chain" "$why"
    [ "$what" = keep ] || [ -n "$dry" ] || store remove "$chain" </dev/null || warn "$chain could not be deleted: it is in use, or protected"
  done <"$work/decided"
  [ -n "$dry" ] || close_target
}
