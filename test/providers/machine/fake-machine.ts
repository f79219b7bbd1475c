import { createHash } from "node:crypto";
import { posix } from "node:path";
import { CommandError } from "../../../providers/machine/command-error";
import { displayArgv } from "../../../providers/machine/shell-quote";
import type {
  FileStatus,
  Machine,
  RunOptions,
  RunResult,
  StatusOptions,
  WriteOptions,
} from "../../../providers/machine/machine";
import { NotFoundError } from "../../../providers/machine/not-found-error";

export type Answer =
  Partial<RunResult> | Error | ((argv: readonly string[], options: RunOptions) => Partial<RunResult>);

interface FakeFile {
  type: FileStatus["type"];
  content: Buffer;
  mode: number;
  owner: string;
  group: string;
}

const numbers: { [name: string]: number } = { root: 0, daemon: 1, "www-data": 33 };

/**
 * A machine in memory, for unit tests of what works on machines: files, a few file commands, and scripted answers for
 * all others. A command that no answer was scripted for fails the test.
 */
export class FakeMachine implements Machine {
  readonly files = new Map<string, FakeFile>();
  /** Every command that was run and has an answer scripted, with its options. */
  readonly ran: { argv: readonly string[]; options: RunOptions }[] = [];
  private readonly scripts: { match: RegExp; answers: Answer[] }[] = [];
  /** When set, everything fails with it: the machine is away. */
  away?: Error;

  constructor(readonly label = "guest web-1") {
    this.folder("/");
  }

  /**
   * Answers commands whose words, joined by blanks, match. With several answers each command gets the next one, and the
   * last stays. What was scripted later wins.
   */
  on(match: RegExp, ...answers: Answer[]): this {
    this.scripts.unshift({ match, answers: answers.length > 0 ? answers : [{}] });
    return this;
  }

  /** The commands that were run, as an operator would type them. */
  get commands(): string[] {
    return this.ran.map(({ argv }) => displayArgv(argv, 1000));
  }

  folder(...paths: string[]): this {
    for (const path of paths) this.put(path, { type: "directory", mode: 0o755 });
    return this;
  }

  file(path: string, content: string, attributes: Partial<FakeFile> = {}): this {
    this.put(path, { content: Buffer.from(content), ...attributes });
    return this;
  }

  text(path: string): string | undefined {
    return this.files.get(path)?.content.toString();
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    options.signal?.throwIfAborted();
    if (this.away) throw this.away;
    const line = argv.join(" ");
    const script = this.scripts.find(({ match }) => match.test(line));
    if (!script) return this.ending(argv, options, this.fileCommand(argv));
    this.ran.push({ argv, options });
    const answer = script.answers.length > 1 ? script.answers.shift()! : script.answers[0]!;
    if (answer instanceof Error) throw answer;
    return this.ending(argv, options, typeof answer === "function" ? answer(argv, options) : answer);
  }

  async read(path: string): Promise<Buffer> {
    if (this.away) throw this.away;
    const file = this.files.get(path);
    if (!file) throw new NotFoundError(path, this.label);
    return file.content;
  }

  async write(path: string, data: Buffer | string, options: WriteOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.away) throw this.away;
    const { mode = 0o644, owner = "root", group = "root" } = options;
    if (this.files.get(posix.dirname(path))?.type !== "directory")
      throw this.failure(["write", path], "no such folder");
    this.put(path, { content: Buffer.from(data), mode, owner, group });
  }

  async status(path: string, options: StatusOptions = {}): Promise<FileStatus | undefined> {
    if (this.away) throw this.away;
    const file = this.files.get(path);
    if (!file) return undefined;
    const { type, content, mode, owner, group } = file;
    const sha256 = createHash("sha256").update(content).digest("hex");
    return {
      type,
      mode,
      owner,
      group,
      uid: numbers[owner] ?? 1000,
      gid: numbers[group] ?? 1000,
      size: content.length,
      ...(options.digest && type === "file" && { sha256 }),
    };
  }

  async remove(path: string): Promise<void> {
    if (this.away) throw this.away;
    for (const name of [...this.files.keys()])
      if (name === path || name.startsWith(`${path}/`)) this.files.delete(name);
  }

  private put(path: string, attributes: Partial<FakeFile>): void {
    const plain = { type: "file" as const, content: Buffer.alloc(0), mode: 0o644, owner: "root", group: "root" };
    this.files.set(path, { ...plain, ...attributes });
  }

  private failure(argv: readonly string[], stderr: string, exitCode = 1): CommandError {
    return new CommandError({ argv, machine: this.label, exitCode, stdout: "", stderr });
  }

  private ending(argv: readonly string[], options: RunOptions, answer: Partial<RunResult>): RunResult {
    const result = { exitCode: 0, stdout: "", stderr: "", truncated: false, ...answer };
    if (!(options.accept ?? [0]).includes(result.exitCode))
      throw new CommandError({ argv, machine: this.label, ...result });
    return result;
  }

  /** The file commands that resources use, as far as they use them. */
  private fileCommand(argv: readonly string[]): Partial<RunResult> {
    const [program] = argv;
    const paths = argv.slice(argv.indexOf("--") + 1);
    const [from, to] = paths;
    switch (program) {
      case "cp":
      case "mv":
        this.files.set(to!, this.files.get(from!)!);
        if (program === "mv") this.files.delete(from!);
        return {};
      case "mkdir":
        for (const path of paths) for (let at = path; !this.files.has(at); at = posix.dirname(at)) this.folder(at);
        return {};
      case "rmdir": {
        const full = (path: string) => [...this.files.keys()].some((name) => name.startsWith(`${path}/`));
        for (const path of paths) if (!full(path)) this.files.delete(path);
        return { exitCode: paths.some((path) => this.files.has(path)) ? 1 : 0 };
      }
    }
    throw new Error(`no answer was scripted for: ${displayArgv(argv)}`);
  }
}
