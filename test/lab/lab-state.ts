import { type ChildProcess, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import * as path from "node:path";
import type { MachineSpec } from "../../providers/machine/machine";
import type { HostNetwork } from "./lab-layout";
import type { ProcessId } from "./lab-process";
import type { Files } from "./files";

/** Gone at the machine's reboot, as the labs' processes are. */
export const labsFolder = "/run/pulumi-kvm-lab";
const disksFolder = "/var/tmp/pulumi-kvm-lab";
/** Where environments for a lab build their images: its hosts see this folder of the machine. */
const imagesFolder = "/var/cache/pulumi-kvm-lab";
/** What libvirt found out about QEMU, which takes it a second. */
const capabilitiesFolder = "/var/cache/pulumi-kvm/lab-capabilities";

export type Driver = "qemu" | "lxc";

/** A host as lab.json tells it to programs that want to use it. */
export interface HostRecord {
  /** Through ssh from the station, as on a real network. */
  uris: { [D in Driver]: string };
  /** The same libvirtd through its socket, without the network. */
  socketUris: { [D in Driver]: string };
  machine: Extract<MachineSpec, { kind: "ssh" }>;
  /** Of eth0 at the first boot. */
  addresses: string[];
  network: HostNetwork;
  disk?: number;
}

/** lab.json. */
export interface LabRecord {
  name: string;
  /** In the order of their addresses. */
  hosts: { [name: string]: HostRecord };
  lanDhcp: boolean;
  /** The test that made it; without one, the lab stays until it is taken down. */
  owner?: ProcessId;
}

/** The folders of the lab `name`. */
export class LabState {
  readonly folder: string;
  readonly disks: string;

  constructor(readonly name: string) {
    this.folder = path.join(labsFolder, name);
    this.disks = path.join(disksFolder, name);
  }

  static names(): string[] {
    try {
      return readdirSync(labsFolder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name);
    } catch {
      return [];
    }
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** Undefined where there is no such lab, or one whose first moments were interrupted. */
  read(): LabRecord | undefined {
    try {
      return JSON.parse(readFileSync(this.path("lab.json"), "utf8")) as LabRecord;
    } catch {
      return undefined;
    }
  }

  write(record: LabRecord): void {
    mkdirSync(imagesFolder, { recursive: true });
    this.put("lab.json", `${JSON.stringify(record, undefined, 2)}\n`);
  }

  /** Writes a file of the lab at once or not at all. */
  put(name: string, content: string, mode = 0o644): void {
    const file = this.path(name);
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(`${file}.new`, content, { mode });
    renameSync(`${file}.new`, file);
  }

  /** What the node has from its first boot. */
  putFiles(node: string, files: Files): void {
    for (const [name, file] of Object.entries(files)) {
      const { content, mode } = typeof file === "string" ? { content: file, mode: 0o644 } : file;
      this.put(path.join(node, "files", name), content, mode);
    }
  }

  /** Gives later labs what this one's daemons found out about QEMU. Where it is outdated, libvirt asks QEMU itself. */
  keepCapabilities(): void {
    for (const host of Object.keys(this.read()?.hosts ?? {}))
      copyNew(path.join(this.disks, host, "upper/var/cache/libvirt/qemu/capabilities"), capabilitiesFolder);
  }

  useCapabilities(): void {
    copyNew(capabilitiesFolder, this.path("capabilities"));
  }

  remove(): void {
    for (const folder of [this.disks, this.folder]) rmSync(folder, { recursive: true, force: true });
  }

  /** Alone among all processes that work on this lab. A holder that dies lets go. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    mkdirSync(labsFolder, { recursive: true, mode: 0o755 });
    const lock = `${this.folder}.lock`;
    const holder = spawn("sh", ["-c", lockScript, "sh", lock], { stdio: ["pipe", "pipe", "inherit"] });
    await begun(holder);
    try {
      return await work();
    } finally {
      if (!existsSync(this.folder)) rmSync(lock, { force: true });
      const gone = new Promise((resolve) => holder.once("exit", resolve));
      holder.stdin!.end();
      await gone;
    }
  }
}

/** Holds the lock until its input ends. A lock that was removed while this waited for it counts no more. */
const lockScript = 'until exec 9>"$1" && flock 9 && [ "$1" -ef /proc/self/fd/9 ]; do :; done; echo; exec cat';

function begun(holder: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    holder.stdout!.once("data", () => resolve());
    holder.once("error", reject);
    holder.once("exit", (code) => reject(new Error(`the lock's holder ended with exit code ${code}`)));
  });
}

function copyNew(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(to, { recursive: true, mode: 0o755 });
  for (const name of readdirSync(from)) {
    const file = path.join(to, name);
    copyFileSync(path.join(from, name), `${file}.new-${process.pid}`);
    renameSync(`${file}.new-${process.pid}`, file);
  }
}
