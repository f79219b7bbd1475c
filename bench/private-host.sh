#!/usr/bin/env bash
# Runs a command on a KVM host of its own: a libvirtd with private folders, in namespaces of its own (mounts, network,
# processes), all of which are gone when the command ends. Needs root.
#
#   bench/private-host.sh COMMAND [ARGUMENT]...
#
# Process 1 in there is this script, and bash reaps orphans at once. Where the machine's own process 1 reaps late, libvirt
# waits for every QEMU that it stops; set BENCH_REAPER=machine to measure that: the processes are the machine's then, and
# those left over are ended one by one.
set -euo pipefail

if [[ ${1:-} != --inside ]]; then
  kinds=(--mount --net)
  [[ ${BENCH_REAPER:-own} == machine ]] || kinds+=(--pid --fork --kill-child --mount-proc)
  exec unshare "${kinds[@]}" bash "${BASH_SOURCE[0]}" --inside "$@"
fi
shift

host=$(mktemp -d)
# QEMU's user has to get at its sockets below.
chmod 755 "$host"
daemons=()

leave() {
  for daemon in "${daemons[@]}"; do kill "$daemon" 2>/dev/null || true; done
  wait
  # Guests that were left running; in a process namespace they end with it.
  if (($$ != 1)); then
    for file in "$host"/run/libvirt/qemu/*.pid; do
      [[ ! -e $file ]] || kill -9 "$(<"$file")" 2>/dev/null || true
    done
  fi
  cd /
  for folder in /run /var/{lib,log,cache}/libvirt /etc/libvirt; do umount "$folder"; done
  rm -rf "$host"
}
trap leave EXIT

for folder in run lib log cache etc; do mkdir "$host/$folder"; done
mkdir "$host/run/lock"
echo 'auth_unix_rw = "none"' >"$host/etc/libvirtd.conf"
# Control groups are the machine's: guests of other daemons with the same name would share them.
echo 'cgroup_controllers = []' >"$host/etc/qemu.conf"
mount --make-rprivate /
mount --bind "$host/run" /run
mount --bind "$host/etc" /etc/libvirt
for folder in lib log cache; do mount --bind "$host/$folder" "/var/$folder/libvirt"; done
ip link set lo up

virtlogd >"$host/virtlogd" 2>&1 &
daemons+=($!)
libvirtd >"$host/libvirtd" 2>&1 &
daemons+=($!)
for ((waited = 0; waited < 200; waited++)); do
  virsh -q -c qemu:///system version >/dev/null 2>&1 && break
  sleep 0.1
done
virsh -q -c qemu:///system version >/dev/null || { tail -n 20 "$host/libvirtd" >&2; exit 1; }

"$@"
