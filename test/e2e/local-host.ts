import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { open } from "../../providers/machine/open-machine";
import { tinyGuest, type TinyGuest } from "../lab/tiny-guest";
import { skip } from "../skip";

const run = promisify(execFile);
const uri = "qemu:///system";

/** This machine as the host of a suite's guests. What the suite makes carries `label`, a name that no other run has. */
export class LocalHost {
  private constructor(
    readonly label: string,
    /** A folder for pools that QEMU's user can enter. */
    readonly folder: string,
    readonly guest: TinyGuest,
  ) {}

  /** Skips the suite where guests cannot be run here. */
  static async prepare(context: Mocha.Context, label: string): Promise<LocalHost> {
    if (process.getuid?.() !== 0) skip(context, "needs root");
    for (const argv of [
      ["virsh", "-c", uri, "uri"],
      ["pulumi", "version"],
    ] as const)
      await run(argv[0], argv.slice(1)).catch((error: Error) => skip(context, `${argv[0]}: ${error.message}`));
    const guest = await tinyGuest().catch((error: Error) => skip(context, `no tiny guest: ${error.message}`));
    const folder = await mkdtemp(join(tmpdir(), `kvm-${label}-`));
    await chmod(folder, 0o711);
    return new LocalHost(`${label}-${process.pid}`, folder, guest);
  }

  async virsh(...argv: string[]): Promise<string> {
    return (await run("virsh", ["-q", "-c", uri, ...argv])).stdout.trim();
  }

  /** Waits for what the host or a guest does at its own pace. */
  async until(reached: () => Promise<boolean>, seconds = 20): Promise<void> {
    for (const end = Date.now() + seconds * 1000; !(await reached()); await sleep(200))
      if (Date.now() > end) throw new Error(`not so after ${seconds} s: ${reached}`);
  }

  /** What a command prints inside the guest, asked through its agent. */
  async inGuest(domain: string, ...argv: string[]): Promise<string> {
    return (await open({ kind: "agent", uri, domain }).run(argv)).stdout.toString().trim();
  }

  /**
   * Everything on this machine that carries the label, or names the bridge: what `destroy` has to remove. What libvirt
   * itself keeps of guests and networks that are gone is left out: its log of each guest, and its run time folder.
   */
  async traces(bridge: string): Promise<string[]> {
    const lines = await Promise.all([
      listed("domain", this.virsh("list", "--all", "--name")),
      listed("network", this.virsh("net-list", "--all", "--name")),
      listed("pool", this.virsh("pool-list", "--all", "--name")),
      listed("process", output("ps", "-eo", "args=")),
      listed("interface", output("ip", "-o", "link")),
      listed("rule", output("iptables-save")),
      listed("rule", output("ip6tables-save")),
      listed("file", output("find", "/etc/libvirt", "/var/lib/libvirt", "/var/log/libvirt")),
    ]);
    const named = new RegExp(`${this.label}|\\b${bridge}\\b`);
    const ownLog = new RegExp(`/qemu/${this.label}(-\\w+)?(?<!-console)\\.log$`);
    return lines.flat().filter((line) => named.test(line) && !ownLog.test(line));
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function output(command: string, ...argv: string[]): Promise<string> {
  return (await run(command, argv, { maxBuffer: 64 * 1024 * 1024 })).stdout;
}

async function listed(kind: string, printed: Promise<string>): Promise<string[]> {
  return (await printed).split("\n").flatMap((line) => (line.trim() ? [`${kind} ${line.trim()}`] : []));
}
