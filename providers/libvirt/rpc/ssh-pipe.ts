import { type ChildProcess, spawn } from "node:child_process";
import { Duplex, type Readable, type Writable } from "node:stream";
import type { Socket } from "node:net";

/** Milliseconds for the last words on standard error after the process is gone, and for its going after it hung up. */
const LAST_WORDS = 100;
const GOING = 2000;
const KEPT = 2000;

/** A process's standard input and output as one byte stream; its end comes with the process's. */
export class SshPipe extends Duplex {
  /** The last lines of standard error. */
  said = "";
  /** Why the process could not be started or how it ended. */
  ended?: { code: number | null; signal: NodeJS.Signals | null } | Error;

  private readonly child: ChildProcess;
  private readonly input: Writable;
  private readonly output: Readable;

  constructor(argv: readonly string[]) {
    super();
    this.child = spawn(argv[0]!, argv.slice(1), { stdio: ["pipe", "pipe", "pipe"] });
    this.input = this.child.stdin!;
    this.output = this.child.stdout!;
    this.output.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) this.output.pause();
    });
    this.child.stderr!.on("data", (chunk: Buffer) => {
      this.said = (this.said + chunk.toString("utf8")).slice(-KEPT);
    });
    // A write to a process that is gone; how it went says more.
    this.input.on("error", () => {});
    this.output.on("end", () => this.over(GOING));
    this.child.on("error", (error) => {
      this.ended = error;
      this.over(0);
    });
    // Not "close": a ControlMaster left behind may hold standard error open.
    this.child.on("exit", (code, signal) => {
      this.ended = { code, signal };
      this.over(LAST_WORDS);
    });
  }

  /** Keeps the process alive, or lets it go. */
  keep(alive: boolean): void {
    for (const part of [this.child, this.input, this.output, this.child.stderr] as unknown as Socket[]) {
      if (alive) part.ref();
      else part.unref();
    }
  }

  override _read(): void {
    this.output.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.input.write(chunk)) done();
    else this.input.once("drain", () => done());
  }

  override _final(done: () => void): void {
    this.input.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.input.destroy();
    this.output.destroy();
    if (!this.ended) this.child.kill();
    done(error);
  }

  private over(grace: number): void {
    setTimeout(() => this.push(null), grace).unref();
  }
}
