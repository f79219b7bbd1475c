import type { BalancerProgram } from "./model";
import { placesOf } from "./model";

/** What has a service manager run a supervisor. */
export interface ServiceFile {
  path: string;
  content: string;
  mode: number;
}

/** The service's file for a manager; undefined where none is written for it. */
export function serviceFile(manager: string, program: BalancerProgram, name: string): ServiceFile | undefined {
  const { folder, run, service } = placesOf(program, name);
  const what = program === "haproxy" ? "HAProxy" : "keepalived";
  switch (manager) {
    case "systemd":
      return { path: `/etc/systemd/system/${service}.service`, mode: 0o644, content: unit(what, name, folder, run) };
    case "SysV init":
      return { path: `/etc/init.d/${service}`, mode: 0o755, content: initScript(what, name, service, folder, run) };
  }
  return undefined;
}

// KillMode=mixed: what a killed supervisor leaves is killed with it, and the next one clears up after it.
function unit(what: string, name: string, folder: string, run: string): string {
  return `# Written by pulumi-kvm for the balancer ${name}.
[Unit]
Description=${what} of the balancer ${name}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh ${folder}/current/supervise ${folder} ${run}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
Restart=always
RestartSec=100ms
TimeoutStopSec=15s
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
`;
}

function initScript(what: string, name: string, service: string, folder: string, run: string): string {
  return `#!/bin/sh
# Written by pulumi-kvm for the balancer ${name}.
### BEGIN INIT INFO
# Provides:          ${service}
# Required-Start:    $network $remote_fs
# Required-Stop:     $network $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: ${what} of the balancer ${name}
### END INIT INFO
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
run=${run}

pid() { pid=$(cat "$run/supervisor" 2>/dev/null) && grep -qs supervise "/proc/$pid/cmdline"; }

case "$1" in
  start)
    pid && exit 0
    setsid /bin/sh ${folder}/current/supervise ${folder} "$run" </dev/null >/dev/null 2>&1 &
    n=0
    until pid; do
      n=$((n + 1))
      [ $n -lt 100 ] || exit 1
      sleep 0.05
    done ;;
  stop)
    pid || exit 0
    kill -TERM "$pid"
    n=0
    while kill -0 "$pid" 2>/dev/null; do
      n=$((n + 1))
      [ $n -lt 200 ] || exit 1
      sleep 0.05
    done ;;
  restart) "$0" stop && "$0" start ;;
  reload | force-reload) pid || exit 7; kill -HUP "$pid" ;;
  status) pid || exit 3 ;;
  *) echo "usage: $0 start|stop|restart|reload|force-reload|status" >&2; exit 2 ;;
esac
`;
}
