import { unitMark } from "../java/installation";
import { milliseconds } from "../schema/duration";
import { distributionHome } from "./distribution";
import { wildflyLayout, type WildFlyModel } from "./model";

/** Who WildFly runs as. */
export const account = "wildfly";

/** The systemd unit of a server. WildFly writes beside the configuration it reads: that is a copy, made anew at each start. */
export function unitFile(model: WildFlyModel): string {
  const { unit, current, data, logs, cache } = wildflyLayout(model.name);
  const home = distributionHome(model.distribution);
  const run = `/run/${unit}`;
  const places = { "home.dir": home, "server.base.dir": data, "server.config.dir": run };
  const more = { "server.data.dir": data, "server.log.dir": logs, "server.temp.dir": `${cache}/tmp` };
  const command = [
    ...["/usr/bin/java", `@${current}/java.options`, `-Dlogging.configuration=file:${run}/logging.properties`],
    ...["-jar", `${home}/jboss-modules.jar`, "-mp", `${home}/modules:${current}/modules`, "org.jboss.as.standalone"],
    ...Object.entries({ ...places, ...more }).map(([name, value]) => `-Djboss.${name}=${value}`),
    "--read-only-server-config=standalone.xml",
  ];
  const stop = 30 + Math.ceil(milliseconds(model.drain) / 1000);
  return `${unitMark}
[Unit]
Description=WildFly ${model.name}
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
User=${account}
Group=${account}
UMask=0027
ExecStartPre=/bin/cp ${current}/standalone.xml ${current}/logging.properties ${run}/
ExecStart=${command.join(" ")}
WorkingDirectory=${data}
SuccessExitStatus=143
TimeoutStopSec=${stop}
Restart=on-failure
RestartSec=1
SyslogIdentifier=${unit}
LimitNOFILE=65536
RuntimeDirectory=${unit}
RuntimeDirectoryMode=0700
StateDirectory=${unit}
StateDirectoryMode=0700
LogsDirectory=${unit}
LogsDirectoryMode=0750
CacheDirectory=${unit}
CacheDirectoryMode=0750
AmbientCapabilities=CAP_NET_BIND_SERVICE
NoNewPrivileges=true
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=yes

[Install]
WantedBy=multi-user.target
`;
}

/** What systemd-tmpfiles removes once a day: tmpfiles.d(5). */
export function tmpfilesConf({ name, logs }: WildFlyModel): string {
  return `${unitMark}\ne ${wildflyLayout(name).logs} - - - ${logs.days}d\n`;
}
