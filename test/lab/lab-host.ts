import { removeCgroups } from "./lab-cgroups";
import { launchNode } from "./launch-node";
import { LabNode } from "./lab-node";
import type { NodePlan } from "./lab-layout";
import { end } from "./lab-process";
import type { Driver, HostRecord, LabState } from "./lab-state";

/**
 * Runs the rest in container "$1". libvirt's own lxc-enter-namespace fails for as long as a container lives where libvirtd
 * missed the one message that tells it the container's process 1.
 */
const ENTER = `
leader=$(virsh -c lxc:///system domid "$1") || exit
read -r init rest <"/proc/$leader/task/$leader/children"
shift
exec nsenter --target "$init" --all "$@"`;

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
    await removeCgroups(this.state.name, this.name);
  }

  /** Boots it from its disk, with the NICs that it always had. Nothing happens when it is on. */
  async start(): Promise<void> {
    await launchNode(this.state, this.plan);
  }

  /** A power cut and a boot. Resolves when libvirtd listens. */
  async reboot(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Runs a command in a container of the host; its program by its path. */
  inContainer(name: string, argv: readonly string[], options?: Parameters<LabNode["run"]>[1]) {
    return this.run(["sh", "-c", ENTER, "sh", name, ...argv], options);
  }

  /** Ends libvirtd alone, as a crash does unless `signal` says otherwise; guests go on. */
  async stopLibvirtd(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const script =
      'pid=$(cat /run/libvirtd.pid) && kill -s "$1" "$pid" && while test -e "/proc/$pid"; do sleep 0.01; done';
    await this.run(["sh", "-c", script, "sh", signal.replace(/^SIG/, "")]);
  }

  /** Starts libvirtd again; resolves when it listens. */
  async startLibvirtd(): Promise<void> {
    await this.run(["bash", "/run/lab/boot.sh", "start_libvirtd"]);
  }
}
