import { unitMark } from "../java/installation";
import { milliseconds } from "../schema/duration";
import { javaHome, layoutOf, type TomcatModel } from "./model";

/** The systemd unit of a server; after Debian's own for tomcat10. */
export function unitFile(model: TomcatModel): string {
  const { unit, current, contexts, webapps } = layoutOf(model.name);
  // Time for its requests, then as much again for its applications to end.
  const stop = 30 + Math.ceil((2 * milliseconds(model.drain)) / 1000);
  return `${unitMark}
[Unit]
Description=Tomcat ${model.name}
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
User=tomcat
Group=tomcat
UMask=0027
ExecStart=${javaHome} @${current}/conf/java.options @${current}/conf/jmx.options org.apache.catalina.startup.Bootstrap start
WorkingDirectory=/srv/pulumi-kvm/${unit}
SuccessExitStatus=143
TimeoutStopSec=${stop}
Restart=on-failure
RestartSec=1
SyslogIdentifier=${unit}
LimitNOFILE=65536
RuntimeDirectory=${unit}
RuntimeDirectoryMode=0700
LogsDirectory=${unit}
LogsDirectoryMode=0750
CacheDirectory=${unit} ${unit}/work ${unit}/temp
CacheDirectoryMode=0750
AmbientCapabilities=CAP_NET_BIND_SERVICE
NoNewPrivileges=true
PrivateTmp=yes
ProtectSystem=strict
ReadWritePaths=${contexts} ${webapps}

[Install]
WantedBy=multi-user.target
`;
}
