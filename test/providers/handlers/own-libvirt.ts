import { spawnSync } from "node:child_process";
import type { Connection } from "../../../providers/libvirt/connection";
import { open } from "../../../providers/libvirt/open";
import { skip } from "../../skip";
import { PrivateLibvirtd } from "../libvirt/private-libvirtd";

/** A libvirtd of the suite's own, in namespaces of its own; the suite is skipped where none can be started. */
export class OwnLibvirt {
  private constructor(
    readonly daemon: PrivateLibvirtd,
    readonly connection: Connection,
  ) {}

  static async start(context: Mocha.Context): Promise<OwnLibvirt> {
    if (PrivateLibvirtd.obstacle) skip(context, PrivateLibvirtd.obstacle);
    const daemon = await PrivateLibvirtd.start();
    const libvirt = new OwnLibvirt(daemon, await open(daemon.uri("qemu:///system")));
    libvirt.run("ip", "link", "set", "lo", "up");
    return libvirt;
  }

  get uri(): string {
    return this.connection.uri;
  }

  /** What a command says that runs in the daemon's network and sees its files. */
  run(...argv: string[]): string {
    const { stdout, stderr, status } = spawnSync("nsenter", ["-t", String(this.daemon.pid), "-n", "-m", ...argv]);
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
    return stdout.toString();
  }

  async stop(): Promise<void> {
    this.connection.close();
    await this.daemon.stop();
  }
}
