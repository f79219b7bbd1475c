import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import * as path from "node:path";
import { LabLink } from "./lab-link";
import type { NodePlan } from "./lab-layout";
import { type ProcessId, processOf, runs } from "./lab-process";
import type { LabState } from "./lab-state";

export interface RunOptions {
  stdin?: string;
  env?: { [name: string]: string };
  /** Exit codes that are no failure beside 0; "any" for all. */
  accept?: readonly number[] | "any";
  /** Milliseconds; 60 s by default. */
  timeout?: number;
}

export interface RunResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export interface PingResult {
  sent: number;
  received: number;
  lost: number;
}

const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
};

/** A machine of the lab: its own network, processes, host name and files. */
export class LabNode {
  constructor(
    protected readonly state: LabState,
    readonly plan: NodePlan,
  ) {}

  get name(): string {
    return this.plan.name;
  }

  /** Process 1, as the machine counts; undefined while it is off. */
  get process(): ProcessId | undefined {
    const id = processOf(this.state.path(this.name, "pid"));
    return runs(id) ? id : undefined;
  }

  /** Addresses of its first NIC, without prefix length: IPv4, then IPv6. */
  get addresses(): string[] {
    return this.plan.nics[0]!.addresses.map((address) => address.split("/")[0]!);
  }

  get ipv4(): string {
    return this.addresses[0]!;
  }

  get ipv6(): string {
    return this.addresses[1]!;
  }

  /** A file of the node as the machine finds it, while the node is on. */
  path(inside: string): string {
    const id = this.process;
    if (!id) throw new Error(`${this.name} is off`);
    return path.join(`/proc/${id.pid}/root`, inside);
  }

  /** The argv that enters the node and runs `argv` in there. */
  argv(argv: readonly string[]): string[] {
    return ["sh", path.join(__dirname, "enter.sh"), this.state.path(this.name), ...argv];
  }

  /** Starts a command in the node; it dies with the process that this returns, and with the node. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [program, ...rest] = this.argv(argv);
    return spawn(program!, rest, { ...options, env: { ...environment, ...options.env } });
  }

  /** Runs a command in the node. Rejects when it fails, with what it printed. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const child = this.spawn(argv, { env: options.env, timeout: options.timeout ?? 60_000, killSignal: "SIGKILL" });
    const [stdout, stderr] = [child.stdout!, child.stderr!].map(collect) as [() => string, () => string];
    child.stdin!.on("error", () => {});
    child.stdin!.end(options.stdin ?? "");
    const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (...ended) => resolve(ended));
    });
    const { accept = [] } = options;
    if (exitCode === null || (exitCode !== 0 && accept !== "any" && !accept.includes(exitCode))) {
      const how = exitCode === null ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
      throw new Error(`${this.name}: ${argv.join(" ")}: ${how}: ${(stdout() + stderr()).trim().slice(-2000)}`);
    }
    return { stdout: stdout(), stderr: stderr(), exitCode };
  }

  /** Sends `count` pings, one every `interval` seconds, each answered within a second or lost. */
  async ping(target: string, { count = 3, interval = 0.02 } = {}): Promise<PingResult> {
    const argv = ["ping", "-n", "-q", "-c", String(count), "-i", String(interval), "-W", "1", target];
    const timeout = (count * interval + 30) * 1000;
    const { stdout, stderr } = await this.run(argv, { accept: "any", timeout });
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
    if (!sent) {
      // No route at all: nothing could be sent.
      if (/unreachable/i.test(stderr)) return { sent: count, received: 0, lost: count };
      throw new Error(`${this.name}: ping ${target}: ${(stdout + stderr).slice(-2000)}`);
    }
    return { sent: Number(sent), received: Number(received), lost: Number(sent) - Number(received) };
  }

  /** The body of a page, asked for from here; rejects when there is none within `timeout` seconds. */
  async get(url: string, { timeout = 5 } = {}): Promise<string> {
    const argv = ["curl", "--silent", "--show-error", "--fail", "--globoff", "--noproxy", "*"];
    return (await this.run([...argv, "--max-time", String(timeout), url])).stdout;
  }

  /** Serves `page` at http://NODE:port/ until the function is called that this resolves to. */
  async serve(page: string, { port = 80 } = {}): Promise<() => Promise<void>> {
    const folder = `/run/lab-page-${port}`;
    const script = 'mkdir -p "$1" && cat >"$1/index.html"';
    await this.run(["sh", "-c", script, "sh", folder], { stdin: page });
    const server = this.spawn(["busybox", "httpd", "-f", "-p", String(port), "-h", folder], { stdio: "ignore" });
    const listening = `until nc -z 127.0.0.1 "$1"; do sleep 0.02; done`;
    await this.run(["sh", "-c", listening, "sh", String(port)], { timeout: 10_000 });
    return async () => {
      const gone = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGKILL");
      await gone;
    };
  }

  /** The cable of a NIC, and the switch's port at its end. */
  link(nic: string): LabLink {
    const plan = this.plan.nics.find(({ name }) => name === nic);
    if (!plan) throw new Error(`${this.name} has no NIC ${nic}`);
    return new LabLink(this.state, this.name, nic, plan.segment);
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}
