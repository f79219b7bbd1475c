/**
 * What there is on a machine, a line each, KEY=VALUE. Arguments: our folder of configurations, folder of sockets, the
 * distribution's own configuration, then the programs that are wanted.
 */
export const LOOK = `
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
folder=$1 run=$2 theirs=$3
shift 3
for program; do command -v "$program" >/dev/null || echo "missing=$program"; done
! grep -q . /proc/net/if_inet6 2>/dev/null || echo ipv6=yes
[ ! -L "$folder/current" ] || echo "current=$(readlink "$folder/current")"
! grep -Eqs '^[[:space:]]*(frontend|listen|vrrp_instance|virtual_server)[[:space:]]' "$theirs" || echo theirs=yes
! id -u haproxy >/dev/null 2>&1 || echo user=yes
ip -o address show scope global 2>/dev/null | while read -r number device family address rest; do
  echo "address=\${device%%@*} $address"
done
for file in "$run"/*.router; do
  [ ! -e "$file" ] || echo "router=$(basename "$file" .router) $(cat "$file")"
done`;

/** Makes configuration "$2" of folder "$1" the one that is read, in one move. */
export const ACTIVATE = `
set -e
ln -sfn "generations/$2" "$1/.current"
mv -T "$1/.current" "$1/current"
sync "$1" || :`;

/** Exit code 0 as soon as HAProxy says "$2" on socket "$1"; after "$3" seconds what was said last, and 1. */
export const ANSWERS = `
end=$(($(date +%s) + $3))
while :; do
  said=$(curl --silent --show-error --max-time 2 --unix-socket "$1" http://localhost/ 2>&1 || :)
  [ "$said" != "$2" ] || exit 0
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 0.05
done
printf '%s\\n' "$said" | head -n 3
exit 1`;

/** Exit code 0 as soon as keepalived runs and each router of "$3" and after is master or backup; after "$2" seconds 1. */
export const ELECTED = `
run=$1 end=$(($(date +%s) + $2))
shift 2
while :; do
  said=
  kill -0 "$(cat "$run/vrrp.pid" 2>/dev/null)" 2>/dev/null || said="keepalived does not run"
  for router; do
    state=$(cat "$run/$router.router" 2>/dev/null || echo "not begun")
    case $state in MASTER | BACKUP) ;; *) said="$router is $state" ;; esac
  done
  [ -n "$said" ] || exit 0
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 0.05
done
echo "$said"
exit 1`;

/** Hands standard input on to the socket of HAProxy's runtime API, and prints what it says. */
export const ASK = `exec socat -t 5 - "UNIX-CONNECT:$1"`;

/** Removes what is left of a balancer, and our folder around it when nothing else is in it. */
export const REMOVE = `
for place; do rm -rf -- "$place" || exit 1; done
rmdir --ignore-fail-on-non-empty /etc/pulumi-kvm 2>/dev/null || :`;

/** keepalived's check of generation "$1" of folder "$2", with the scripts that it brings in the place of the current ones. */
export const CHECK_KEEPALIVED = `
sed "s|$2/current/|$1/|g" "$1/keepalived.conf" >"$1/.checked" || exit
keepalived --config-test --use-file="$1/.checked"
status=$?
rm -f "$1/.checked"
exit $status`;

/** Who listens on TCP ports: a line each, of ss(8); none where that is missing. */
export const LISTENERS = `command -v ss >/dev/null || exit 0; exec ss -Hltnp`;
