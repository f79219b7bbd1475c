import { BASE, passMark, table } from "./ruleset";

/** Where the forwards of a host are kept, one file each. */
export const forwardsFolder = "/etc/pulumi-kvm/port-forwards";

/** Where libvirt runs our script from whenever a network has started (libvirt 6.5, https://libvirt.org/hooks.html). */
export const hookFile = "/etc/libvirt/hooks/network.d/pulumi-kvm-port-forwards";

/** Exit code of `change` when others changed the forwards since they were looked at. */
export const CHANGED = 75;

/**
 * Everything that is done on a host for its forwards, in one script that is kept there as libvirt's hook, too.
 *
 *   script                              makes the kernel's rules what the files say, by hand
 *   script NETWORK started begin -      ... by libvirt, after the network's start: also at the host's boot
 *   script look                         tells of the host what port forwards depend on, as sections
 *   script change DIGEST SCRIPT         writes and removes files as standard input says, then makes the rules: all or
 *                                       nothing. DIGEST is that of the files that the change was made for; SCRIPT becomes
 *                                       the hook.
 *
 * The rules in our table decide alone what is forwarded, but a packet has to pass libvirt's rules beside them, and those
 * reject what comes in to a NAT network. So two rules of ours stand before libvirt's own, for packets that our table has
 * marked: first libvirt's chain for what guests may send, which keeps guests of isolated networks inside, then accept.
 * They stand where libvirt puts its jumps (the iptables chain FORWARD, or the chain "forward" of the tables
 * libvirt_network since 10.4), because libvirt adds those once and leaves them alone when networks or daemons restart.
 * Where libvirt's come first again, such as at a boot, a network was started, and the hook runs. What others put before
 * ours, such as an administrator's own rules, stays there.
 */
