import { launchNode } from "./launch-node";
import { LabNode } from "./lab-node";
import type { NodePlan } from "./lab-layout";
import { end } from "./lab-process";
import type { HostRecord, LabState } from "./lab-state";

export type Driver = "qemu" | "lxc";

/** A KVM host of the lab: eth0 on the LAN, eth1 on the WAN, sshd, libvirtd. */
export class LabHost extends LabNode {
  constructor(
    state: LabState,
    plan: NodePlan,
    readonly record: HostRecord,
  ) {
    super(state, plan);
  }

  /** libvirt through ssh from the station: `qemu+ssh://root@kvm1/system?command=...`. */
  uri(driver: Driver = "qemu"): string {
    return this.record.uris[driver];
  }

  /** The same daemon through its socket: quicker, and whatever happens to the network. */
  socketUri(driver: Driver = "qemu"): string {
    return this.record.socketUris[driver];
  }

  /** The host as a machine, through ssh from the station. */
  get machine(): HostRecord["machine"] {
    return this.record.machine;
  }

  /** The power cut: every process of the host is gone when this resolves. Its disk stays. */
  async kill(): Promise<void> {
    await end(this.process);
  }

  /** Boots it from its disk, with the NICs that it always had. Nothing happens when it is on. */
  async start(): Promise<void> {
    if (!this.process) await launchNode(this.state, this.plan);
  }

  /** A power cut and a boot. Resolves when libvirtd listens. */
  async reboot(): Promise<void> {
    await this.kill();
    await this.start();
  }
}
