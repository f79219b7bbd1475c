#!/usr/bin/env bash
# Process 1 of a lab's node: a network, mount, process, host name, IPC and cgroup namespace with an own root, which is an
# overlay over the machine's. lab.ts starts it; see there. Nothing that it makes outlives its processes, except the
# node's disk and its cgroups.
#
#   boot.sh switch    process 1 of the whole lab, in a network namespace that holds the switches
#   boot.sh launch    in the namespaces of the lab's process 1: begins those of a node, and runs there
#   boot.sh init      ... this
#   boot.sh start_NAME   inside: starts a service
#
# From the environment: LAB (the lab's name), LAB_STATE (its folder), LAB_NODE, LAB_SEGMENTS ("lan wan") for the switch;
# for a node LAB_DISK (the folder that keeps its files), LAB_DISK_SIZE (bytes of a file system of its own for them),
# LAB_NICS ("eth0=lan=02:4c:00:00:00:01 ..."), LAB_SERVICES (start_NAME below, in this order). Files that the node has from
# its first boot are in $LAB_STATE/$LAB_NODE/files.
set -euo pipefail
node=${LAB_NODE:-switch}
# Inside, the node's part of it is there.
state=${LAB_STATE:+$LAB_STATE/$node}
state=${state:-/run/lab}

# ---- cgroups ---------------------------------------------------------------------------------------------------------

# Prints "FOLDER CONTROLLERS" of each hierarchy of version 1; "FOLDER" of the one of version 2 where there is no other.
hierarchies() {
  local folder type options option names seen="" unified=""
  while read -r _ folder type options _; do
    if [[ $type == cgroup2 ]]; then unified=${unified:-$folder}; fi
    [[ $type == cgroup ]] || continue
    names=""
    for option in ${options//,/ }; do
      case $option in
        rw | ro | nosuid | nodev | noexec | relatime | noatime | xattr | clone_children | release_agent=*) ;;
        *) names+=,$option ;;
      esac
    done
    [[ " $seen " == *" $names "* ]] || echo "$folder ${names#,}"
    seen+=" $names"
  done </proc/self/mounts
  [[ -n $seen || -z $unified ]] || echo "$unified"
}

# Moves this process to a cgroup of its own in each hierarchy, where its children stay.
join_cgroups() {
  local folder names level own=()
  while read -r folder names; do own+=("$folder/pulumi-kvm-lab/$LAB/$node"); done < <(hierarchies)
  # Once more where the last other lab went just now.
  mkdir -p "${own[@]}" 2>/dev/null || mkdir -p "${own[@]}"
  while read -r folder names; do
    for level in pulumi-kvm-lab "$LAB" "$node"; do
      [[ -n $names ]] || enable_controllers "$folder"
      folder+=/$level
      [[ ,$names, != *,cpuset,* ]] || inherit_cpuset "$folder"
    done
    echo 0 >"$folder/cgroup.procs"
    echo "$folder/cgroup.procs"
  done < <(hierarchies) >"$state/cgroups"
}

# In version 1 a new cgroup has no processors, and takes no process until it has.
inherit_cpuset() { # FOLDER
  local file
  for file in cpuset.cpus cpuset.mems; do
    [[ -n $(<"$1/$file") ]] || cat "$1/../$file" >"$1/$file"
  done
}

enable_controllers() { # FOLDER: of version 2
  local name
  for name in $(<"$1/cgroup.controllers"); do echo "+$name" >"$1/cgroup.subtree_control" 2>/dev/null || true; done
}

