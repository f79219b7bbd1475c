import type { GenerationFiles } from "../content/generations";
import { milliseconds } from "../schema/duration";
import type { KeepalivedServerInputs, VirtualRouterInputs } from "../schema/keepalived-server";
import { placesOf, sectionText } from "./model";
import { KEEPALIVED_SUPERVISE, KEEPALIVED_CHECK, KEEPALIVED_NOTIFY } from "./supervise";

/** What keepalived's configuration is written from. */
export interface KeepalivedModel {
  inputs: KeepalivedServerInputs;
  /** The interface that speaks with the peers. */
  interface: string;
  /** The interface of each address that moves. */
  devices: { [address: string]: string };
}

/** All files of keepalived's configuration; `keepalived.conf` is where it begins. */
export function keepalivedFiles(model: KeepalivedModel): GenerationFiles {
  const { inputs, devices } = model;
  const routers = routerEntries(inputs);
  return {
    "keepalived.conf": { content: configuration(model) },
    supervise: { content: KEEPALIVED_SUPERVISE, mode: 0o755 },
    check: { content: KEEPALIVED_CHECK, mode: 0o755 },
    notify: { content: KEEPALIVED_NOTIFY, mode: 0o755 },
    // What the supervisor takes off the machine when keepalived is gone.
    addresses: {
      content: routers
        .flatMap(([, { addresses }]) => addresses)
        .map((address) => `${devices[address]} ${address}\n`)
        .join(""),
    },
    // How long the others wait until they take over: three advertisements and at most one more (RFC 5798, 6.1).
    patience: { content: `${((milliseconds(inputs.advertise) * 3.5) / 1000).toFixed(3)}\n` },
  };
}

export function routerEntries({ routers }: KeepalivedServerInputs): [name: string, router: VirtualRouterInputs][] {
  return Object.entries(routers).sort(([a], [b]) => (a < b ? -1 : 1));
}

function configuration(model: KeepalivedModel): string {
  const { inputs } = model;
  const { run } = placesOf("keepalived", inputs.name);
  const current = `${placesOf("keepalived", inputs.name).folder}/current`;
  const haproxy = inputs.haproxy === undefined ? undefined : placesOf("haproxy", inputs.haproxy).run;
  return [
    `# Written by pulumi-kvm for the balancer ${inputs.name}. What is changed here is changed back.\n`,
    braces("global_defs", [
      `router_id ${inputs.name}`,
      "vrrp_version 3",
      "enable_script_security",
      "script_user root",
      "vrrp_garp_master_repeat 3",
      "vrrp_garp_master_delay 1",
      "vrrp_garp_lower_prio_repeat 3",
      "vrrp_garp_lower_prio_delay 1",
    ]),
    ...(haproxy === undefined
      ? []
      : [
          // Told at once by HAProxy's supervisor.
          braces("track_file haproxy", [`file "${haproxy}/state"`, "weight 1", "init_file 0"]),
          // Finds what the supervisor does not see: one that runs and does not answer.
          braces("vrrp_script haproxy", [
            `script "${current}/check ${run} ${haproxy}"`,
            "interval 1",
            "timeout 2",
            "rise 2",
            "fall 2",
            "init_fail",
          ]),
        ]),
    ...(haproxy === undefined
      ? [braces("vrrp_script tenure", [`script "${current}/check ${run}"`, "interval 1", "timeout 2"])]
      : []),
    ...routerEntries(inputs).flatMap(([name, router]) => instance(model, name, router, run)),
  ].join("\n");
}

function instance(model: KeepalivedModel, name: string, router: VirtualRouterInputs, run: string): string[] {
  const { inputs, devices } = model;
  const { id, addresses, priority, preemptDelay } = router;
  const current = `${placesOf("keepalived", inputs.name).folder}/current`;
  const used = [...new Set([model.interface, ...addresses.map((address) => devices[address]!)])];
  const isIpv6 = inputs.source.includes(":");
  const native = addresses.filter((address) => address.includes(":") === isIpv6);
  const foreign = addresses.filter((address) => address.includes(":") !== isIpv6);
  const aged = preemptDelay === undefined;
  const address = (one: string) => `${one} dev ${devices[one]}`;
  return [
    ...(aged
      ? [braces(`track_file ${name}`, [`file "${run}/${name}.tenure"`, "weight 1", "init_file 0 overwrite"])]
      : []),
    braces(`vrrp_instance ${name}`, [
      "state BACKUP",
      ...(aged ? ["nopreempt"] : [`preempt_delay ${milliseconds(preemptDelay) / 1000}`]),
      `interface ${model.interface}`,
      `virtual_router_id ${id}`,
      `priority ${priority}`,
      `advert_int ${milliseconds(inputs.advertise) / 1000}`,
      `unicast_src_ip ${inputs.source}`,
      ...inner("unicast_peer", inputs.peers),
      ...inner(
        native.length > 0 ? "virtual_ipaddress" : "virtual_ipaddress_excluded",
        (native.length > 0 ? native : foreign).map(address),
      ),
      ...(native.length > 0 && foreign.length > 0 ? inner("virtual_ipaddress_excluded", foreign.map(address)) : []),
      ...(used.length > 1 ? inner("track_interface", used) : []),
      ...inner("track_script", [inputs.haproxy === undefined ? "tenure" : "haproxy"]),
      ...inner("track_file", [...(inputs.haproxy === undefined ? [] : ["haproxy"]), ...(aged ? [name] : [])]),
      `notify "${current}/notify ${run}"`,
    ]),
  ];
}

function inner(name: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${name} {`, ...lines.map((line) => `  ${line}`), "}"];
}

function braces(name: string, lines: readonly string[]): string {
  return `${sectionText(`${name} {`, lines)}}\n`;
}
