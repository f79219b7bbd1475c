/**
 * Everything that is to be known of a machine's network, asked in one command. Arguments: the bridge's name. It only
 * reads.
 *
 * Each section is RS, its name, a newline, what was printed, US, and the exit code.
 */
export const LOOK = `
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/run/current-system/sw/bin LC_ALL=C
export PATH LC_ALL
section() { printf '\\036%s\\n' "$1"; shift; "$@" 2>/dev/null; printf '\\037%s' "$?"; }

programs() {
  for program in ip bridge setsid ping dhclient dhcpcd udhcpc; do
    command -v "$program" >/dev/null && printf '%s\\n' "$program"
  done
  :
}

# What the kernel has, or could load, for links of a kind: a link of it, a module, a part of the kernel.
kinds() {
  [ -e /proc/net/bonding ] || [ -d /sys/module/bonding ] || modprobe -qn bonding && echo bond
  [ -e /proc/net/vlan ] || [ -d /sys/module/8021q ] || modprobe -qn 8021q && echo vlan
  :
}

sysctls() { grep -sH "" /proc/sys/net/ipv6/conf/*/accept_ra; :; }

# DHCP clients of this network and what they were started with. Those of network managers are parts of them.
clients() {
  own=$(readlink /proc/self/ns/net)
  for comm in /proc/[0-9]*/comm; do
    read -r name <"$comm" || continue
    case $name in dhclient | dhcpcd | udhcpc) ;; *) continue ;; esac
    [ "$(readlink "\${comm%comm}ns/net")" = "$own" ] && tr '\\000' ' ' <"\${comm%comm}cmdline" && echo
  done
  :
}

# libvirt's networks, also those that do not run.
networks() { cat /etc/libvirt/qemu/networks/*.xml; :; }

# How far a change of ours is that is under way, and its token.
stage() {
  token=$(readlink /run/pulumi-kvm/network/change) || return 1
  for file in "/run/pulumi-kvm/network/$token"/stage.*; do echo "$token \${file##*.}"; done
}

section user id -u
section links ip -j -d link
section addresses ip -j -d addr
section routes4 ip -j -d -4 route show table all
section routes6 ip -j -d -6 route show table all
section rules4 ip -j -4 rule
section rules6 ip -j -6 rule
section vlans bridge -j vlan show
section programs programs
section kinds kinds
section sysctls sysctls
section clients clients
section networks networks
section resolver cat /etc/resolv.conf
section client printenv SSH_CONNECTION
section stage stage
section last cat /run/pulumi-kvm/network/last
section before cat "/run/pulumi-kvm/network/before-$1"
`;
