import type { GenerationFiles } from "../content/generations";
import type { FarmInputs, FarmMemberInputs } from "../schema/balancer-farm";
import { milliseconds } from "../schema/duration";
import type { HaproxyServerInputs } from "../schema/haproxy-server";
import { checkLines } from "./haproxy-checks";
import { placesOf, sectionText } from "./model";
import { HAPROXY_SUPERVISE } from "./supervise";

/** What HAProxy's configuration is written from. */
export interface HaproxyModel {
  inputs: HaproxyServerInputs;
  /** The folder that the files will be in. */
  folder: string;
  /** What the health page says, so that one knows which configuration answers. */
  generation: string;
  /** Whether the machine has IPv6. */
  ipv6: boolean;
}

/** Which server name of which farm is in which state; all else is a matter of a reload. */
export function withoutStates(inputs: HaproxyServerInputs): HaproxyServerInputs {
  const farms = Object.entries(inputs.farms).map(([name, farm]) => [
    name,
    { ...farm, members: farm.members.map((member) => ({ ...member, weight: 1, state: "ready" })) },
  ]);
  return { ...inputs, farms: Object.fromEntries(farms) as HaproxyServerInputs["farms"] };
}

/** All files of HAProxy's configuration; `haproxy.cfg` is where it begins. */
export function haproxyFiles(model: HaproxyModel): GenerationFiles {
  const { inputs } = model;
  const files: GenerationFiles = {
    // It has the password of the statistics page.
    "haproxy.cfg": { content: configuration(model), mode: 0o600 },
    supervise: { content: HAPROXY_SUPERVISE, mode: 0o755 },
  };
  for (const [name, { tls, ca }] of farmEntries(inputs)) {
    // HAProxy takes a certificate, its chain and its key from one file.
    if (tls)
      files[`certificates/${name}.pem`] = {
        content: `${tls.certificate.trimEnd()}\n${(inputs.keys[name] ?? "").trimEnd()}\n`,
        mode: 0o600,
      };
    if (ca !== undefined) files[`certificates/${name}.ca`] = { content: ca };
  }
  return files;
}

function farmEntries({ farms }: HaproxyServerInputs): [name: string, farm: FarmInputs][] {
  return Object.entries(farms).sort(([a], [b]) => (a < b ? -1 : 1));
}

function configuration(model: HaproxyModel): string {
  const { inputs } = model;
  const farms = farmEntries(inputs);
  return [
    `# Written by pulumi-kvm for the balancer ${inputs.name}. What is changed here is changed back.\n`,
    global(model),
    sectionText("defaults", [
      ...(inputs.log === undefined ? [] : ["log global", "option dontlognull", "option log-health-checks"]),
      "option redispatch 1",
      "timeout http-request 10s",
      "timeout http-keep-alive 30s",
      "timeout connect 500ms",
      "timeout client 60s",
      "timeout server 60s",
    ]),
    health(model),
    ...farms.flatMap(([name, farm]) => [
      ...(farm.port === undefined ? [] : frontend(model, name, farm)),
      ...(farm.members.length > 0 ? [backend(model, name, farm)] : []),
    ]),
    ...inside(model),
  ].join("\n");
}

function global({ inputs }: HaproxyModel): string {
  const { run } = placesOf("haproxy", inputs.name);
  return sectionText("global", [
    "user haproxy",
    "group haproxy",
    `stats socket ${run}/admin.sock mode 600 level admin expose-fd listeners`,
    `hard-stop-after ${milliseconds(inputs.hardStopAfter)}ms`,
    ...(inputs.maxConnections === undefined ? [] : [`maxconn ${inputs.maxConnections}`]),
    ...(inputs.log === undefined ? [] : [`log ${inputs.log} local0`]),
    "ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets",
    "ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20",
  ]);
}

/** Tells which configuration answers, on a socket that only root reaches. */
function health({ inputs, generation }: HaproxyModel): string {
  const { run } = placesOf("haproxy", inputs.name);
  return sectionText("frontend kvm-health", [
    `bind unix@${run}/health.sock mode 600`,
    "mode http",
    `http-request return status 200 content-type text/plain string "ok ${generation}"`,
  ]);
}

