import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guestJobScript } from "../../../providers/backup/guest-job-script";
import { OwnLibvirt } from "../handlers/own-libvirt";
import { bringBack, remove } from "./tree";

const mebibyte = 1024 * 1024;

/** A paused guest with one disk under a libvirtd of its own, and a job that backs it up. */
export class GuestJobLab {
  readonly target: string;
  readonly program: string;
  readonly name = "job";
  readonly guest = "guest";
  /** What the guest's disk has to have in it. */
  readonly content: Buffer;
  private count = 0;

  private constructor(
    readonly libvirt: OwnLibvirt,
    readonly folder: string,
    /** MiB */
    readonly size: number,
  ) {
    this.target = join(folder, "target");
    this.program = join(folder, `kvm-guest-backup-${this.name}`);
    this.content = Buffer.alloc(size * mebibyte);
    writeFileSync(this.program, guestJobScript, { mode: 0o755 });
    this.configure();
  }

  static async start(context: Mocha.Context, size = 4, prepare: (folder: string) => void = () => {}) {
    const folder = mkdtempSync("/var/tmp/kvm-guest-backup-test-");
    chmodSync(folder, 0o711);
    mkdirSync(join(folder, "target"), { mode: 0o711 });
    // Before the daemon starts, which sees no mounts that come later.
    prepare(folder);
    const lab = new GuestJobLab(await OwnLibvirt.start(context), folder, size);
    lab.makeDisk("disk.qcow2");
    lab.define();
    return lab;
  }

  get disk(): string {
    return join(this.folder, "disk.qcow2");
  }

  get repository(): string {
    return join(this.target, this.name);
  }

  makeDisk(name: string, format = "qcow2"): string {
    const path = join(this.folder, name);
    const { status, stderr } = spawnSync("qemu-img", ["create", "-q", "-f", format, path, `${this.size}M`]);
    if (status !== 0) throw new Error(stderr.toString());
    chmodSync(path, 0o666);
    return path;
  }

  /** Defines the guest and starts it, paused. */
  define(more = ""): void {
    const xml = join(this.folder, "guest.xml");
    writeFileSync(
      xml,
      `<domain type='qemu'><name>${this.guest}</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${this.disk}'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>${more}</devices></domain>`,
    );
    this.virsh("define", xml);
    this.virsh("start", this.guest, "--paused");
  }

  undefine(): void {
    this.virsh("destroy", this.guest);
    this.virsh("undefine", this.guest, "--checkpoints-metadata");
  }

  virsh(...argv: string[]): string {
    return this.libvirt.run("virsh", "-q", "-c", this.libvirt.uri, ...argv);
  }

  get checkpoints(): string[] {
    return this.virsh("checkpoint-list", this.guest, "--name")
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  }

  /** Writes through the guest's QEMU, as the guest would. */
  write(pattern: number, offset: number, length: number): void {
    this.monitor(pattern === 0 ? `write -z ${offset} ${length}` : `write -P ${pattern} ${offset} ${length}`);
    this.content.fill(pattern, offset, offset + length);
  }

  private monitor(command: string): void {
    const said = this.virsh(
      ...["qemu-monitor-command", this.guest, "--hmp"],
      `qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "${command}"`,
    );
    if (!/wrote|^\s*$/.test(said)) throw new Error(said);
  }

  configure(lines: string[] = []): void {
    writeFileSync(
      join(this.folder, "job.conf"),
      [
        ...[`name ${this.name}`, `guest ${this.guest}`, `connection ${this.libvirt.uri}`, `target ${this.target}`],
        ...[`state ${join(this.folder, "state")}`, ...lines, ""],
      ].join("\n"),
    );
  }

  run(...argv: string[]): { status: number | null; said: string } {
    const { status, stdout, stderr } = spawnSync(this.program, this.arguments(argv), { encoding: "utf8" });
    return { status, said: `${stdout}${stderr}`.trim() };
  }

  /** In a process group of its own; `path` goes before the machine's programs. */
  spawn(argv: string[], path: string): ChildProcess {
    const env = { ...process.env, PATH: `${path}:${process.env["PATH"]}` };
    return spawn(this.program, this.arguments(argv), { detached: true, stdio: "ignore", env });
  }

  private arguments(argv: string[]): string[] {
    return ["--config", join(this.folder, "job.conf"), ...argv];
  }

  /** The published points' manifests, the oldest first. */
  get points(): { path: string; manifest: { [field: string]: any } }[] {
    return readdirSync(this.repository)
      .sort()
      .flatMap((chain) =>
        readdirSync(join(this.repository, chain))
          .sort()
          .map((file) => join(this.repository, chain, file)),
      )
      .filter((path) => path.endsWith(".json"))
      .map((path) => ({ path, manifest: JSON.parse(readFileSync(path, "utf8")) }));
  }

  get files(): string[] {
    return readdirSync(this.repository, { recursive: true, encoding: "utf8" }).sort();
  }

  get status(): { [field: string]: any } {
    return JSON.parse(readFileSync(join(this.folder, "state/status.json"), "utf8"));
  }

  /** What is in the disk of a point, restored. */
  restored(at: string): Buffer {
    const to = join(this.folder, `restored-${++this.count}`);
    const { status, said } = this.run("restore", "--at", at, "--to", to);
    if (status !== 0) throw new Error(said);
    return this.raw(to);
  }

  raw(image: string): Buffer {
    const out = join(this.folder, `raw-${++this.count}`);
    const { status, stderr } = spawnSync("qemu-img", ["convert", "-O", "raw", image, out]);
    if (status !== 0) throw new Error(stderr.toString());
    return readFileSync(out);
  }

  async stop(): Promise<void> {
    await this.libvirt.stop();
    bringBack(this.folder);
    remove(this.folder);
  }
}
