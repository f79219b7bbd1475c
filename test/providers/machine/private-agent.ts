import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentTransport } from "../../../providers/machine/agent-client";

/** The true guest agent, running on this host behind a unix socket instead of in a guest behind libvirt. */
export class PrivateAgent {
  private static readonly program = "/usr/sbin/qemu-ga";
  private socket?: Socket;

  private constructor(
    private readonly folder: string,
    private readonly daemon: ChildProcess,
  ) {}

  /** Why it cannot run here; undefined when it can. */
  static missing(): string | undefined {
    if (process.getuid?.() !== 0) return "needs root, as the agent in a guest has it";
    return existsSync(PrivateAgent.program) ? undefined : "needs qemu-guest-agent";
  }

  static async start(...options: string[]): Promise<PrivateAgent> {
    const folder = mkdtempSync(join(tmpdir(), "kvm-agent-"));
    const path = join(folder, "socket");
    const argv = ["-m", "unix-listen", "-p", path, "-t", folder, "-f", join(folder, "pid"), ...options];
    // An almost empty environment, as systemd gives it.
    const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
    const agent = new PrivateAgent(folder, spawn(PrivateAgent.program, argv, { stdio: "ignore", env, cwd: "/" }));
    for (let attempt = 0; attempt < 200 && !existsSync(path); attempt++) await sleep(50);
    await agent.connect();
    return agent;
  }

  /** One command, one line back. An error of the agent's is worded as libvirt does it. */
  readonly transport: AgentTransport = async (command) => {
    // libvirt carries no longer strings.
    if (command.length > 4194304) throw new Error("the command is too long for libvirt");
    const line = await this.exchange(command);
    if (line.length > 4194304) throw new Error("the answer is too long for libvirt");
    const { error } = JSON.parse(line) as { error?: { desc: string } };
    const { execute } = JSON.parse(command) as { execute: string };
    if (error) throw new Error(`internal error: unable to execute QEMU agent command '${execute}': ${error.desc}`);
    return line;
  };

  async stop(): Promise<void> {
    this.socket?.destroy();
    const exited = new Promise((resolve) => this.daemon.once("exit", resolve));
    this.daemon.kill("SIGKILL"); // It may be deaf to SIGTERM while it waits for a connection.
    await exited;
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async connect(): Promise<void> {
    this.socket = connect(join(this.folder, "socket"));
    await new Promise((resolve, reject) => this.socket!.once("connect", resolve).once("error", reject));
    this.socket.setMaxListeners(0);
  }

  private exchange(command: string): Promise<string> {
    const socket = this.socket!;
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      const take = (data: Buffer) => {
        parts.push(data);
        if (data.at(-1) !== 10) return;
        done();
        resolve(Buffer.concat(parts).toString());
      };
      const fail = () => {
        done();
        reject(new Error("the agent closed the connection"));
      };
      const done = () => socket.off("data", take).off("close", fail);
      socket.on("data", take).on("close", fail);
      socket.write(`${command}\n`);
    });
  }
}
