import { execFile } from "node:child_process";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { removeCgroups } from "./lab-cgroups";
import { type Driver, LabHost } from "./lab-host";
import { type HostNetwork, type NodePlan, fixedNodes, fixedPlans, hostPlan } from "./lab-layout";
import { LabNode } from "./lab-node";
import { end, ownProcess, processOf, runs } from "./lab-process";
import { type HostRecord, type LabRecord, LabState } from "./lab-state";
import { launchNode, launchSwitch } from "./launch-node";
import { addressPage, commonFiles, dnsmasqConfig, hostFiles } from "./node-files";

const execute = promisify(execFile);

export interface LabOptions {
  /** Labs of different names do not know of each other. Default "lab". */
  name?: string;
  /** Their names, or how many: kvm1, kvm2, ... The first has 192.168.155.32, the next .33. Default 1. */
  hosts?: number | readonly string[];
  /** Also DHCP (.100 to .199) and router advertisements on the LAN, from the router. */
  lanDhcp?: boolean;
  /** What brings up the hosts' network at boot. Default "ifupdown". */
  network?: HostNetwork;
  /** Bytes of the hosts' disks, for tests that fill them. Default: the machine's own room. */
  disk?: number;
  /** Leaves the lab when this process has ended. Default false: it is taken down then, or by the next test. */
  keep?: boolean;
}

/**
 * Several KVM hosts on this machine, made of namespaces: a LAN 192.168.155.0/24 with a station and the hosts' eth0, a WAN
 * 203.0.113.0/24 with a client and the hosts' eth1, a router between them and a server in the internet. Needs root.
 */
export class Lab {
  readonly station: LabNode;
  readonly router: LabNode;
  readonly wan: LabNode;
  readonly internet: LabNode;
  readonly hosts: readonly LabHost[];

  private constructor(
    private readonly state: LabState,
    record: LabRecord,
  ) {
    [this.station, this.router, this.wan, this.internet] = fixedPlans().map((plan) => new LabNode(state, plan)) as [
      LabNode,
      LabNode,
      LabNode,
      LabNode,
    ];
    this.hosts = Object.entries(record.hosts).map(
      ([name, host], index) => new LabHost(state, hostPlan(name, index, host.network, host.disk), host),
    );
  }

  /** Why there can be no lab here; undefined when there can. */
  static get obstacle(): string | undefined {
    if (process.getuid?.() !== 0) return "needs root, for namespaces";
    const missing = programs.filter((name) => !folders.some((folder) => existsSync(path.join(folder, name))));
    if (missing.length > 0) return `needs ${missing.join(", ")}`;
    if (!/\boverlay$/m.test(readFileSync("/proc/filesystems", "utf8"))) return "needs the kernel's overlayfs";
    return undefined;
  }

  /** Makes the lab, or starts of it what does not run: also hosts that it did not have before. */
  static async up(options: LabOptions = {}): Promise<Lab> {
    if (Lab.obstacle) throw new Error(`the lab ${Lab.obstacle}`);
    const { name = "lab", keep = false } = options;
    checkName(name, "lab", 16);
    if (!keep) await removeAbandoned();
    const state = new LabState(name);
    const lab = await state.locked(() => bringUp(state, options));
    if (!keep) owned.add(lab);
    return lab;
  }

  /** A lab that is there, running or not; undefined where there is none. */
  static find(name = "lab"): Lab | undefined {
    const state = new LabState(name);
    const record = state.read();
    return record && new Lab(state, record);
  }

  static names(): string[] {
    return LabState.names();
  }

  /** For bringUp. */
  static of(state: LabState, record: LabRecord): Lab {
    return new Lab(state, record);
  }

  get name(): string {
    return this.state.name;
  }

  /** lab.json and what ssh needs. */
  get folder(): string {
    return this.state.folder;
  }

  get nodes(): readonly LabNode[] {
    return [...this.hosts, this.station, this.router, this.wan, this.internet];
  }

  host(name: string): LabHost {
    const found = this.hosts.find((host) => host.name === name);
    if (!found) throw new Error(`the lab has no host ${name}, but ${this.hosts.map((host) => host.name).join(", ")}`);
    return found;
  }

  node(name: string): LabNode {
    const found = this.nodes.find((node) => node.name === name);
    if (!found) throw new Error(`the lab has no ${name}, but ${this.nodes.map((node) => node.name).join(", ")}`);
    return found;
  }

  /** Ends every process of the lab and removes its files, disks and cgroups. */
  async down(): Promise<void> {
    await Lab.down(this.name);
  }

  /** Also of a lab that was made or taken down by half. */
  static async down(name: string): Promise<void> {
    const state = new LabState(name);
    await state.locked(() => takeDown(state));
    for (const lab of owned) if (lab.name === name) owned.delete(lab);
  }
}

const programs = [
  ...["unshare", "nsenter", "setpriv", "flock", "ip", "bridge", "ping", "curl", "busybox", "dnsmasq"],
  ...["ifup", "libvirtd", "virtlogd", "sshd", "ssh", "ssh-keygen", "nc"],
];
const folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The labs that end with this process. */
const owned = new Set<Lab>();
process.on("exit", () => {
  for (const { folder } of owned) {
    const first = processOf(path.join(folder, "switch", "pid"));
    if (runs(first)) process.kill(first.pid, "SIGKILL");
  }
});

function checkName(name: string, what: string, length: number): void {
  if (/^[a-z][a-z0-9-]*$/.test(name) && name.length <= length) return;
  throw new Error(
    `${JSON.stringify(name)} is no name for a ${what}. Allowed: at most ${length} of a-z, 0-9 and dashes, a letter first`,
  );
}

