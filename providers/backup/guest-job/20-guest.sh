
# The guest's disks that are backed up: name, format and source, with tabs between; "-" before those that are not.
disks() {
  virt dumpxml --domain "$guest" | awk '
    function attribute(name) {
      if (!match($0, " " name "=\047[^\047]*\047")) return ""
      return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
    }
    /^ *<disk / { inside = 1; depth = 0; format = source = disk = ""; left = attribute("device") != "disk"; next }
    !inside { next }
    /^ *<(backingStore|mirror)[^>]*[^\/]>$/ { depth++; next }
    /^ *<\/(backingStore|mirror)>/ { depth--; next }
    depth { next }
    /^ *<driver / { format = attribute("type") }
    /^ *<source / { source = attribute("file") attribute("dev") attribute("name") attribute("volume") }
    /^ *<target / { disk = attribute("dev") }
    /^ *<readonly\/>/ { left = 1 }
    /^ *<\/disk>/ { printf "%s%s\t%s\t%s\n", left ? "-" : "", disk, format, source; inside = 0 }'
}

look_at_guest() {
  was=$(virt domstate --domain "$guest" 2>&1) || fail "guest $guest: $was"
  case $was in
    running | paused | idle | "in shutdown" | pmsuspended) ;;
    *) fail "guest $guest is $was: only a running guest writes images of its disks" ;;
  esac
  uuid=$(virt domuuid --domain "$guest") || fail "guest $guest is gone"
  disks=$(disks) || fail "guest $guest: its disks cannot be read"
  wanted=$(printf '%s\n' "$disks" | grep -v '^-')
  [ -n "$wanted" ] || fail "guest $guest has no disk to back up"
}

checkpoints() {
  virt checkpoint-list --domain "$guest" --name 2>/dev/null | sed 's/ *$//' |
    grep -x "kvm-$name-[0-9]\{8\}T[0-9]\{6\}Z"
}

# A bitmap that is lost cannot be deleted, and that of a guest that is off only by qemu-img: what libvirt notes goes too.
drop_checkpoint() {
  virt checkpoint-delete --domain "$guest" "$1" >/dev/null 2>&1 && return
  if [ "$(virt domstate --domain "$guest" 2>/dev/null)" = "shut off" ]; then
    disks | while IFS=$tab read -r _ format file; do
      [ "$format" != qcow2 ] || qemu-img bitmap --remove "$file" "$1" >/dev/null 2>&1
    done
  fi
  virt checkpoint-delete --domain "$guest" "$1" --metadata >/dev/null 2>&1
}

# Deletes the job's checkpoints, all but "$1".
drop_checkpoints() {
  checkpoints | while IFS= read -r each; do
    [ "$each" = "$1" ] || drop_checkpoint "$each" || say "checkpoint $each cannot be deleted"
  done
}

agent() { virt qemu-agent-command --domain "$guest" --timeout "$1" "{\"execute\":\"$2\"}" 2>&1; }

# Thaws what a run froze; said when it cannot be, as the guest's programs wait for it then.
thaw() {
  if [ -e "$state/frozen" ]; then
    for attempt in 1 2 3; do
      answer=$(agent 30 guest-fsfreeze-thaw) && break
      attempt=failed
      sleep 1
    done
    # A guest that is off is not frozen.
    if [ "$attempt" != failed ] || [ "$(virt domstate --domain "$guest" 2>/dev/null)" != running ]; then
      rm -f "$state/frozen"
    else
      say "guest $guest: its file systems may be frozen still: $answer. Fix: virsh domfsthaw $guest"
    fi
  fi
  [ -n "$guard" ] || return 0
  exec 8>&-
  wait "$guard"
  guard=""
}

# Thaws when the run that holds the other end of the pipe is gone, whatever ended it, or after a minute.
guard_program='trap "" HUP INT TERM
timeout -s KILL 60 cat "$1/alive" >/dev/null
mv "$1/frozen" "$1/thawed" || exit
virsh --quiet --connect "$2" qemu-agent-command --domain "$3" --timeout 30 "{\"execute\":\"guest-fsfreeze-thaw\"}" ||
  mv "$1/thawed" "$1/frozen"'

# Freezes the guest's file systems, where its agent answers.
freeze() {
  frozen=false
  [ "$freeze" != never ] || return 0
  answer=$(agent 5 guest-ping) || {
    [ "$freeze" != require ] || fail "guest $guest: its agent does not answer, and freeze is \"require\": $answer"
    return 0
  }
  rm -f "$state/alive" "$state/thawed"
  mkfifo "$state/alive" && : >"$state/frozen" && exec 8<>"$state/alive" || fail "cannot write to $state"
  setsid sh -c "$guard_program" sh "$state" "$connection" "$guest" 8>&- 9>&- </dev/null >/dev/null 2>&1 &
  guard=$!
  answer=$(agent 30 guest-fsfreeze-freeze) || {
    thaw
    [ "$freeze" != require ] || fail "guest $guest: its agent cannot freeze its file systems, and freeze is \"require\": $answer"
    say "guest $guest: its agent cannot freeze its file systems: $answer"
    return 0
  }
  case $answer in *'"return":0}'*) ;; *) frozen=true ;; esac
}

job() { virt domjobinfo --domain "$guest" "$@" 2>/dev/null | sed -n 's/^Job type: *\([A-Za-z]*\).*/\1/p'; }

# Ends a backup of this job that an interrupted run left in QEMU. Another one is not ours to end.
end_job() {
  now=$(job)
  case $now in "" | None) return 0 ;; esac
  virt backup-dumpxml --domain "$guest" 2>/dev/null | grep -qF "'$(xml "$repository")/" ||
    fail "guest $guest is busy with another job (virsh domjobinfo $guest)"
  abort_job
}

abort_job() {
  virt domjobabort --domain "$guest" >/dev/null 2>&1
  while :; do
    case $(job) in "" | None) return 0 ;; esac
    sleep 0.2
  done
}
