
# What a run that did not end left: files under temporary names, and files that no manifest names.
clear_left_overs() {
  for folder in "$repository"/*Z; do
    [ -d "$folder" ] || continue
    rm -f "$folder"/*.part
    for file in "$folder"/*.qcow2; do
      point=${file##*/}
      [ ! -f "$file" ] || [ -f "$folder/${point%%-*}.json" ] || rm -f "$file"
    done
    for file in "$folder"/*.proof; do [ -f "${file%.proof}.json" ] || rm -f "$file"; done
    rmdir "$folder" 2>/dev/null
  done
  return 0
}

# Decides what the run writes: base, the checkpoint that it goes on from, is empty for a full one; note says why.
plan() {
  base="" note="" level=0 chain=$run
  newest=$(points | tail -n 1)
  other=$(printf '%s\n' "$wanted" | awk -F '\t' '$2 != "qcow2" { printf "%s%s is %s", n++ ? ", " : "", $1, $2 }')
  checkpoint=kvm-$name-$run
  if [ -n "$other" ]; then
    checkpoint=""
    note="$other: only qcow2 disks keep track of what changes"
    return
  fi
  if [ -z "$newest" ]; then
    note="no former point"
    return
  fi
  at=${newest%/*}
  chain_points=$(points | grep -cF "$at/")
  [ "$chain_points" -lt "$full" ] || return 0
  before=$(field "$newest" checkpoint)
  former=$(sed -n 's/^    { "disk": .*"of": "\(.*\)" }.*/\1/p' "$newest")
  if [ -z "$before" ]; then
    note="the former point has no checkpoint"
  elif ! checkpoints | grep -qx "$before"; then
    note="checkpoint $before is gone"
  elif [ "$former" != "$(printf '%s\n' "$wanted" | while IFS= read -r each; do json "$each" && echo; done)" ]; then
    note="the guest's disks changed"
  elif damaged=$(chain_damage "$newest" sizes) && [ -n "$damaged" ]; then
    note="the former chain is damaged: $damaged"
  else
    base=$before level=$chain_points chain=${at##*/}
  fi
}

part() { printf '%s/%s-%s-%s.qcow2.part' "$folder" "$run" "$level" "$1"; }

# Has QEMU begin; the guest's file systems are frozen for that moment.
begin() {
  folder=$repository/$chain
  mkdir -p "$folder" && chmod 711 "$folder" || fail "cannot write to $folder"
  {
    echo "<domainbackup mode='push'>"
    [ -z "$base" ] || echo "<incremental>$base</incremental>"
    echo "<disks>"
    printf '%s\n' "$disks" | while IFS=$tab read -r disk _ _; do
      case $disk in
        -?*) echo "<disk name='${disk#-}' backup='no'/>" ;;
        ?*)
          echo "<disk name='$disk' backup='yes' type='file'><driver type='qcow2'/><target file='$(xml "$(part "$disk")")'/></disk>"
          ;;
      esac
    done
    echo "</disks></domainbackup>"
  } >"$state/backup.xml"
  {
    echo "<domaincheckpoint><name>$checkpoint</name><disks>"
    printf '%s\n' "$disks" | while IFS=$tab read -r disk _ _; do
      case $disk in
        -?*) echo "<disk name='${disk#-}' checkpoint='no'/>" ;;
        ?*) echo "<disk name='$disk' checkpoint='bitmap'/>" ;;
      esac
    done
    echo "</disks></domaincheckpoint>"
  } >"$state/checkpoint.xml"
  [ -n "$checkpoint" ] && set -- "$state/checkpoint.xml" || set --
  freeze
  began=yes
  said=$(virt backup-begin --domain "$guest" "$state/backup.xml" "$@" 2>&1) || began=no
  # Thawed out of turn, it is not what the images say.
  [ -e "$state/frozen" ] || frozen=false
  thaw
  rm -f "$state/backup.xml" "$state/checkpoint.xml"
  [ "$began" = yes ]
}

wait_for_end() {
  pause=0.1
  while :; do
    case $(job) in
      None) break ;;
      "") fail "guest $guest ended while its disks were read" ;;
    esac
    sleep "$pause"
    case $pause in 0.1) pause=0.3 ;; *) pause=1 ;; esac
  done
  result=$(job --completed)
  [ "$result" = Completed ] && return
  free=$(df -hP "$folder" | awk 'NR == 2 { print $4 }')
  began=no
  fail "QEMU could not write the images to $folder (${result:-no result}; $free free there)"
}

