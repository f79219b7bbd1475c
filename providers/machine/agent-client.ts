import { setTimeout as sleep } from "node:timers/promises";
import { Limiter } from "./limiter";
import { UnreachableError } from "./unreachable-error";

/**
 * Carries one JSON command to the guest agent and its JSON answer back. Throws UnreachableError where the agent cannot
 * be reached, any other error for what the agent itself refused.
 */
export type AgentTransport = (command: string, timeoutSeconds: number) => Promise<string>;

/** The agent's answer to guest-exec-status (https://qemu.readthedocs.io/en/latest/interop/qemu-ga-ref.html). */
interface ExecStatus {
  exited: boolean;
  exitcode?: number;
  signal?: number;
  "out-data"?: string;
  "err-data"?: string;
}

export interface AgentExit {
  exitCode: number;
  signal?: number;
  stdout: Buffer;
  stderr: Buffer;
}

const commandTimeout = 60;
/** libvirt carries strings of at most 4 MiB; base64 and JSON need the rest. */
export const largestInput = 2.5 * 1024 * 1024;
const firstPause = 5;
const longestPause = 200;
const pollAttempts = 3;

/** Runs shell scripts in a guest through its agent: one agent command at a time, in the order they come. */
export class AgentClient {
  private readonly queue = new Limiter(1);

  constructor(
    private readonly label: string,
    private readonly transport: AgentTransport,
  ) {}

  /** Starts `sh -c script sh args...`; its pid. */
  async start(script: string, args: readonly string[], stdin: Buffer): Promise<number> {
    const input = stdin.length > 0 ? { "input-data": stdin.toString("base64") } : {};
    const arg = ["-c", script, "sh", ...args];
    const { pid } = await this.command<{ pid: number }>("guest-exec", {
      path: "/bin/sh",
      arg,
      "capture-output": true,
      ...input,
    });
    return pid;
  }

  /**
   * Waits for a process that `start` made. The agent tells of an exit only when asked, so it is asked at growing
   * intervals; it forgets the process with the answer that has the exit code.
   */
  async finish(pid: number, until?: AbortSignal): Promise<AgentExit | undefined> {
    for (let pause = firstPause; ; pause = Math.min(pause * 1.5, longestPause)) {
      const status = await this.status(pid);
      if (status.exited)
        return {
          exitCode: status.exitcode ?? 128 + (status.signal ?? 0),
          signal: status.signal,
          stdout: Buffer.from(status["out-data"] ?? "", "base64"),
          stderr: Buffer.from(status["err-data"] ?? "", "base64"),
        };
      if (until?.aborted) return undefined;
      await sleep(pause, undefined, { signal: until }).catch(() => {});
    }
  }

  /** Runs a script of our own to its end; throws where it fails. */
  async script(script: string, args: readonly string[], stdin: Buffer = Buffer.alloc(0)): Promise<Buffer> {
    const exit = (await this.finish(await this.start(script, args, stdin)))!;
    if (exit.exitCode === 0) return exit.stdout;
    const output = exit.stderr.toString();
    throw new UnreachableError(this.label, `preparing the command failed (exit code ${exit.exitCode})`, { output });
  }

  private async status(pid: number): Promise<ExecStatus> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.command<ExecStatus>("guest-exec-status", { pid });
      } catch (cause) {
        const transient = cause instanceof UnreachableError;
        if (transient && attempt < pollAttempts) {
          await sleep(1000);
          continue;
        }
        const reason = transient
          ? "the guest agent stopped answering while a command ran"
          : "the guest agent no longer knows the command it ran: the guest or its agent was restarted";
        const output = cause instanceof Error ? cause.message : String(cause);
        throw new UnreachableError(this.label, reason, { output, mayHaveRun: true, cause });
      }
    }
  }

  private async command<Result>(execute: string, args: object): Promise<Result> {
    const json = JSON.stringify({ execute, arguments: args });
    const answer = await this.queue.run(() => this.transport(json, commandTimeout));
    return (JSON.parse(answer) as { return: Result }).return;
  }
}
