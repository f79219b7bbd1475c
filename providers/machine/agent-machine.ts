import { randomBytes } from "node:crypto";
import { AgentClient, largestInput, type AgentExit, type AgentTransport } from "./agent-client";
import { Deadline } from "./deadline";
import { BOOTSTRAP, pack } from "./envelope";
import { wholeInput } from "./feed";
import { PosixMachine, type Executed, type Execution } from "./posix-machine";
import { CLEAN, FETCH, STOP, SUPERVISE_DETACHED, UPLOAD } from "./supervise";
import { Trailer } from "./trailer";
import { UnreachableError } from "./unreachable-error";

/** Bytes moved by one agent command. */
const chunk = 2 * 1024 * 1024;
/** Bytes of each stream that are handed out with the exit code. */
const inline = 1024 * 1024;
/** How long a stopped command may take to die. */
const stopGrace = 15_000;

/** A guest, through the QEMU guest agent in it: needs no network and no key. Commands run as the agent's user, root. */
export class AgentMachine extends PosixMachine {
  private readonly client: AgentClient;

  constructor(label: string, transport: AgentTransport) {
    super(label);
    this.client = new AgentClient(this.label, transport);
  }

  async execute(argv: readonly string[], execution: Execution): Promise<Executed> {
    const token = randomBytes(16).toString("hex");
    const stdin = await wholeInput(execution.stdin);
    const uploaded = stdin.length > chunk;
    // A dead man's timer in the guest, in case this process cannot stop the command. Guest clocks may run fast.
    const limit = Math.ceil(execution.timeout / 1000) * 2 + 10;
    const options = { ...execution, stdin: uploaded ? undefined : stdin };
    const { bytes } = pack(argv, options, SUPERVISE_DETACHED, { limit, inline }, token);
    if (bytes.length > largestInput) throw new TypeError("the command and its environment exceed 2.5 MiB");

    const deadline = new Deadline(execution.timeout, execution.signal);
    try {
      if (uploaded) await this.upload(token, stdin, deadline.signal);
      if (deadline.signal.aborted) return { ...nothing, stopped: deadline.stopped };
      const pid = await this.client.start(BOOTSTRAP, [], bytes);
      const exit = await this.client.finish(pid, deadline.signal);
      if (exit) return await this.outcome(exit, token, execution);
      const late = await this.stop(token, pid);
      const { stdout, stderr, truncated } = late ? await this.outcome(late, token, execution) : nothing;
      return { stdout, stderr, truncated, stopped: deadline.stopped };
    } catch (error) {
      await this.clean(token);
      throw error;
    } finally {
      deadline.close();
      if (uploaded && deadline.signal.aborted) await this.clean(token);
    }
  }

  /** Without the dozen processes that supervise a command: in an emulated guest they take longer than the script. */
  protected override async brief(script: string, args: readonly string[], execution: Execution): Promise<Executed> {
    const stdin = await wholeInput(execution.stdin);
    if (stdin.length > chunk) return super.brief(script, args, { ...execution, stdin });
    const deadline = new Deadline(execution.timeout, execution.signal);
    try {
      if (deadline.signal.aborted) return { ...nothing, stopped: deadline.stopped };
      const exit = await this.client.finish(await this.client.start(script, args, stdin), deadline.signal);
      return exit ? { ...exit, truncated: false } : { ...nothing, stopped: deadline.stopped };
    } finally {
      deadline.close();
    }
  }

  private async upload(token: string, stdin: Buffer, until: AbortSignal): Promise<void> {
    for (let at = 0; at < stdin.length && !until.aborted; at += chunk)
      await this.client.script(UPLOAD, [token], stdin.subarray(at, at + chunk));
  }

  /** Stops the command; undefined when the guest does not manage to in time. */
  private async stop(token: string, pid: number): Promise<AgentExit | undefined> {
    const grace = AbortSignal.timeout(stopGrace);
    for (;;) {
      // Asked again and again, because the command may be just about to start.
      await this.client.script(STOP, [token]);
      const exit = await this.client.finish(pid, AbortSignal.any([grace, AbortSignal.timeout(1000)]));
      if (exit || grace.aborted) return exit;
    }
  }

  private async outcome(exit: AgentExit, token: string, execution: Execution): Promise<Executed> {
    const trailer = new Trailer(token);
    const stderr = Buffer.concat([trailer.filter(exit.stderr), trailer.rest()]);
    if (!trailer.ending)
      throw new UnreachableError(this.label, `the guest's shell ended early (exit code ${exit.exitCode})`, {
        output: stderr.toString(),
        mayHaveRun: true,
      });
    const { exitCode, spooled } = trailer.ending;
    const output = spooled ? await this.fetch(token, spooled, execution.limit) : { stdout: exit.stdout, stderr };
    if (output.stdout.length > 0) execution.onOutput?.("stdout", output.stdout);
    if (output.stderr.length > 0) execution.onOutput?.("stderr", output.stderr);
    return { truncated: false, ...output, exitCode };
  }

  private async fetch(token: string, sizes: { stdout: number; stderr: number }, limit: number) {
    const tail = async (file: string, size: number) => {
      const parts: Buffer[] = [];
      for (let at = Math.max(0, size - limit); at < size; at += chunk)
        parts.push(await this.client.script(FETCH, [token, file, String(at), String(Math.min(chunk, size - at))]));
      return Buffer.concat(parts);
    };
    const output = { stdout: await tail("out", sizes.stdout), stderr: await tail("err", sizes.stderr) };
    await this.clean(token);
    return { ...output, truncated: Math.max(sizes.stdout, sizes.stderr) > limit };
  }

  /** Removes the command's files. Where the guest is gone by now, they went with it or stay in its /var/tmp. */
  private async clean(token: string): Promise<void> {
    await this.client.script(CLEAN, [token]).catch(() => {});
  }
}

const nothing = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), truncated: false };