export const HOST_SCRIPT = `#!/bin/sh
# The port forwards of pulumi-kvm, which are the files in /etc/pulumi-kvm/port-forwards.
# libvirt runs this when a network has started. By hand, without arguments, it restores the rules.
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin LC_ALL=C
export PATH LC_ALL
umask 022
forwards=${forwardsFolder}
hook=${hookFile}
state=/run/pulumi-kvm
applied=$state/port-forwards
nl='
'

# ---- the rules before libvirt's ----

iptables_match='-m mark --mark ${passMark}/${passMark} -m comment --comment pulumi-kvm'
iptables_rules="-A FORWARD $iptables_match -j LIBVIRT_FWO$nl-A FORWARD $iptables_match -j ACCEPT"

# Reads the chain into $rules; fails where libvirt has none there.
iptables_read() { # PROGRAM
  command -v "$1" >/dev/null || return 1
  rules=$("$1" -w 10 -S FORWARD 2>/dev/null) || return 1
}
iptables_has_libvirt() { case $rules in *"-j LIBVIRT_FWI"*) ;; *) return 1 ;; esac; }
iptables_is_ahead() {
  before=\${rules%%"$iptables_rules"*}
  [ "$before" != "$rules" ] || return 1
  case $before in *"-j LIBVIRT_"*) return 1 ;; esac
}
iptables_write() { # PROGRAM [NEW RULES]
  {
    echo '*filter'
    printf '%s\\n' "$rules" | sed -n '/ --comment pulumi-kvm -j /s/^-A /-D /p'
    [ -z "$2" ] || printf '%s\\n' "-I FORWARD 1 $iptables_match -j ACCEPT" "-I FORWARD 1 $iptables_match -j LIBVIRT_FWO"
    echo COMMIT
  } | "$1-restore" -w 10 -n
}

# Reads the rules of the chain into $rules, without its first lines.
nftables_read() { # FAMILY
  rules=$(nft -a list chain "$1" libvirt_network forward 2>/dev/null) || return 1
  rules=$(printf '%s\\n' "$rules" | sed -n '/^\\t\\ttype /d; s/^\\t\\t//p')
}
nftables_is_ahead() {
  printf '%s\\n' "$rules" | awk '
    / comment "pulumi-kvm"/ { if (/ jump guest_output /) jump = NR; else if (jump && NR == jump + 1) accept = NR; next }
    / jump guest_/ && !libvirt { libvirt = NR }
    END { exit !(accept && (!libvirt || accept < libvirt)) }
  '
}
nftables_write() { # FAMILY [NEW RULES]
  {
    printf '%s\\n' "$rules" | sed -n "/ comment \\"pulumi-kvm\\"/s/.*# handle /delete rule $1 libvirt_network forward handle /p"
    [ -z "$2" ] || for verdict in accept 'jump guest_output'; do
      echo "insert rule $1 libvirt_network forward meta mark & ${passMark} == ${passMark} $verdict comment \\"pulumi-kvm\\""
    done
  } | nft -f -
}

# Prints, for each place with rules of libvirt's, whether ours are ahead of them.
tell_places() {
  for program in iptables ip6tables; do
    iptables_read $program && iptables_has_libvirt || continue
    if iptables_is_ahead; then echo "$program ahead"; else echo "$program behind"; fi
  done
  for family in ip ip6; do
    nftables_read $family || continue
    if nftables_is_ahead; then echo "nftables-$family ahead"; else echo "nftables-$family behind"; fi
  done
}
go_ahead() {
  for program in iptables ip6tables; do
    iptables_read $program && iptables_has_libvirt || continue
    iptables_is_ahead || iptables_write $program yes || return 1
  done
  for family in ip ip6; do
    nftables_read $family || continue
    nftables_is_ahead || nftables_write $family yes || return 1
  done
}
stand_back() {
  for program in iptables ip6tables; do
    iptables_read $program || continue
    case $rules in *" --comment pulumi-kvm -j "*) iptables_write $program "" ;; esac
  done
  for family in ip ip6; do
    nftables_read $family || continue
    case $rules in *' comment "pulumi-kvm"'*) nftables_write $family "" ;; esac
  done
}

# ---- the table ----

ruleset() {
  cat <<'END'
${BASE}END
  echo "include \\"$forwards/*.nft\\""
}
files() { for file in "$forwards"/*.nft; do [ ! -f "$file" ] || printf '%s\\n' "$file"; done; }
digests() { (cd "$forwards" 2>/dev/null && set -- *.nft && [ -f "$1" ] && sha256sum -- "$@"); }
rules_in_force() { nft -s list table ${table} 2>/dev/null; }
state_now() { digests; rules_in_force; }

make_table() {
  ruleset | nft -f - || return 1
  mkdir -p "$state" && state_now >"$applied.new" && mv -f "$applied.new" "$applied"
}
apply() {
  if [ -n "$(files)" ]; then
    make_table && go_ahead
  else
    stand_back
    ! rules_in_force >/dev/null || nft delete table ${table}
    rm -f "$applied" "$hook"
    rmdir "$forwards" "\${forwards%/*}" "\${hook%/*}" 2>/dev/null || :
  fi
}
# Until this process ends. The folder goes with the last forward: a lock on one that is gone is none.
lock() {
  while :; do
    mkdir -p "$forwards" && exec 9<"$forwards" && flock -w 20 9 || return 1
    [ ! "$forwards" -ef /proc/self/fd/9 ] || return 0
  done
}

# As a hook: what is in order is left alone, and a failure is no reason to stop the network.
restore() {
  exec </dev/null
  [ -n "$(files)" ] && lock || exit 0
  said=$({ { [ "$(state_now)" = "$(cat "$applied" 2>/dev/null)" ] || make_table; } && go_ahead; } 2>&1) ||
    logger -t pulumi-kvm "port forwards: $said" 2>/dev/null
  exit 0
}

# ---- for pulumi ----

section() { printf '\\036%s\\n' "$1"; shift; "$@" 2>/dev/null; printf '\\037%s' "$?"; }
programs() { for program in nft flock ss; do ! command -v $program >/dev/null || echo $program; done; }
knobs() { grep -sH '' /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding; }
libvirt_version() { virtnetworkd --version || libvirtd --version; }
default_routes() { ip -j -4 route show default && ip -j -6 route show default; }
# firewalld's own table, or its chains where it uses iptables; then what it says of others' port forwards.
firewalld() {
  if nft list tables | grep -q ' firewalld$'; then
    echo nftables
  elif iptables -S FORWARD | grep -q FORWARD_direct; then
    echo iptables
  else
    return 1
  fi
  grep -i '^ *StrictForwardPorts *= *\\(yes\\|true\\)' /etc/firewalld/firewalld.conf
  :
}
look() {
  section user id -u
  section programs programs
  section libvirt libvirt_version
  section addresses ip -j addr
  section defaults default_routes
  section sockets ss -Hltunp
  section knobs knobs
  section firewalld firewalld
  section hook test -x "$hook"
  section places tell_places
  section digests digests
  section applied cat "$applied"
  section rules rules_in_force
  files | while read -r file; do section "file \${file##*/}" cat "$file"; done
}

change() { # DIGEST SCRIPT
  lock || { echo "others are at work on the port forwards" >&2; exit 1; }
  if [ "$(digests | sha256sum | cut -c1-64)" != "$1" ]; then look; exit ${CHANGED}; fi
  saved=$(mktemp -d) || exit 1
  cp -p "$forwards"/*.nft "$saved" 2>/dev/null
  [ ! -e "$hook" ] || cp -p "$hook" "$saved/hook"
  if write && install_hook "$2" && apply; then
    rm -rf "$saved"
    look
    exit 0
  fi
  # As it was.
  mkdir -p "$forwards"
  rm -f "$forwards"/* "$forwards"/.[!.]*
  cp -p "$saved"/*.nft "$forwards" 2>/dev/null
  [ ! -e "$saved/hook" ] || cp -p "$saved/hook" "$hook"
  rm -rf "$saved"
  apply >/dev/null 2>&1
  exit 1
}
# Standard input holds "put ID" with the lines of the file below it, and "remove ID".
write() {
  awk -v folder="$forwards" '
    $1 == "put" || $1 == "remove" { if (file) close(file); file = folder "/." $2; print; next }
    { print >file }
  ' >"$saved/orders" || return 1
  while read -r order id; do
    case $order in
      put) sync "$forwards/.$id" && mv -f "$forwards/.$id" "$forwards/$id.nft" || return 1 ;;
      remove) rm -f "$forwards/$id.nft" || return 1 ;;
    esac
  done <"$saved/orders"
  sync "$forwards"
}
install_hook() { # SCRIPT
  [ "$(cat "$hook" 2>/dev/null)" != "$1" ] || [ ! -x "$hook" ] || return 0
  mkdir -p "\${hook%/*}" && printf '%s\\n' "$1" >"\${hook%/*/*}/.pulumi-kvm" && chmod 755 "\${hook%/*/*}/.pulumi-kvm" &&
    sync "\${hook%/*/*}/.pulumi-kvm" && mv -f "\${hook%/*/*}/.pulumi-kvm" "$hook" || return 1
  [ ! -e /sys/fs/selinux/enforce ] || ! command -v restorecon >/dev/null || restorecon -R "\${hook%/*}" || :
}

case $#:\${2-}:\${3-} in
  4:started:begin) restore ;;
  4:*:begin | 4:*:end | 4:*:-) exit 0 ;;
esac
case \${1-apply} in
  look) look ;;
  change) shift; change "$@" ;;
  apply) lock && apply ;;
  *) echo "usage: $0" >&2; exit 2 ;;
esac`;