# Mounts the hierarchies so that this node's cgroup is their root. Version 1 comes without the empty hierarchy of version 2
# that many machines have beside it: libvirt's container driver fails there.
mount_cgroups() { # LINES of hierarchies
  local folder names name table="" folders=() links=()
  while read -r folder names; do
    if [[ -z $names ]]; then
      mount_unified "$folder"
      return
    fi
    name=${folder##*/}
    folders+=("sys/fs/cgroup/$name")
    [[ $name != *,* ]] || links+=("$name")
    if [[ $names == name=* ]]; then names=none,$names; fi
    table+="cgroup $PWD/sys/fs/cgroup/$name cgroup $names 0 0"$'\n'
  done <<<"$1"
  mount -t tmpfs -o mode=755,size=1m cgroup sys/fs/cgroup
  mkdir "${folders[@]}"
  mount_table "$table"
  for folder in ${links[@]+"${links[@]}"}; do
    for name in ${folder//,/ }; do ln -s "$folder" "sys/fs/cgroup/$name"; done
  done
}

mount_unified() { # FOLDER
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  # Only a cgroup without processes can hand controllers on.
  mkdir -p sys/fs/cgroup/init.scope
  echo 1 >sys/fs/cgroup/init.scope/cgroup.procs
  enable_controllers sys/fs/cgroup
  echo "$1/pulumi-kvm-lab/$LAB/$node/init.scope/cgroup.procs" >"$state/cgroups"
}

mount_table() { # LINES of an fstab: all by one process, many times as quick as one for each
  printf '%s' "$1" >"$state/fstab"
  mount --all --fstab "$state/fstab"
}

# ---- the switch ------------------------------------------------------------------------------------------------------

note_pid() { # FILE: our pid and start time as the machine's /proc tells them
  local stat
  read -r stat </proc/self/stat
  set -- "$1" "${stat%% *}" ${stat##*) }
  echo "$2 ${22}" >"$1.new"
  mv "$1.new" "$1"
}

# What of the machine is not a node's: it is hidden, and starts empty.
hidden=(
  root home var/tmp var/log var/lib/libvirt var/cache/libvirt var/lib/dhcp
  etc/libvirt/qemu etc/libvirt/lxc etc/libvirt/storage etc/libvirt/secrets
  etc/network/interfaces.d etc/netplan etc/NetworkManager/system-connections etc/systemd/network etc/ssh
)

# The whiteouts of an overlay's upper folder that hide it; every new node gets a copy.
make_skeleton() {
  local path folder=$LAB_STATE/skeleton
  mkdir -p "$folder"
  # A file system of its own: where the machine's root is an overlay, it cannot hold them.
  mount -t tmpfs -o mode=755,size=1m skeleton "$folder"
  for path in "${hidden[@]}"; do
    [[ -e /$path ]] || continue
    mkdir -p "$(dirname "$folder/$path")"
    mknod "$folder/$path" c 0 0
  done
}

switch() {
  local segment
  # A port that belongs to no switch drops every frame without an answer.
  sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  join_cgroups
  for segment in $LAB_SEGMENTS; do
    echo "link add $segment type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
    echo "link set $segment up"
  done | ip -batch -
  make_skeleton
  note_pid "$state/pid"
  stay
}

# Reaps what is left to process 1, for ever.
stay() {
  while :; do
    sleep infinity &
    wait $! || true
  done
}

# ---- a node ----------------------------------------------------------------------------------------------------------

launch() {
  # Held by process 1: a node that another run is just booting is not booted twice.
  exec 8>"$state/lock"
  flock --timeout 10 8
  join_cgroups
  # In a container the machine's own root is such an overlay, where no other one can write.
  if [[ -z $LAB_DISK_SIZE && $(stat --file-system --format %T "$LAB_DISK") == overlayfs ]]; then LAB_DISK_SIZE=50%; fi
  if [[ -n $LAB_DISK_SIZE ]] && ! mountpoint -q "$LAB_DISK"; then
    mount -t tmpfs -o "mode=755,size=$LAB_DISK_SIZE" lab "$LAB_DISK"
  fi
  exec 9</proc/self/ns/net
  exec unshare --mount --net --pid --fork --kill-child --uts --ipc --cgroup bash "${BASH_SOURCE[0]}" init
}

init() {
  local cgroups
  note_pid "$state/pid"
  cgroups=$(hierarchies)
  plug_in
  prepare_disk
  enter_root "$cgroups"
  hostname "$node"
  ip link set lo up
  for service in $LAB_SERVICES; do "start_$service"; done
  : >/run/lab/ready
  stay
}

# The NICs: veth pairs, their other ends on the switches. Descriptor 9 is the switches' network namespace.
plug_in() {
  local nic name segment mac old="" new=""
  for nic in $LAB_NICS; do
    IFS== read -r name segment mac <<<"$nic"
    old+="link del $node-$name"$'\n'
    new+="link add $node-$name type veth peer name $name address $mac netns 1"$'\n'
    new+="link set $node-$name master $segment up"$'\n'
  done
  # After a power cut the old ones may still be there.
  on_switch -batch - <<<"$new" 2>/dev/null || {
    on_switch -force -batch - <<<"$old" 2>/dev/null || true
    on_switch -batch - <<<"$new"
  }
  for nic in $LAB_NICS; do
    name=${nic%%=*}
    # How the switch's port was left.
    [[ ! -e $state/$name.port ]] || on_switch -force -batch "$state/$name.port" 2>/dev/null || true
  done
  exec 9<&-
}

on_switch() { nsenter --net=/proc/self/fd/9 ip "$@"; }

prepare_disk() {
  if [[ ! -e $LAB_DISK/complete ]]; then
    rm -rf "$LAB_DISK"/{upper,work,root}
    mkdir -p "$LAB_DISK"/{upper,work,root}
    cp -a "$LAB_STATE/skeleton/." "$LAB_DISK/upper/"
  fi
  # A power cut leaves this mark of a volatile overlay; the kernel that wrote the files is still the same.
  rm -rf "$LAB_DISK/work/work/incompat"
  mount -t overlay -o "lowerdir=/,upperdir=$LAB_DISK/upper,workdir=$LAB_DISK/work,volatile" lab "$LAB_DISK/root"
  [[ -e $LAB_DISK/complete ]] || fill_disk "$LAB_DISK/root"
  : >"$LAB_DISK/complete"
}

fill_disk() { # ROOT
  local path folders=()
  for path in "${hidden[@]}"; do
    [[ ! -e /$path || -e $1/$path ]] || folders+=("$1/$path")
  done
  mkdir "${folders[@]}"
  mkdir -p "$1"/var/log/libvirt/{qemu,lxc} "$1"/var/lib/libvirt/{images,boot} "$1/etc/libvirt/qemu/networks"
  mkdir -p "$1/var/cache/libvirt/qemu"
  chmod 1777 "$1/var/tmp"
  cp /usr/share/libvirt/networks/default.xml "$1/etc/libvirt/qemu/networks/" 2>/dev/null || true
  # What libvirt of an earlier lab found out about QEMU; it asks again where that is out of date.
  cp -r "$LAB_STATE/capabilities" "$1/var/cache/libvirt/qemu/" 2>/dev/null || true
  cp -r --preserve=mode --remove-destination "$state/files/." "$1/"
  chmod 700 "$1/root"
}

enter_root() { # HIERARCHIES
  cd "$LAB_DISK/root"
  mount_table "proc $PWD/proc proc defaults 0 0
sysfs $PWD/sys sysfs defaults 0 0
run $PWD/run tmpfs mode=755 0 0
tmp $PWD/tmp tmpfs mode=1777 0 0
dev $PWD/dev tmpfs mode=755,size=1m 0 0
"
  mount_cgroups "$1"
  make_devices
  # Not through the overlay, which does not see all that the machine changes below it.
  mkdir -p var/cache/pulumi-kvm-lab
  mount --bind /var/cache/pulumi-kvm-lab var/cache/pulumi-kvm-lab
  rm -rf "$state/libvirt"
  mkdir -p "$state/libvirt" run/{lock,lab,libvirt,sshd,network,old}
  cp "${BASH_SOURCE[0]}" "$state/boot.sh"
  mount --bind "$state" run/lab
  mount --bind "$state/libvirt" run/libvirt
  pivot_root . run/old
  cd /
  umount -l /run/old
  rmdir /run/old
  state=/run/lab
}

# Without /dev/kvm, so that guests are emulated, and without the machine's disks.
make_devices() {
  local name devices=()
  for name in null zero full random urandom tty fuse loop-control vhost-net; do
    [[ ! -c /dev/$name ]] || devices+=("/dev/$name")
  done
  mkdir dev/{pts,shm,mqueue,net}
  cp -a "${devices[@]}" dev/
  [[ ! -c /dev/net/tun ]] || cp -a /dev/net/tun dev/net/
  mount_table "devpts $PWD/dev/pts devpts newinstance,ptmxmode=0666,mode=620,gid=5 0 0
shm $PWD/dev/shm tmpfs mode=1777 0 0
mqueue $PWD/dev/mqueue mqueue defaults 0 0
"
  ln -s pts/ptmx /proc/self/fd dev/
  for name in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${name%:*}" "dev/${name#*:}"; done
}

# ---- services --------------------------------------------------------------------------------------------------------

# Without a search for duplicates, which keeps new addresses from being used for a second or two.
start_addresses() {
  local nic
  for nic in all $LAB_NICS; do echo "net.ipv6.conf.${nic%%=*}.accept_dad=0"; done | sysctl -qp -
  ip -batch /etc/lab/addresses
}

start_forwarding() { sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; }

start_no_forwarding() { sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0; }

start_dnsmasq() { dnsmasq --conf-file=/etc/lab/dnsmasq.conf; }

start_httpd() { busybox httpd -p 80 -h /srv/lab; }

start_ifupdown() { ifup -a; }

start_dbus() {
  mkdir -p /run/dbus
  dbus-daemon --system --fork --nopidfile
}

# It waits for udev, which does not run here, unless /sys is read-only.
without_udev() { unshare --mount sh -c 'mount -o remount,bind,ro /sys && exec "$@"' sh "$@"; }

start_networkd() {
  mkdir -p /run/systemd/netif
  chown systemd-network: /run/systemd/netif
  without_udev /lib/systemd/systemd-networkd >/var/log/networkd.log 2>&1 &
  /lib/systemd/systemd-networkd-wait-online --any --timeout=10 || true
}

start_networkmanager() {
  without_udev NetworkManager --no-daemon >/var/log/networkmanager.log 2>&1 &
  nm-online --quiet --timeout=10 || true
}

start_sshd() { /usr/sbin/sshd -E /var/log/sshd.log; }

start_libvirt() {
  virtlogd >>/var/log/libvirt/virtlogd.log 2>&1 &
  start_libvirtd
}

start_libvirtd() {
  local try
  rm -f /run/libvirt/libvirt-sock
  setsid libvirtd >>/var/log/libvirt/libvirtd.log 2>&1 </dev/null &
  for ((try = 0; try < 1000; try++)); do
    [[ ! -S /run/libvirt/libvirt-sock ]] || return 0
    sleep 0.02
  done
  echo "libvirtd does not listen: $(tail -n 5 /var/log/libvirt/libvirtd.log)" >&2
  return 1
}

"$@"