# Makes a chain of the images that QEMU wrote, and publishes them: the manifest comes last.
publish() {
  size=0 list=
  while IFS=$tab read -r disk format source; do
    file=$(part "$disk")
    if [ "$level" -gt 0 ]; then
      backing=$(files "$newest" | awk -v disk="$disk" '$1 == disk { print $4 }')
      qemu-img rebase -u -b "$backing" -F qcow2 "$file" >/dev/null || fail "qemu-img cannot link $file to $backing"
    fi
    chmod 600 "$file" && sync "$file" || fail "cannot write $file"
    bytes=$(stat -c %s "$file") && sum=$(sha256sum <"$file" | cut -d ' ' -f 1) || fail "cannot read $file"
    to=${file##*/}
    to=${to%.part}
    size=$((size + $(stat -c '%b * %B' "$file")))
    list="$list${list:+,
}    { \"disk\": \"$disk\", \"size\": $bytes, \"sha256\": \"$sum\", \"file\": \"$to\", \"restore\": \"qemu-img convert -O qcow2 $to $disk.qcow2\", \"of\": \"$(json "$disk$tab$format$tab$source")\" }"
  done <<END
$wanted
END
  for file in "$folder/$run"-*.part; do mv "$file" "${file%.part}" || fail "cannot write to $folder"; done
  sync "$folder"
  put "$folder/$run.json" <<END || fail "cannot write to $folder"
{
  "format": 1,
  "job": "$name",
  "guest": "$(json "$guest")",
  "uuid": "$uuid",
  "run": "$run",
  "time": $(seconds_of "$run"),
  "chain": "$chain",
  "level": $level,
  "checkpoint": "$checkpoint",
  "frozen": $frozen,
  "note": "$(json "$note")",
  "disks": [
$list
  ]
}
END
  published=yes
}

# Run numbers only grow, also where the clock was set back.
next_run() {
  seconds=$(date +%s)
  newest=$(points | tail -n 1)
  if [ -n "$newest" ]; then
    last=$(field "$newest" time)
    [ "$seconds" -gt "$last" ] || seconds=$((last + 1))
  fi
  run=$(date -u -d "@$seconds" +%Y%m%dT%H%M%SZ)
}

ended() {
  code=$?
  trap - EXIT
  thaw
  if [ "$published" = no ]; then
    if [ "$began" = yes ]; then abort_job; fi
    if [ -n "$checkpoint" ] && checkpoints | grep -qx "$checkpoint"; then drop_checkpoint "$checkpoint"; fi
    clear_left_overs
  fi
  report failed "${message:-interrupted}"
  exit "$((code == 0 ? 1 : code))"
}

# Makes the status of what became of the last run, success and drill. report [RESULT MESSAGE]
report() {
  [ $# -eq 0 ] ||
    printf '{ "time": %s, "result": "%s", "message": "%s" }\n' "$(date +%s)" "$1" "$(json "$2")" | put "$state/run"
  for each in run success drill; do
    [ ! -f "$state/$each" ] || printf '"%s": %s,\n' "$each" "$(cat "$state/$each")"
  done | sed '1s/^/{\n/; $s/,$/\n}/' | put "$state/status.json"
  write_metrics
}

# For Prometheus' textfile collector, where there is one.
write_metrics() {
  prom=${metrics:-/var/lib/prometheus/node-exporter}/kvm-guest-backup-$name.prom
  [ -d "${prom%/*}" ] || return 0
  {
    ! grep -q '"result": "ok"' "$state/run" 2>/dev/null
    printf 'kvm_guest_backup_last_run_success{job="%s",guest="%s"} %s\n' "$name" "$guest" $?
    while read -r metric note member; do
      is=$(sed -n 's/.*"'"$member"'": \([0-9]*\).*/\1/p' "$state/$note" 2>/dev/null)
      [ -z "$is" ] || printf 'kvm_guest_backup_%s{job="%s",guest="%s"} %s\n' "$metric" "$name" "$guest" "$is"
    done <<END
last_run_timestamp_seconds run time
last_success_timestamp_seconds success time
size_bytes success size
duration_seconds success seconds
points success points
last_verified_restore_timestamp_seconds drill verified
END
  } >"$prom.$$" && chmod 644 "$prom.$$" && mv -f "$prom.$$" "$prom" || rm -f "$prom.$$"
}

run() {
  started=$(date +%s) began=no published=no checkpoint="" message=""
  lock
  trap ended EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  thaw
  # QEMU writes as a user of its own, and has to get there.
  (umask 066 && mkdir -p "$repository") && chmod 711 "$repository" || fail "cannot write to $repository"
  look_at_guest
  end_job
  clear_left_overs
  next_run
  newest=$(points | tail -n 1)
  drop_checkpoints "$([ -z "$newest" ] || field "$newest" checkpoint)"
  plan
  if ! begin; then
    [ -n "$base" ] || fail "libvirt cannot begin: $said"
    # The bitmap is lost or broken: so is what the checkpoint is good for.
    note="no increment is possible: $said" base="" level=0 chain=$run
    rm -f "$folder/$run"-*.part
    drop_checkpoints ""
    begin || fail "libvirt cannot begin: $said"
  fi
  wait_for_end
  publish
  protect "$folder/$run.json"
  drop_checkpoints "$checkpoint"
  prune
  printf '{ "time": %s, "run": "%s", "chain": "%s", "level": %s, "points": %s, "size": %s, "seconds": %s, "frozen": %s, "note": "%s" }\n' \
    "$(date +%s)" "$run" "$chain" "$level" "$(points | wc -l)" "$size" "$(($(date +%s) - started))" "$frozen" \
    "$(json "$note")" | put "$state/success"
  report ok "$note"
  trap - EXIT
  say "$run: $([ "$level" = 0 ] && echo "full" || echo "increment $level")${note:+ ($note)}"
  drill_is_due || return 0
  point=$folder/$run.json
  drill
}
