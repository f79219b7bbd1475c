
# ---- copies ----------------------------------------------------------------------------------------------------------

# Brings all points of the first target that the N-th does not have there, in their order. Runs in a subshell.
copy_to() { # N
  local chain run count=0
  use_target 1
  store points >"$work/points.first" || fail "cannot read $(target_label)"
  use_target "$1"
  open_target 60
  store clean
  store points >"$work/points" || fail "cannot read $(target_label)"
  awk -F '\t' 'FILENAME == ARGV[1] { there[$4] = 1; next } $11 == "whole" && !($4 in there) { print $3, $4 }' \
    "$work/points" "$work/points.first" >"$work/missing"
  while read -r chain run; do
    copy_run "$1" "$chain" "$run" </dev/null || fail "$run could not be copied to $(target_label)"
    count=$((count + 1))
  done <"$work/missing"
  [ "$count" = 0 ] || note "copied $count runs to $(target_label)"
  cp "$work/points.first" "$work/points"
  store points >"$work/points" && keep_points || problem "nothing was deleted in $(target_label): $failure"
  close_target
}

copy_run() { # N CHAIN RUN
  local file size sum said
  use_target 1
  store manifest "$2" "$3" >"$work/copy.json" && manifest_intact "$work/copy.json" || return
  store_files "$work/copy.json" >"$work/copy.files"
  while read -r file size sum <&3; do
    said=$({ use_target 1; store cat "$2" "$3" "$file"; } </dev/null | { use_target "$1"; store put "$2" "$3" "$file"; }) || return
    # What arrived must be what the manifest says, not only what was read.
    [ "$said" = "$size $sum" ] || { problem "$file: what arrived is not what was written"; return 1; }
  done 3<"$work/copy.files"
  use_target "$1"
  store put "$2" "$3" "$name-$3.json" <"$work/copy.json" >/dev/null && store publish "$2" "$3" || return
  [ "$immutable" = 0 ] || store protect "$2" "$3" >/dev/null
}