function frontend(model: HaproxyModel, name: string, farm: FarmInputs): string[] {
  const { tls, mode, proxyProtocol, rules, members } = farm;
  const certificate = tls ? ` ssl crt ${model.folder}/certificates/${name}.pem` : "";
  const alpn = tls && mode === "http" ? " alpn h2,http/1.1" : "";
  const accept = proxyProtocol.accept ? " accept-proxy" : "";
  const own = sectionText(`frontend ${name}`, [
    ...binds(model, farm, farm.port!).map((bind) => `${bind}${certificate}${alpn}${accept}`),
    `mode ${mode}`,
    ...logging(model, mode),
    ...(farm.maxConnections === undefined ? [] : [`maxconn ${farm.maxConnections}`]),
    `timeout client ${milliseconds(farm.timeout)}ms`,
    ...admission(farm),
    ...(mode === "http"
      ? [
          "option forwardfor",
          `http-request set-header X-Forwarded-Proto ${tls ? "https" : "http"}`,
          ...(tls?.hsts === undefined
            ? []
            : [
                `http-response set-header Strict-Transport-Security max-age=${Math.floor(milliseconds(tls.hsts) / 1000)}`,
              ]),
        ]
      : []),
    ...rules.flatMap(ruleLines),
    ...(members.length > 0 ? [`default_backend ${name}`] : []),
  ]);
  if (tls?.redirect === undefined) return [own];
  const port = farm.port === 443 ? "" : `:${farm.port}`;
  const redirect = sectionText(`frontend ${name}-redirect`, [
    ...binds(model, farm, tls.redirect).map((bind) => `${bind}${accept}`),
    "mode http",
    ...admission(farm),
    `http-request redirect location https://%[req.hdr(host),field(1,:)]${port}%[pathq] code 301`,
  ]);
  return [own, redirect];
}

/** Also for addresses that this balancer does not have now. */
function binds({ ipv6 }: HaproxyModel, { addresses }: FarmInputs, port: number): string[] {
  // One socket for both families would show members clients as ::ffff:192.0.2.1.
  if (!addresses) return [`bind *:${port}`, ...(ipv6 ? [`bind :::${port} v6only`] : [])];
  return addresses.map((address) => `bind ${address}:${port} transparent`);
}

function logging({ inputs }: HaproxyModel, mode: FarmInputs["mode"]): string[] {
  return inputs.log === undefined ? [] : [`option ${mode}log`];
}

function admission({ mode, allow }: FarmInputs): string[] {
  if (!allow) return [];
  const sources = allow.join(" ");
  return mode === "http"
    ? [`http-request deny unless { src ${sources} }`]
    : [`tcp-request connection reject unless { src ${sources} }`];
}

function ruleLines({ hosts, path, farm }: FarmInputs["rules"][number]): string[] {
  const exact = hosts.filter((host) => !host.startsWith("*."));
  const below = hosts.filter((host) => host.startsWith("*.")).map((host) => host.slice(1));
  const named = [
    ...(exact.length > 0 ? [`{ req.hdr(host),host_only -i ${exact.join(" ")} }`] : []),
    ...(below.length > 0 ? [`{ req.hdr(host),host_only -i -m end ${below.join(" ")} }`] : []),
  ];
  const under =
    path === undefined
      ? []
      : path.endsWith("/")
        ? [`{ path_beg ${path} }`]
        : [`{ path ${path} }`, `{ path_beg ${path}/ }`];
  const either = (conditions: string[]) => (conditions.length > 0 ? conditions : [""]);
  return either(named).flatMap((host) =>
    either(under).map((place) => `use_backend ${farm} if ${[host, place].filter(Boolean).join(" ")}`),
  );
}

const balances = { roundrobin: "roundrobin", leastconn: "leastconn", source: "source", sticky: "roundrobin" };

