import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Folders of libvirt that each private daemon has of its own. */
const folders = {
  run: "/run",
  lib: "/var/lib/libvirt",
  etc: "/etc/libvirt",
  log: "/var/log/libvirt",
  cache: "/var/cache/libvirt",
};

export interface PrivateOptions {
  /** Lines of libvirtd.conf. */
  config?: string[];
  /** Also listens on TCP or TLS, as `config` says: then it stays in the machine's network namespace. */
  listen?: boolean;
}

/**
 * A real libvirtd with a mount namespace, and unless it listens a network namespace, of its own: it can be killed, and
 * what it makes touches nothing of the machine's. Needs root. /dev/kvm is hidden from it, so that its guests are emulated.
 */
export class PrivateLibvirtd {
  private child?: ChildProcess;
  /** Keeps the network namespace while no process is in it: the guests' links outlive a crash. */
  private network?: number;
  private readonly namespaces = new Set<string | undefined>();

  private constructor(
    readonly folder: string,
    private readonly listens: boolean,
  ) {}

  /** Why none can be started here; undefined when one can. */
  static get obstacle(): string | undefined {
    if (process.getuid?.() !== 0) return "needs root";
    const found = (process.env["PATH"] ?? "").split(":").concat("/usr/sbin", "/sbin");
    const missing = ["libvirtd", "unshare"].filter((name) => !found.some((path) => existsSync(join(path, name))));
    return missing.length > 0 ? `needs ${missing.join(" and ")}` : undefined;
  }

  static async start({ config = [], listen = false }: PrivateOptions = {}): Promise<PrivateLibvirtd> {
    const daemon = new PrivateLibvirtd(mkdtempSync(join(tmpdir(), "private-libvirtd-")), listen);
    for (const name of Object.keys(folders)) mkdirSync(join(daemon.folder, name), { mode: 0o755 });
    mkdirSync(join(daemon.folder, "run/lock"));
    // Packages bring it along; the driver does not make it before a guest's console is logged there.
    mkdirSync(join(daemon.folder, "log/qemu"));
    // QEMU's user has to get at its sockets below.
    chmodSync(daemon.folder, 0o755);
    writeFileSync(join(daemon.folder, "nothing"), "", { mode: 0o600 });
    writeFileSync(join(daemon.folder, "etc/libvirtd.conf"), ['auth_unix_rw = "none"', ...config, ""].join("\n"));
    writeFileSync(join(daemon.folder, "etc/qemu.conf"), 'stdio_handler = "file"\nnamespaces = []\n');
    try {
      await daemon.restart();
    } catch (error) {
      await daemon.stop();
      throw error;
    }
    return daemon;
  }

  get socketPath(): string {
    return join(this.folder, "run/libvirt/libvirt-sock");
  }

  get pid(): number {
    return this.child!.pid!;
  }

  /** `driver` as in "qemu:///system". */
  uri(driver: string): string {
    return `${driver}?socket=${this.socketPath}`;
  }

  /** Starts it, or starts it again after `kill`, with everything it had. */
  async restart(): Promise<void> {
    const binds = Object.entries(folders).map(([name, path]) => `mount --bind ${join(this.folder, name)} ${path}`);
    const script = [
      "set -e",
      ...binds,
      `if test -e /dev/kvm; then mount --bind ${join(this.folder, "nothing")} /dev/kvm; fi`,
      `exec libvirtd ${this.listens ? "--listen" : ""}`,
    ];
    const log = openSync(join(this.folder, "output"), "a");
    const namespaces = this.listens || this.network !== undefined ? ["--mount"] : ["--mount", "--net"];
    const enter = this.network === undefined ? [] : ["nsenter", `--net=/proc/${process.pid}/fd/${this.network}`];
    rmSync(this.socketPath, { force: true });
    const [program, ...argv] = [...enter, "unshare", ...namespaces, "sh", "-c", script.join("\n")];
    this.child = spawn(program!, argv, { stdio: ["ignore", log, log] });
    closeSync(log);
    while (!(await answers(this.socketPath))) {
      if (this.child.exitCode !== null) {
        throw new Error(`libvirtd ended: ${readFileSync(join(this.folder, "output"), "utf8").slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (!this.listens) this.network ??= openSync(`/proc/${this.pid}/ns/net`, "r");
    this.namespaces.add(mountNamespace(this.pid));
    this.namespaces.delete(undefined);
  }

  /** Ends it as a crash does. */
  kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  }

  /** Processes of its pid files that live in one of its mount namespaces, and so are surely its own. */
  private leftovers(): number[] {
    return readdirSync(join(this.folder, "run"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".pid"))
      .map((name) => Number(readFileSync(join(this.folder, "run", name), "utf8")))
      .filter((pid) => this.namespaces.has(mountNamespace(pid)));
  }

  /** Ends it and what it left running: guests, dnsmasq. */
  async stop(): Promise<void> {
    await this.kill("SIGTERM");
    for (const pid of this.leftovers()) process.kill(pid, "SIGKILL");
    if (this.network !== undefined) closeSync(this.network);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function mountNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