async function bringUp(state: LabState, options: LabOptions): Promise<Lab> {
  const record = planned(state, options);
  state.write(record);
  await writeKeys(state, record);
  const lab = Lab.of(state, record);
  const plans = lab.nodes.map((node) => node.plan);
  for (const plan of plans) state.putFiles(plan.name, await filesOf(state, record, plan, plans));
  if (!runs(processOf(state.path("switch", "pid")))) await launchSwitch(state);
  await Promise.all(lab.nodes.filter((node) => !node.process).map((node) => launchNode(state, node.plan)));
  return lab;
}

/** What there was, and what is asked for beside it. */
function planned(state: LabState, options: LabOptions): LabRecord {
  const before = state.read();
  const { hosts = 1, network = "ifupdown", disk } = options;
  const names = typeof hosts === "number" ? Array.from({ length: hosts }, (_, at) => `kvm${at + 1}`) : hosts;
  const record: LabRecord = {
    name: state.name,
    hosts: { ...before?.hosts },
    lanDhcp: options.lanDhcp ?? before?.lanDhcp ?? false,
    ...(options.keep ? {} : { owner: ownProcess() }),
  };
  for (const name of names) {
    checkName(name, "host", 9);
    if ((fixedNodes as readonly string[]).includes(name)) throw new Error(`${name} is a node of every lab, no host`);
    record.hosts[name] ??= hostRecord(state, name, Object.keys(record.hosts).length, network, disk);
  }
  return record;
}

function hostRecord(state: LabState, name: string, index: number, network: HostNetwork, disk?: number): HostRecord {
  const { nics } = hostPlan(name, index, network);
  const socket = state.path(name, "libvirt", "libvirt-sock");
  const each = (write: (driver: Driver) => string) => ({ qemu: write("qemu"), lxc: write("lxc") });
  return {
    uris: each((driver) => `${driver}+ssh://root@${name}/system?command=${state.path("ssh")}`),
    socketUris: each((driver) => `${driver}+unix:///system?socket=${socket}`),
    machine: { kind: "ssh", host: name, user: "root", options: sshOptions(state) },
    addresses: nics[0]!.addresses,
    network,
    ...(disk === undefined ? {} : { disk }),
  };
}

/** Names are the station's: it is the station that connects. */
function sshOptions(state: LabState): { [name: string]: string } {
  return {
    ProxyCommand: `${state.path("connect")} %h %p`,
    IdentityFile: state.path("client"),
    IdentitiesOnly: "yes",
    UserKnownHostsFile: state.path("known_hosts"),
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
  };
}

async function writeKeys(state: LabState, record: LabRecord): Promise<void> {
  const names = ["client", ...Object.keys(record.hosts).map((name) => `host-key-${name}`)];
  await Promise.all(
    names
      .map((name) => state.path(name))
      .filter((file) => !existsSync(`${file}.pub`))
      .map((file) => makeKey(file)),
  );
  const known = Object.entries(record.hosts).map(([name, { addresses }]) => {
    const [type, key] = readFileSync(state.path(`host-key-${name}.pub`), "utf8").split(" ");
    return `${[name, `${name}.lab`, ...addresses.map((address) => address.split("/")[0])].join(",")} ${type} ${key!.trim()}\n`;
  });
  state.put("known_hosts", known.join(""));
  const options = Object.entries(sshOptions(state)).map(([name, value]) => `  ${name} ${value}\n`);
  state.put("ssh_config", `Host *\n  User root\n${options.join("")}`);
  state.put("ssh", `#!/bin/sh\nexec ssh -F ${state.path("ssh_config")} "$@"\n`, 0o755);
  // By IPv4 unless asked otherwise, so that one knows what carries the connection.
  const script = [
    "#!/bin/sh",
    "case $1 in *:*) version=-6 ;; *) version=-4 ;; esac",
    `exec sh ${path.join(__dirname, "enter.sh")} ${state.path("station")} nc $version "$1" "$2"`,
    "",
  ].join("\n");
  state.put("connect", script, 0o755);
  for (const name of ["ssh", "connect"]) chmodSync(state.path(name), 0o755);
}

async function makeKey(file: string): Promise<void> {
  await execute("sh", [
    "-c",
    'rm -f "$1" "$1.new" "$1.new.pub" && ssh-keygen -q -t ed25519 -N "" -C lab -f "$1.new" && mv "$1.new" "$1" && mv "$1.new.pub" "$1.pub"',
    "sh",
    file,
  ]);
}

async function filesOf(state: LabState, record: LabRecord, plan: NodePlan, all: readonly NodePlan[]) {
  const common = commonFiles(plan, all);
  const host = record.hosts[plan.name];
  if (host) {
    const keys = {
      host: readFileSync(state.path(`host-key-${plan.name}`), "utf8"),
      authorized: readFileSync(state.path("client.pub"), "utf8"),
    };
    return { ...common, ...hostFiles(plan, host.network, keys) };
  }
  if (plan.name === "router") return { ...common, "etc/lab/dnsmasq.conf": dnsmasqConfig({ dhcp: record.lanDhcp }) };
  return plan.name === "internet" ? { ...common, ...addressPage } : common;
}

async function takeDown(state: LabState): Promise<void> {
  await end(processOf(state.path("switch", "pid")));
  await removeCgroups(state.name);
  state.remove();
}

/** Labs of tests that are no more. */
async function removeAbandoned(): Promise<void> {
  for (const name of LabState.names()) {
    const owner = new LabState(name).read()?.owner;
    if (owner && !runs(owner)) await Lab.down(name);
  }
}