function backend({ folder }: HaproxyModel, name: string, farm: FarmInputs): string {
  const { mode, balance, members, queue, retries, connectTimeout, timeout } = farm;
  return sectionText(`backend ${name}`, [
    `mode ${mode}`,
    `balance ${balances[balance]}`,
    ...(balance === "source" ? ["hash-type consistent"] : []),
    ...(balance === "sticky" ? [`cookie ${farm.cookie} insert indirect nocache httponly`] : []),
    `retries ${retries}`,
    ...(repeats(farm)
      ? [
          "retry-on conn-failure empty-response response-timeout 502 503",
          // RFC 9110, 9.2.2: the others may have been done.
          "http-request disable-l7-retry unless { method GET HEAD OPTIONS PUT DELETE TRACE }",
          // A member that is gone without a word is found so after three seconds, and what it was asked is asked elsewhere.
          "option srvtcpka",
          "srvtcpka-idle 1s",
          "srvtcpka-intvl 1s",
          "srvtcpka-cnt 2",
        ]
      : []),
    `timeout connect ${milliseconds(connectTimeout)}ms`,
    `timeout server ${milliseconds(timeout)}ms`,
    `timeout queue ${milliseconds(queue)}ms`,
    ...checkLines(farm.check),
    ...members.map((member) => server(member, farm, `${folder}/certificates/${name}.ca`)),
  ]);
}

/** Whether it asks another member what one did not answer. */
function repeats({ mode, retries }: FarmInputs): boolean {
  return mode === "http" && retries > 0;
}

function server(member: FarmMemberInputs, farm: FarmInputs, ca: string): string {
  const { name, address, port, protocol, weight, backup, maxConnections, state } = member;
  const { check, proxyProtocol } = farm;
  const at = address.includes(":") ? `[${address}]` : address;
  return [
    `server ${name} ${at}:${port}`,
    ...(protocol === "https" ? [farm.ca === undefined ? "ssl verify none" : `ssl verify required ca-file ${ca}`] : []),
    // A member that drains keeps those that it serves; the runtime socket says the same of a running HAProxy.
    `weight ${state === "drain" ? 0 : weight}`,
    ...(state === "maintenance" ? ["disabled"] : []),
    ...(backup ? ["backup"] : []),
    ...(maxConnections === undefined ? [] : [`maxconn ${maxConnections}`]),
    ...(farm.balance === "sticky" ? [`cookie ${name}`] : []),
    ...(proxyProtocol.send === "v1" ? ["send-proxy"] : proxyProtocol.send === "v2" ? ["send-proxy-v2"] : []),
    ...(check.type === "none"
      ? []
      : [
          "check",
          ...(check.port === undefined ? [] : [`port ${check.port}`]),
          `inter ${milliseconds(check.interval)}ms`,
          `fastinter ${Math.max(50, Math.round(milliseconds(check.interval) / 5))}ms`,
          `rise ${check.rise}`,
          `fall ${check.fall}`,
          // What repeats a request elsewhere would not get to it.
          ...(repeats(farm) ? [] : ["on-marked-down shutdown-sessions"]),
        ]),
    ...(repeats(farm) ? ["tcp-ut 2s"] : []),
  ].join(" ");
}

/** The statistics page and the metrics, where they are asked for. */
function inside(model: HaproxyModel): string[] {
  const { stats, metrics, password } = model.inputs;
  return [
    ...(stats
      ? [
          sectionText("frontend kvm-stats", [
            ...stats.addresses.map((address) => `bind ${address}:${stats.port}`),
            "mode http",
            "stats enable",
            "stats uri /",
            "stats realm balancer",
            "stats hide-version",
            "stats refresh 10s",
            `stats auth "${stats.user}:${password}"`,
          ]),
        ]
      : []),
    ...(metrics
      ? [
          sectionText("frontend kvm-metrics", [
            ...metrics.addresses.map((address) => `bind ${address}:${metrics.port}`),
            "mode http",
            ...(metrics.allow ? [`http-request deny unless { src ${metrics.allow.join(" ")} }`] : []),
            "http-request use-service prometheus-exporter if { path /metrics }",
            "http-request deny deny_status 404",
          ]),
        ]
      : []),
  ];
}
