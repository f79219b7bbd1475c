import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BOOTSTRAP, pack } from "../../../providers/machine/envelope";
import { launch } from "../../../providers/machine/launch";
import { PosixMachine, type Executed, type Execution } from "../../../providers/machine/posix-machine";
import { SUPERVISE } from "../../../providers/machine/supervise";

/**
 * Begins the namespace: this machine's system, in which what is written is seen by nobody else and gone in the end. Its
 * first process reaps all others, and ends with the test's.
 */
const BOOT = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
for folder in etc var srv usr root; do
  mkdir "$1/$folder" "$1/.$folder"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$1/$folder,workdir=$1/.$folder" "/$folder"
done
mount -t tmpfs tmpfs /run
mkdir /run/lock
mount -t sysfs sysfs /sys || true
ip link set lo up
echo up
while :; do sleep 3600; done`;

/**
 * A machine like this one, with the same programs, in namespaces: files, network and processes of its own, and the
 * distribution's init scripts. It is there in a moment, and nothing of it outlives the test.
 */
export class NamespaceMachine extends PosixMachine {
  /** Why there can be none here; undefined when there can. */
  static get obstacle(): string | undefined {
    if (process.getuid?.() !== 0) return "needs root, for namespaces of its own";
    try {
      execFileSync("unshare", ["--mount", "--net", "--pid", "--fork", "true"], { stdio: "ignore" });
      return readFileSync("/proc/filesystems", "utf8").includes("overlay") ? undefined : "needs overlayfs";
    } catch {
      return "namespaces cannot be made here";
    }
  }

  private constructor(
    label: string,
    private readonly leader: ChildProcess,
    readonly pid: string,
    private readonly folder: string,
  ) {
    super(label);
  }

  static async start(label = "machine"): Promise<NamespaceMachine> {
    const folder = mkdtempSync(join(tmpdir(), "kvm-machine-"));
    const unshare = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const leader = spawn("unshare", [...unshare, "sh", "-c", BOOT, "sh", folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = (await Promise.race([once(leader.stdout!, "data"), once(leader, "exit")])) as [Buffer | number];
    if (String(said).trim() !== "up") throw new Error(`the namespace did not come up: ${String(said)}`);
    const pid = readFileSync(`/proc/${leader.pid}/task/${leader.pid}/children`, "utf8").trim();
    return new NamespaceMachine(label, leader, pid, folder);
  }

  /** The argv that runs a command inside. */
  argv(argv: readonly string[]): string[] {
    return ["nsenter", "--target", this.pid, "--mount", "--net", "--pid", "--root", "--wd=/", "--", ...argv];
  }

  /** What a command inside says; it must not fail. */
  say(...argv: string[]): string {
    return execFileSync("nsenter", this.argv(argv).slice(1), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  spawn(argv: readonly string[], stdio: "ignore" | ["ignore", "pipe", "inherit"] = "ignore"): ChildProcess {
    return spawn("nsenter", this.argv(argv).slice(1), { stdio });
  }

  async execute(argv: readonly string[], execution: Execution): Promise<Executed> {
    const envelope = pack(argv, execution, SUPERVISE);
    const done = await launch(this.argv(["sh", "-c", BOOTSTRAP]), envelope, { ...execution, killGroup: true });
    if (done.exitCode !== undefined || done.stopped) return done;
    throw new Error(`${this.label}: ${done.stderr.toString()}`);
  }

  async stop(): Promise<void> {
    if (this.leader.exitCode === null && this.leader.signalCode === null) {
      const ended = once(this.leader, "exit");
      // --kill-child ends all that is inside.
      this.leader.kill("SIGKILL");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
