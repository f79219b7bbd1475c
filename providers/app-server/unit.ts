import { milliseconds } from "../schema/duration";
import { appLayout, type AppServerModel } from "./model";

/** By this line we know a unit for ours. */
export const unitMark = "# Made by pulumi-kvm.";

/** The systemd unit of a program: systemd.service(5), systemd.exec(5). */
export function appUnit(model: AppServerModel): string {
  const { unit, current, environment } = appLayout(model.name);
  const user = model.user === undefined ? "DynamicUser=yes" : `User=${model.user}`;
  return `${unitMark}
[Unit]
Description=Application ${model.name}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
${user}
WorkingDirectory=${current}
EnvironmentFile=${environment}
ExecStart=${model.command.map((word) => quoted(beside(word, current))).join(" ")}
TimeoutStopSec=${Math.max(1, Math.ceil(milliseconds(model.drain) / 1000))}
Restart=always
RestartSec=1
SyslogIdentifier=${unit}
StateDirectory=${unit}
AmbientCapabilities=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=yes

[Install]
WantedBy=multi-user.target
`;
}

/** The file of its environment, which systemd reads as root: it may have secrets. */
export function environmentFile({ environment, port }: AppServerModel): string {
  const all = { PORT: String(port), ...environment };
  return Object.entries(all)
    .map(([name, value]) => `${name}="${value.replace(/[\\"$`]/g, "\\$&")}"\n`)
    .join("");
}

/** A path of the application's own, "./server", as systemd takes it. */
function beside(word: string, current: string): string {
  return word.startsWith("./") ? `${current}/${word.slice(2)}` : word;
}

/** A word of a command line, in which systemd replaces nothing. */
function quoted(word: string): string {
  const plain = word.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w@/.:=+,-]+$/.test(word) ? word : `"${plain}"`;
}
