# Boots a host out of namespaces: $1 is its disk, with folders for those of /etc that keep its network. Prints "up" when its links are there:
# eth0 and eth1, their other ends in the network namespace "lan". It is off when standard input ends.
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/network /run/dbus /run/systemd /run/lock /run/var /run/etc /run/etc.work
# What daemons write elsewhere in /etc is gone at the next boot.
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc.work overlay /etc
for folder in network NetworkManager netplan systemd/network; do
  mkdir -p "/etc/$folder"
  mount --bind "$1/etc/$folder" "/etc/$folder"
done
for folder in /var/lib/dhcp /var/lib/NetworkManager /var/lib/systemd; do
  [ ! -d "$folder" ] || mount --bind /run/var "$folder"
done
# Nobody else has its addresses, so nothing has to wait until that is certain.
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
ip netns add lan
for number in 0 1; do
  ip link add "eth$number" address "52:54:00:aa:00:1$number" type veth peer name "lan$number" address "52:54:00:aa:01:1$number" netns lan
done
ip -n lan link set lo up
for number in 0 1; do ip -n lan link set "lan$number" up; done
ip -n lan address add 192.168.155.1/24 dev lan0
ip -n lan address add fd00:155::1/64 dev lan0 nodad
# Daemons take a /sys that they cannot write for a container's, and then do not wait for udev.
mount -t sysfs -o ro sysfs /sys
echo up
exec cat >/dev/null
