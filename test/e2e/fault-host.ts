import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PrivateLibvirtd } from "../providers/libvirt/private-libvirtd";
import { skip } from "../skip";
import { Project } from "./project";

/** A run of the CLI that a test ends before its time. */
export interface Interrupted {
  printed: string;
  exitCode: number | null;
}

/** A libvirtd that may be killed, with a Pulumi project that uses it. Its paused guests have neither disk nor work. */
export class FaultHost {
  private readonly projects: Project[] = [];

  private constructor(readonly daemon: PrivateLibvirtd) {}

  static async start(context: Mocha.Context): Promise<FaultHost> {
    if (PrivateLibvirtd.obstacle) skip(context, PrivateLibvirtd.obstacle);
    if (spawnSync("pulumi", ["version"]).error) skip(context, "needs the pulumi CLI");
    const host = new FaultHost(await PrivateLibvirtd.start());
    // Asked once, so that no test waits while libvirt tries the emulators out.
    host.virsh("domcapabilities", "--virttype", "qemu");
    return host;
  }

  get uri(): string {
    return this.daemon.uri("qemu:///system");
  }

  virsh(...argv: string[]): string {
    return execFileSync("virsh", ["-q", "-c", this.uri, ...argv], { stdio: ["ignore", "pipe", "pipe"] })
      .toString()
      .trim();
  }

  /** A project whose program is `body`, with `connection` in scope. */
  async project(body: string): Promise<Project> {
    const project = await Project.create(this.program(body));
    this.projects.push(project);
    return project;
  }

  program(body: string): string {
    return `const connection = ${JSON.stringify(this.uri)};\n${body}\n`;
  }

  /** A network, a pool, a volume and three guests; every guest waits for the network, the first one for the volume. */
  environment(memory = "64MiB"): string {
    return `
      const network = new kvm.Network("net", { connection, ipv4: "10.214.7.0/24" });
      const pool = new kvm.StoragePool("pool", { connection, path: ${JSON.stringify(this.poolPath)} });
      const disk = new kvm.Volume("disk", { connection, pool: pool.name, capacity: "10MiB", retain: "delete" });
      for (const name of ["one", "two", "three"])
        new kvm.Domain(name, {
          connection, memory: ${JSON.stringify(memory)}, accelerator: "tcg", state: "paused", autostart: false,
          disks: name === "one" ? [{ path: disk.path }] : [],
          nics: [{ network: network.name }],
        });
    `;
  }

  get poolPath(): string {
    return join(this.daemon.folder, "pool");
  }

  /** Names of all that libvirt knows, and the files of the pool. */
  leftovers(): string[] {
    const listed = (kind: string, ...argv: string[]) =>
      this.virsh(...argv)
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map((line) => `${kind} ${line.trim()}`);
    return [
      ...listed("domain", "list", "--all", "--name"),
      ...listed("network", "net-list", "--all", "--name"),
      ...listed("pool", "pool-list", "--all", "--name"),
      ...(readdirSync(this.daemon.folder).includes("pool") ? readdirSync(this.poolPath) : []).map(
        (file) => `file ${file}`,
      ),
    ];
  }

  /** Runs `up` until it prints `until`, then lets `strike` at its process group. */
  strike(project: Project, until: string | RegExp, strike: (group: number) => Promise<void>): Promise<Interrupted> {
    return struck(project, until, strike);
  }

  async stop(): Promise<void> {
    for (const project of this.projects) await project.dispose();
    await this.daemon.stop();
  }
}

/** Runs `up` until it prints `until`, then lets `strike` at its process group. */
export function struck(
  project: Project,
  until: string | RegExp,
  strike: (group: number) => Promise<void>,
): Promise<Interrupted> {
  const child = project.start("up", "--yes", "--skip-preview");
  let printed = "";
  let begun: Promise<void> | undefined;
  const listen = (data: Buffer) => {
    printed += data.toString();
    if (begun === undefined && printed.search(until) >= 0) begun = strike(child.pid!);
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    // Its children may hold its output open for a while after it was killed.
    child.on("exit", (exitCode) => {
      if (begun === undefined) reject(new Error(`never printed ${until}:\n${printed}`));
      else begun.then(() => resolve({ printed, exitCode }), reject);
    });
  });
}

/** The processes that work in the project's folder, other than Pulumi's own, which end some minutes after their engine. */
export function processesIn(project: Project): { pid: number; argv: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (readlinkSync(`/proc/${name}/cwd`) !== project.folder) return [];
        const argv = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return [{ pid: Number(name), argv }];
      } catch {
        return [];
      }
    })
    .filter(({ argv }) => argv !== "" && !argv.includes("pulumi-language-nodejs"));
}

/** Waits until nothing of the project's runs any more. */
export async function ended(project: Project, seconds = 60): Promise<void> {
  for (const end = Date.now() + seconds * 1000; processesIn(project).length > 0; await sleep(100))
    if (Date.now() > end) throw new Error(`still there: ${JSON.stringify(processesIn(project))}`);
}

/** The lines under "Diagnostics:", the only ones that say why. */
export function diagnostics(printed: string): string {
  return printed.slice(printed.indexOf("\nDiagnostics:"));
}
