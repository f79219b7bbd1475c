import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Segment } from "./lab-layout";
import { processOf, runs } from "./lab-process";
import type { LabState } from "./lab-state";

const execute = promisify(execFile);

/** A cable between a node's NIC and its switch. What is done to it outlasts a reboot of the node. */
export class LabLink {
  constructor(
    private readonly state: LabState,
    private readonly node: string,
    private readonly nic: string,
    private readonly segment: Segment,
  ) {}

  /** The switch's end. */
  get port(): string {
    return `${this.node}-${this.nic}`;
  }

  /** Pulls the cable: the node sees its carrier go. */
  cut(): Promise<void> {
    return this.set([`link set ${this.port} down`]);
  }

  /** Drops every frame without a sign of it: the carrier stays, or comes back when the node takes the NIC down and up. */
  partition(): Promise<void> {
    return this.set([`link set ${this.port} nomaster up`]);
  }

  /** As it was at first. */
  heal(): Promise<void> {
    return this.set([`link set ${this.port} master ${this.segment} up`]);
  }

  /**
   * Makes the port an access port of another VLAN than the rest of its segment. The switch is then one for each VLAN, so
   * that this needs no VLAN filtering of the kernel's; frames that carry a tag are not looked at.
   */
  vlan(id: number): Promise<void> {
    const bridge = `${this.segment}-${id}`;
    return this.set([
      `link add ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link set ${bridge} up`,
      `link set ${this.port} master ${bridge} up`,
    ]);
  }

  /** The first lines may fail, where what they make is there. */
  private async set(lines: string[]): Promise<void> {
    const id = processOf(this.state.path("switch", "pid"));
    if (!runs(id)) throw new Error(`the lab ${this.state.name} is down`);
    const file = `${this.node}/${this.nic}.port`;
    this.state.put(file, `${lines.join("\n")}\n`);
    const ip = ["nsenter", `--net=/proc/${id.pid}/ns/net`, "ip"];
    await execute(ip[0]!, [...ip.slice(1), "-force", "-batch", this.state.path(file)]).catch(() => {});
    await execute(ip[0]!, [...ip.slice(1), ...lines.at(-1)!.split(" ")]);
  }
}
