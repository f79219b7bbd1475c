/**
 * Process 1 of a container for its first milliseconds: what libvirt leaves undone before an init like systemd can work as
 * on a machine of its own. Its arguments are that init and what it is given; /sbin/init without any.
 *
 * 1. A control group of its own, in every hierarchy, below the one that libvirt made. Where no systemd runs on the host,
 *    libvirt puts no container into the hierarchy that systemd keeps its services in: without this the systemd of every
 *    container would work in the root of it, and take the services of the others for its own.
 * 2. A control group namespace over it, so that nobody in the container sees the groups of the host. Where the host's
 *    AppArmor profile forbids the mounts, the container goes on without.
 * 3. Addresses that libvirt gave to the NICs (<ip> and <route> of the domain) are written down for systemd-networkd, which
 *    would take them away. Without a NIC nothing waits for the network to be online.
 * 4. libvirt's /proc/meminfo goes where it cannot be read as ps and free of procps 4 do.
 */
export const CONTAINER_INIT = `#!/bin/sh
# Written by pulumi-kvm: the process 1 of a container, until its own init takes over.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
exec 2>>/dev/console

# Calls "$1 FOLDER CONTROLLERS PATH" for each control group that this process is in.
each_group() {
  while IFS=: read -r number controllers path; do
    case $controllers in
      "") at=/sys/fs/cgroup; [ -f "$at/cgroup.procs" ] || at=/sys/fs/cgroup/unified ;;
      name=*) at=/sys/fs/cgroup/\${controllers#name=} ;;
      *) at=/sys/fs/cgroup/$controllers; [ -d "$at" ] || at=/sys/fs/cgroup/\${controllers%%,*} ;;
    esac
    [ ! -f "$at/cgroup.procs" ] || "$1" "$at" "$controllers" "\${path%/}"
  done </proc/self/cgroup
}

enter_own() {
  group=$1$3/kvm-$container_uuid
  [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
  mkdir -p "$group"
  for file in cpuset.cpus cpuset.mems; do
    case $2 in *cpuset*) cat "$1$3/$file" >"$group/$file" ;; esac
  done
  echo 0 >"$group/cgroup.procs" || echo "container: stays in $1$3"
}

# The kernel mounts no hierarchy over itself.
mount_own() {
  umount -n "$1"
  case $2 in
    "") mount -n -t cgroup2 cgroup2 "$1" ;;
    name=*) mount -n -t cgroup -o "none,$2" cgroup "$1" ;;
    *) mount -n -t cgroup -o "$2" cgroup "$1" ;;
  esac
}

static_nic() {
  nic=$1 file=/run/systemd/network/10-$1.network
  addresses=$(ip -o address show dev "$nic" scope global | while read -r number name family address rest; do
    echo "Address=$address"
  done)
  [ -n "$addresses" ] || return 0
  {
    printf '[Match]\\nName=%s\\n\\n[Network]\\nIPv6AcceptRA=no\\n%s\\n' "$nic" "$addresses"
    for family in -4 -6; do
      ip "$family" route show dev "$nic" | while read -r destination via gateway rest; do
        [ "$via" = via ] || continue
        # The very same route, so that there are no two of it, and never none.
        printf '\\n[Route]\\nGateway=%s\\nProtocol=boot\\n' "$gateway"
        [ "$destination" = default ] || echo "Destination=$destination"
        case $rest in *"metric "*) metric=\${rest#*metric }; echo "Metric=\${metric%% *}" ;; esac
      done
    done
  } >"$file"
  chmod 644 "$file"
}

if [ "\${1-}" = --in-namespace ]; then
  shift
  each_group mount_own
else
  each_group enter_own
  if [ -e /lib/systemd/systemd-networkd ] || [ -e /usr/lib/systemd/systemd-networkd ]; then
    mount -n -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
    mkdir -p /run/systemd/network /run/systemd/system
    found=
    for nic in /sys/class/net/*; do
      case \${nic##*/} in lo) ;; *) found=yes; static_nic "\${nic##*/}" ;; esac
    done
    [ -n "$found" ] || ln -s /dev/null /run/systemd/system/systemd-networkd-wait-online.service
  fi
  ps -o %mem= -p 1 >/dev/null 2>&1
  [ $? != 1 ] || umount /proc/meminfo
  try='mount -n -t tmpfs tmpfs /mnt && cd /mnt && mount -n -t "$1" -o "$2" cgroup /mnt'
  set -- "$0" --in-namespace "$@"
  if [ -f /sys/fs/cgroup/cgroup.procs ]; then kind=cgroup2 option=rw; else kind=cgroup option=none,name=systemd; fi
  if unshare --cgroup --mount sh -c "$try" sh "$kind" "$option" 2>/dev/null; then exec unshare --cgroup "$@"; fi
  shift 2
fi

[ $# -gt 0 ] || set -- /sbin/init
case $(readlink -f "$1") in
  # systemd would look for a second hierarchy, of version 2, that only the host has.
  */systemd) [ -f /sys/fs/cgroup/cgroup.procs ] || set -- "$@" systemd.legacy_systemd_cgroup_controller=1 ;;
esac
exec "$@"
`;
