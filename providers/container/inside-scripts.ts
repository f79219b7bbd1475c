import { FIND_INIT } from "../machine/lxc-machine";
import { rootInit } from "../schema/root-filesystem";

/** Sets $init to the pid of the container's process 1, below the libvirt_lxc process "$1". */
const FIND = `
PATH=$PATH:/usr/sbin:/sbin
${FIND_INIT}
init=$kvm_i
[ -n "$init" ] || exit 3
`;

/**
 * Runs on the host. Prints a text that tells one start from another, "up" or what the container's init is doing, its
 * links as \`ip -j addr\` does, and its TCP sockets. It needs nothing inside but a systemd's own systemctl.
 */
export const FACTS = `${FIND}
fields=$(sed 's/.*) //' "/proc/$init/stat") || exit 3
set -- $fields
read -r boot </proc/sys/kernel/random/boot_id
echo "$boot-\${20}"
# Whether it is still on its way is told by what stays the same while it is looked at: exec sets both one after the other.
first=$(readlink "/proc/$init/exe")
words=$(tr '\\0' ' ' <"/proc/$init/cmdline")
program=$(readlink "/proc/$init/exe")
case $program/$words in
  */libvirt_lxc/*) echo "libvirt is starting it" ;;
  */ | *${rootInit}*) echo "it has not come to its init" ;;
  */systemd/*)
    state=$(nsenter --target "$init" --all timeout 5 systemctl is-system-running 2>/dev/null)
    case $state in
      starting | running | degraded | maintenance) echo up ;;
      *) echo "systemd is \${state:-coming up}" ;;
    esac ;;
  *) if [ "$first" = "$program" ]; then echo up; else echo "it has not come to its init"; fi ;;
esac
nsenter --target "$init" --net ip -j addr || exit 3
cat "/proc/$init/net/tcp" "/proc/$init/net/tcp6" 2>/dev/null
:`;

/** Runs on the host, in the container's network. Arguments: leader, address, port, path. Prints the answer's first line. */
export const HTTP = `${FIND}
get='exec 3<>"/dev/tcp/$1/$2" && printf "GET %s HTTP/1.0\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n" "$3" "$1" >&3 &&
  read -r line <&3 && printf "%s\\n" "$line"'
nsenter --target "$init" --net timeout 3 bash -c "$get" bash "$2" "$3" "$4" 2>&1 | sed '1!d; s/^bash: //'
:`;

/**
 * Runs inside. Arguments: MAC address, name, addresses and routes ("TO VIA") by lines. libvirt leaves what it plugs in
 * without a name, down, and without addresses.
 */
export const CONFIGURE_NIC = `
mac=$1 name=$2 addresses=$3 routes=$4
for link in /sys/class/net/*; do
  read -r address <"$link/address" && [ "$address" = "$mac" ] && nic=\${link##*/}
done
[ -n "\${nic-}" ] || { echo "no NIC has the address $mac" >&2; exit 1; }
networkd() { [ -d /run/systemd/netif ] && command -v networkctl >/dev/null; }
file=/run/systemd/network/10-$name.network
if networkd; then
  mkdir -p "\${file%/*}"
  rm -f "$file"
  [ -z "$addresses" ] || {
    printf '[Match]\\nName=%s\\n\\n[Network]\\nIPv6AcceptRA=no\\n' "$name"
    echo "$addresses" | sed 's/^/Address=/'
    [ -z "$routes" ] || echo "$routes" | sed 's|^\\([^ ]*\\) \\(.*\\)|\\n[Route]\\nDestination=\\1\\nGateway=\\2|'
  } >"$file"
fi
if [ "$nic" != "$name" ]; then
  ip link set dev "$nic" down
  ip link set dev "$nic" name "$name" || exit
fi
if networkd; then
  for family in -4 -6; do ip "$family" route flush dev "$name" proto boot; done
  networkctl reload
  ip link set dev "$name" up
  networkctl reconfigure "$name"
else
  ip address flush dev "$name" scope global
  ip link set dev "$name" up
  for address in $addresses; do ip address add "$address" dev "$name" || exit; done
  [ -z "$routes" ] || echo "$routes" | while read -r to via; do ip route replace "$to" via "$via" dev "$name"; done
fi`;
