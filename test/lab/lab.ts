import { appendFileSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { hostKeyFile, writeAccess } from "./lab-access";
import { removeCgroups } from "./lab-cgroups";
import { LabHost } from "./lab-host";
import { type NodePlan, fixedPlans, hostPlan } from "./lab-layout";
import { LabNode } from "./lab-node";
import { labObstacle } from "./lab-obstacle";
import { type LabOptions, labName, planLab } from "./lab-plan";
import { end, processOf, runs } from "./lab-process";
import { type LabRecord, LabState } from "./lab-state";
import { launchNode, launchSwitch } from "./launch-node";
import type { Files } from "./files";
import { addressPage, commonFiles, dnsmasqConfig, hostFiles, hostLines } from "./node-files";

export type { LabOptions } from "./lab-plan";

/**
 * Several KVM hosts on this machine, made of namespaces: a LAN 192.168.155.0/24 with a station and the hosts' eth0, a WAN
 * 203.0.113.0/24 with a client and the hosts' eth1, a router between them and a server in the internet. Needs root.
 *
 * @example
 * before(async function () {
 *   if (Lab.obstacle) skip(this, Lab.obstacle);
 *   lab = await Lab.up({ hosts: 2 });
 *   await lab.station.ping(lab.host("kvm1").ipv4);
 * });
 * after(() => lab?.down());
 */
export class Lab {
  readonly station: LabNode;
  readonly router: LabNode;
  readonly wan: LabNode;
  readonly internet: LabNode;
  readonly hosts: readonly LabHost[];

  private constructor(
    private readonly state: LabState,
    private readonly record: LabRecord,
  ) {
    const fixed = fixedPlans().map((plan) => new LabNode(state, plan));
    [this.station, this.router, this.wan, this.internet] = fixed as [LabNode, LabNode, LabNode, LabNode];
    this.hosts = Object.entries(record.hosts).map(
      ([name, host], index) => new LabHost(state, hostPlan(name, index, host.network, host.disk), host),
    );
  }

  /** Why there can be no lab here; undefined when there can. */
  static get obstacle(): string | undefined {
    return labObstacle("ifupdown");
  }

  /** Makes the lab, or starts of it what does not run: also hosts that it did not have before. */
  static async up(options: LabOptions = {}): Promise<Lab> {
    const name = labName(options);
    const obstacle = labObstacle(options.network ?? "ifupdown");
    if (obstacle) throw new Error(`the lab ${obstacle}`);
    if (!options.keep) await removeAbandoned();
    const state = new LabState(name);
    return state.locked(async () => {
      const lab = new Lab(state, planLab(state, options));
      await lab.bringUp(!options.keep);
      return lab;
    });
  }

  /** A lab that is there, running or not; undefined where there is none. */
  static find(name = "lab"): Lab | undefined {
    const state = new LabState(name);
    const record = state.read();
    return record && new Lab(state, record);
  }

  /** Of all labs of this machine. */
  static names(): string[] {
    return LabState.names();
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
  }

  /** Every step can be interrupted, and is taken up by the next `up`. */
  private async bringUp(mine: boolean): Promise<void> {
    const { state, record } = this;
    // Without a record there is nothing to go on with: disks are from before the machine's reboot.
    if (!state.read()) await takeDown(state);
    state.write(record);
    if (mine) owned.add(state.folder);
    await writeAccess(state, record);
    state.useCapabilities();
    for (const script of ["boot.sh", "enter.sh"])
      state.put(script, readFileSync(path.join(__dirname, script), "utf8"), 0o755);
    const plans = this.nodes.map((node) => node.plan);
    for (const plan of plans) state.putFiles(plan.name, this.filesOf(plan, plans));
    if (!runs(processOf(state.path("switch", "pid")))) await launchSwitch(state);
    const launched = await Promise.allSettled(plans.map((plan) => launchNode(state, plan)));
    for (const each of launched) if (each.status === "rejected") throw each.reason;
    for (const node of this.nodes) tellNames(node, plans);
  }

  private filesOf(plan: NodePlan, all: readonly NodePlan[]): Files {
    const common = commonFiles(plan, all);
    const host = this.record.hosts[plan.name];
    if (host) {
      const keys = {
        host: readFileSync(hostKeyFile(this.state, plan.name), "utf8"),
        authorized: readFileSync(this.state.path("client.pub"), "utf8"),
      };
      return { ...common, ...hostFiles(plan, host.network, keys) };
    }
    const dhcp = this.record.lanDhcp;
    if (plan.name === "router") return { ...common, "etc/lab/dnsmasq.conf": dnsmasqConfig({ dhcp }) };
    return plan.name === "internet" ? { ...common, ...addressPage } : common;
  }
}

/** The folders of the labs that end with this process. */
const owned = new Set<string>();
process.on("exit", () => {
  for (const folder of owned) {
    const first = processOf(path.join(folder, "switch", "pid"));
    if (runs(first)) process.kill(first.pid, "SIGKILL");
  }
});

/** Nodes that run already learn of those that came later. */
function tellNames(node: LabNode, all: readonly NodePlan[]): void {
  const file = node.path("/etc/hosts");
  const known = readFileSync(file, "utf8").split(/\s+/);
  appendFileSync(file, hostLines(all.filter(({ name }) => !known.includes(name))));
}

async function takeDown(state: LabState): Promise<void> {
  await end(processOf(state.path("switch", "pid")));
  await removeCgroups(state.name);
  state.keepCapabilities();
  state.remove();
  owned.delete(state.folder);
}

/** Labs of tests that are no more. */
async function removeAbandoned(): Promise<void> {
  const abandoned = (state: LabState): boolean => {
    const owner = state.read()?.owner;
    return owner !== undefined && !runs(owner);
  };
  for (const state of LabState.names().map((name) => new LabState(name)))
    if (abandoned(state))
      await state.locked(async () => {
        if (abandoned(state)) await takeDown(state);
      });
}
