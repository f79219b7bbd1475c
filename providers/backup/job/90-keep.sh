
# ---- retention -------------------------------------------------------------------------------------------------------
#
# The rules choose restore points: the last N, and the newest of each of the last N days, weeks, months and years that have
# one. A chain goes when none of its points was chosen. It stays anyway while it is the newest, the newest that was
# verified, younger than the immutable days, or read by someone. What would be chosen if damaged points did not count
# stays as well, and what would be if they did.

select_kept='
  function choose(whole,   i, r, what, many, n, b, before) {
    for (r = 1; r <= rules; r++) {
      split(rule[r], f, " "); what = f[1]; many = f[2]; n = 0; before = ""
      for (i = points; i > 0 && n < many; i--) {
        if (whole && state[i] != "whole") continue
        b = what == "last" ? i : bucket(what, time[i], offset[i])
        if (b == before) continue
        before = b; n++
        if (!(chain[i] in why)) why[chain[i]] = run[i] " is " (what == "last" ? "number " n " of the last " many : "of " substr(what, 1, length(what) - 1) " " n " of " many)
        chosen[i] = 1
      }
    }
  }
  { points++; time[points] = $1; offset[points] = $2; chain[points] = $3; run[points] = $4; state[points] = $11
    if ($11 != "whole") time[points] = time[points - 1] + 0
    if (!($3 in count)) order[++chains] = $3
    count[$3]++; newest[$3] = time[points]; if ($12 > 0) verified = $3 }
  END {
    rules = split(keeps, rule, ",")
    choose(1); choose(0)
    for (c = 1; c <= chains; c++) {
      k = order[c]
      if (k in why) print "keep\t" k "\t" why[k]
      else if (c == chains) print "keep\t" k "\tit is the newest"
      else if (k == verified) print "keep\t" k "\tit is the newest that was verified"
      else if (days > 0 && now - newest[k] < days * 86400) print "keep\t" k "\tit is immutable for " days " days"
      else print "delete\t" k "\tnone of its " count[k] " points is kept"
    }
  }'

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
