/**
 * Everything the checks want to know of a machine, asked in one command, so that a host at the end of a slow line costs
 * one round trip. Arguments are the folders to look at. It only reads.
 *
 * Each section is RS, its name, a newline, what was printed, US, and the exit code. What only root may read is not asked
 * by others.
 */
export const PROBE = `
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/run/current-system/sw/bin LC_ALL=C
export PATH LC_ALL
section() { printf '\\036%s\\n' "$1"; shift; "$@" 2>/dev/null; printf '\\037%s' "$?"; }

programs() {
  for program in qemu-img dnsmasq iptables ebtables nft mmdebstrap mke2fs setfacl; do
    command -v "$program" >/dev/null && printf '%s\\n' "$program"
  done
  :
}

files() {
  grep -sH '' /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv6/conf/*/accept_ra \\
    /proc/sys/net/bridge/bridge-nf-call-iptables /sys/fs/selinux/enforce /etc/libvirt/network.conf /etc/os-release
  :
}

groups() {
  grep -E '^[^ ]+ [^ ]+ cgroup2? ' /proc/self/mounts
  [ ! -d /run/systemd/system ] || echo systemd
}
chains() { [ "$uid" = 0 ] && command -v nft >/dev/null && nft -j list chains; }
legacy() { [ "$uid" = 0 ] && grep -qx filter /proc/net/ip_tables_names && iptables-legacy -S; }

# The nearest folder that exists, without symbolic links, and every one that it is in, as ls -l tells them.
folder() {
  at=$1
  until [ -e "$at" ]; do at=\${at%/*}; at=\${at:-/}; done
  cd -P -- "$at" && at=$PWD
  set -- "$at"
  until [ "$at" = / ]; do at=\${at%/*}; at=\${at:-/}; set -- "$@" "$at"; done
  ls -ldn -- "$@"
  df -P -k -- "$1"
  [ -e /sys/fs/selinux/enforce ] && stat -c 'context %C' -- "$1"
  :
}

# Whom distributions let QEMU run as.
qemu() { id libvirt-qemu || id qemu; }

uid=$(id -u)
section user echo "$uid"
section qemu qemu
section kvm ls -ln /dev/kvm
section addresses ip -j -d addr
section routes4 ip -j -4 route
section routes6 ip -j -6 route
section programs programs
section files files
section chains chains
section legacy legacy
section writable test -w /proc/sys/net/ipv4/ip_forward
section groups groups
section client printenv SSH_CONNECTION
for folder; do section "folder $folder" folder "$folder"; done
`;
