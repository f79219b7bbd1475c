/**
 * Runs HAProxy and starts it again when it ends. Arguments: folder of configurations, folder of sockets. SIGHUP reloads
 * without closing a socket, SIGTERM ends. The file `state` says to keepalived whether HAProxy answers: 0, or -254.
 */
export const HAPROXY_SUPERVISE = `#!/bin/sh
# Written by pulumi-kvm: keeps HAProxy running, and tells keepalived at once when it does not.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
folder=$1 run=$2 child= stopping= pause=0.05
umask 022
mkdir -p "$run"
echo $$ >"$run/supervisor"

say() { [ "$(cat "$run/state" 2>/dev/null)" = "$1" ] || echo "$1" >"$run/state"; }

stop() {
  stopping=yes
  say -254
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap stop TERM INT
trap '[ -z "$child" ] || kill -USR2 "$child" 2>/dev/null' HUP

# What an earlier supervisor has left.
end_group() { kill -KILL -- "-$1" 2>/dev/null; }
[ ! -s "$run/group" ] || end_group "$(cat "$run/group")"

answers() { curl --silent --fail --max-time 1 --output /dev/null --unix-socket "$run/health.sock" http://localhost/; }

while :; do
  say -254
  [ "$(stat -c %s "$run/log" 2>/dev/null || echo 0)" -lt 1000000 ] || : >"$run/log"
  setsid haproxy -W -f "$folder/current/haproxy.cfg" -p "$run/pid" </dev/null >>"$run/log" 2>&1 &
  child=$!
  echo "$child" >"$run/group"
  (
    trap - TERM INT HUP
    while kill -0 "$child" 2>/dev/null; do
      if answers; then say 0; exit; fi
      sleep 0.02
    done
  ) &
  waiter=$!
  while kill -0 "$child" 2>/dev/null; do wait "$child"; done
  kill "$waiter" 2>/dev/null
  say -254
  end_group "$child"
  [ -z "$stopping" ] || { rm -f "$run/pid" "$run/group" "$run/supervisor"; exit 0; }
  echo "haproxy ended; started again in $pause s" >>"$run/log"
  sleep "$pause"
  case $pause in 0.05) pause=0.5 ;; 0.5) pause=1 ;; *) pause=2 ;; esac
done
`;

/**
 * Runs keepalived and starts it again when it ends. Where it was killed, its addresses are still there: they go once the
 * other balancer has had the time to take over, and before keepalived comes again, so that no two have them.
 */
export const KEEPALIVED_SUPERVISE = `#!/bin/sh
# Written by pulumi-kvm: keeps keepalived running, and takes its addresses off the machine when it was killed.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
folder=$1 run=$2 child= stopping= pause=0
umask 022
mkdir -p "$run"
echo $$ >"$run/supervisor"
trap 'stopping=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT
trap '[ -z "$child" ] || kill -HUP "$child" 2>/dev/null' HUP

end_group() { kill -KILL -- "-$1" 2>/dev/null; }

release() {
  while read -r device address; do
    ip address delete "$address" dev "$device" 2>/dev/null
  done <"$folder/current/addresses"
  rm -f "$run"/*.router "$run"/*.since "$run"/*.tenure
}

[ ! -s "$run/group" ] || end_group "$(cat "$run/group")"
release
while :; do
  [ "$(stat -c %s "$run/log" 2>/dev/null || echo 0)" -lt 1000000 ] || : >"$run/log"
  setsid keepalived --dont-fork --vrrp --dont-respawn --log-console --no-syslog --log-detail \\
    --use-file="$folder/current/keepalived.conf" --pid="$run/pid" --vrrp_pid="$run/vrrp.pid" \\
    </dev/null >>"$run/log" 2>&1 &
  child=$!
  echo "$child" >"$run/group"
  while kill -0 "$child" 2>/dev/null; do wait "$child"; done
  end_group "$child"
  if [ -n "$stopping" ]; then
    release
    rm -f "$run/pid" "$run/vrrp.pid" "$run/group" "$run/supervisor"
    exit 0
  fi
  sleep "$(cat "$folder/current/patience")"
  release
  rm -f "$run/pid" "$run/vrrp.pid"
  echo "keepalived ended; started again in $pause s" >>"$run/log"
  sleep "$pause"
  case $pause in 0) pause=0.5 ;; 0.5) pause=1 ;; *) pause=2 ;; esac
done
`;

/**
 * Exit code 0 when HAProxy answers: folder of keepalived's states, folder of HAProxy's sockets (none: 0). Before that it
 * takes from the priority of a router by how long it has been the master: eight for each doubling of the time, at most
 * 240. When two masters meet after a partition, the one that took over later wins, to which the traffic goes already: VRRP
 * itself would hand it back to the older one, a second outage.
 */
export const KEEPALIVED_CHECK = `#!/bin/sh
# Written by pulumi-kvm: asks HAProxy, and makes older masters yield to newer ones.
run=$1 haproxy=$2
read -r now rest </proc/uptime
now=\${now%%.*}
for since in "$run"/*.since; do
  [ -e "$since" ] || continue
  read -r then <"$since" || continue
  n=$((now - then + 1)) level=0
  [ "$n" -ge 1 ] || n=1
  size=1
  while [ "$n" -ge $((size * 2)) ]; do size=$((size * 2)) level=$((level + 8)); done
  level=$((level + 8 * (n - size) / size))
  [ "$level" -le 240 ] || level=240
  file=\${since%.since}.tenure
  was=
  [ ! -e "$file" ] || read -r was <"$file" || was=
  [ "$was" = "-$level" ] || echo "-$level" >"$file"
done
[ -z "$haproxy" ] || exec curl --silent --fail --max-time 0.5 --output /dev/null \\
  --unix-socket "$haproxy/health.sock" http://localhost/
`;

/** Keeps what state a router is in, and since when it is the master: folder, then what keepalived says. */
export const KEEPALIVED_NOTIFY = `#!/bin/sh
# Written by pulumi-kvm: keeps the state of a virtual router. keepalived.conf(5): GROUP|INSTANCE, name, state, priority.
run=$1 name=$3 state=$4
umask 022
echo "$state" >"$run/$name.router"
if [ "$state" = MASTER ]; then
  read -r now rest </proc/uptime
  echo "\${now%%.*}" >"$run/$name.since"
else
  rm -f "$run/$name.since"
  [ ! -e "$run/$name.tenure" ] || echo 0 >"$run/$name.tenure"
fi
`;
