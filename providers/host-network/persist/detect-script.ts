/**
 * Prints what tells how a host keeps its network, for one link ($1) or, without one, for that of the default route:
 *
 *   link NAME            what is looked at
 *   file PATH            the .network file that networkd gave it
 *   nm STATE             what NetworkManager does with it
 *   running COMMAND      systemd-network, NetworkManager: of this network namespace
 *   iface NAME           an interface of ifupdown
 *   ifcfg NAME           one of RHEL's network scripts
 *   netplan              there are netplan's files
 *   program NAME         ifup, netplan
 */
export const DETECT = `
link=\${1:-$(ip route show default 2>/dev/null | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p' | head -n 1)}
[ -n "$link" ] || link=$(ip -6 route show default 2>/dev/null | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p' | head -n 1)
[ -z "$link" ] || echo "link $link"
ours=$(readlink /proc/self/ns/net)
for comm in /proc/[0-9]*/comm; do
  read -r name <"$comm" || continue
  case $name in
  systemd-network | NetworkManager)
    [ "$(readlink "\${comm%comm}ns/net")" != "$ours" ] || echo "running $name"
    ;;
  esac
done 2>/dev/null
if [ -n "$link" ] && read -r index <"/sys/class/net/$link/ifindex"; then
  sed -n 's/^NETWORK_FILE=/file /p' "/run/systemd/netif/links/$index"
fi 2>/dev/null
if [ -n "$link" ] && command -v nmcli >/dev/null; then
  state=$(LC_ALL=C timeout 10 nmcli -g GENERAL.STATE device show "$link" | head -n 1)
  echo "nm $state"
fi 2>/dev/null
grep -rhsE '^[[:space:]]*iface[[:space:]]' /etc/network/interfaces /etc/network/interfaces.d |
  sed 's/^[[:space:]]*iface[[:space:]]*\\([^[:space:]]*\\).*/iface \\1/'
for path in /etc/sysconfig/network-scripts/ifcfg-*; do
  [ ! -e "$path" ] || echo "ifcfg \${path##*/ifcfg-}"
done
for path in /etc/netplan/*.yaml /run/netplan/*.yaml /lib/netplan/*.yaml; do
  [ ! -e "$path" ] || { echo netplan; break; }
done
for name in ifup netplan; do
  ! command -v "$name" >/dev/null || echo "program $name"
done
`;
