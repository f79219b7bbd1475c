
# ---- drill: the newest point is restored, compared, and thrown away again --------------------------------------------

# Whether a drill is due: by the host's calendar, or so many seconds after the last that found all well.
drill_is_due() {
  case $drill in
    "") return 1 ;;
    daily) by=%F ;;
    weekly) by=%G-%V ;;
    monthly) by=%Y-%m ;;
    *)
      # A run that comes a little early is as good.
      [ $(($(date +%s) - $(verified))) -ge $((drill - drill / 10)) ]
      return
      ;;
  esac
  [ "$(date -d "@$(verified)" "+$by")" != "$(date "+$by")" ]
}

# When a drill last found a point well, in seconds; 0 before the first.
verified() { sed -n 's/.*"verified": \([0-9]*\).*/\1/p' "$state/drill" 2>/dev/null | grep . || echo 0; }

# Restores the newest point, and says what is wrong with it; nothing is where all is well.
drill_point() {
  place=${scratch:-$repository}/drill-$name
  (
    trap 'rm -rf "$place"' EXIT
    trap 'exit 1' HUP INT TERM
    rm -rf "$place"
    mkdir -p "${place%/*}" && mkdir -m 700 "$place" || fail "cannot write to $place"
    wrong=$(chain_damage "$point")
    [ -z "$wrong" ] || fail "$wrong"
    files "$point" | {
      while read -r disk _ _ file; do restore_for_drill "${point%/*}/$file" "$place/$disk.qcow2" || exit 1; done
    } || exit
    [ -n "$check" ] || exit 0
    eval "set -- $check"
    export KVM_BACKUP_JOB="$name" KVM_BACKUP_RUN="$(field "$point" run)" KVM_BACKUP_FOLDER="$place"
    said=$(cd / && exec 9>&- && "$@" 2>&1 </dev/null) || fail "the check failed (exit code $?)${said:+: $(printf '%s\n' "$said" | tail -n 1)}"
  )
}

restore_for_drill() {
  needed=$(qemu-img measure -O qcow2 "$1" | sed -n 's/^required size: \([0-9]*\)$/\1/p')
  free=$(df --output=avail -B 1 -- "$place" | tail -n 1)
  [ "${needed:-0}" -le "$((free))" ] ||
    fail "a drill needs $(((needed + 1048575) / 1048576)) MiB in ${place%/*}, which has $((free / 1048576)). Fix: name a folder with more room (scratch)"
  said=$(qemu-img convert -O qcow2 "$1" "$2" 2>&1) || fail "qemu-img cannot restore $1: $said"
  said=$(qemu-img check -q "$2" 2>&1) || fail "$1 restores to a damaged image: $said"
  said=$(qemu-img compare -q "$1" "$2" 2>&1) || fail "$1 restores to another content: $said"
}

# Runs a drill of "$point", and notes what became of it. The proof of one that succeeds lies beside the point too.
drill() {
  begun_drill=$(date +%s)
  wrong=$(drill_point 2>&1) && drilled=ok || drilled=failed
  now=$(date +%s)
  wrong=$(printf '%s\n' "$wrong" | sed "s/^kvm-guest-backup $name: //" | paste -sd ';' -)
  [ "$drilled" = ok ] && good=$now || good=$(verified)
  proof=$(printf '{ "time": %s, "result": "%s", "run": "%s", "seconds": %s, "message": "%s", "verified": %s }' \
    "$now" "$drilled" "$(field "$point" run)" $((now - begun_drill)) "$(json "$wrong")" "$good")
  printf '%s\n' "$proof" | put "$state/drill"
  report
  if [ "$drilled" = failed ]; then
    say "drill: $(field "$point" run): $wrong"
    return 1
  fi
  printf '%s\n' "$proof" | put "${point%.json}.proof"
  say "drill: $(field "$point" run) restores, and is as it was"
}
