import { randomBytes } from "node:crypto";
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { jobConfig } from "../../../providers/backup/config";
import { jobScript } from "../../../providers/backup/job-script";
import { tarBackupSchema } from "../../../providers/schema/tar-backup";
import { bringBack, remove } from "./tree";

export interface Ended {
  status: number | null;
  stdout: string;
  /** What it said. */
  said: string;
}

export interface Point {
  chain: string;
  run: string;
  level: number;
  folder: string;
  manifest: { [field: string]: any };
}

/** A job with a source, a repository and notes in a folder of its own; its program runs as on any machine. */
export class JobLab {
  readonly folder: string;
  readonly source: string;
  readonly target: string;
  readonly program: string;
  /** Arguments beside those that every test has. */
  settings: { [field: string]: unknown } = {};
  /** Lines that are put at the end of the configuration. */
  lines = "";
  /** Milliseconds that one verb may take. */
  patience = 50_000;
  /** Programs that go before the machine's own. */
  readonly bin: string;

  constructor(
    readonly name = "job",
    /** The file system has to be one that keeps inodes and extended attributes. */
    parent = "/var/tmp",
  ) {
    this.folder = mkdtempSync(join(parent, "kvm-backup-test-"));
    this.source = join(this.folder, "source");
    this.target = join(this.folder, "target");
    this.bin = join(this.folder, "bin");
    this.program = join(this.folder, `kvm-backup-${name}`);
    for (const folder of [this.source, this.target, this.bin]) mkdirSync(folder);
    writeFileSync(this.program, jobScript, { mode: 0o755 });
  }

  /** With a folder, a file in it, and something that cannot be compressed. */
  static small(): JobLab {
    const lab = new JobLab();
    lab.write("folder/file", "content\n");
    lab.write("random", randomBytes(100_000));
    return lab;
  }

  /** After three runs, each a level more: a folder has moved, a file has gone, one has come. */
  static threeLevels(): JobLab {
    const lab = new JobLab();
    lab.settings = { split: "20KiB" };
    lab.write("anna/letter.txt", "first");
    lab.write("anna/photos/1.jpg", randomBytes(30_000).toString("hex"));
    lab.write("bob/deep/note.txt");
    lab.write("gone.txt");
    lab.done("run");
    lab.write("anna/letter.txt", "second");
    rmSync(join(lab.source, "gone.txt"));
    renameSync(join(lab.source, "anna/photos"), join(lab.source, "anna/pictures"));
    lab.done("run");
    lab.write("new.txt");
    lab.done("run");
    return lab;
  }

  /** The names of all in a folder, as paths from it. */
  static names(folder: string): string[] {
    return existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String).sort() : [];
  }

  /** Why it cannot work here; undefined when it can. */
  static missing(...more: string[]): string | undefined {
    if (process.getuid?.() !== 0) return "needs root, to keep and restore owners";
    const without = ["tar", "zstd", "flock", "getfattr", "setfattr", "setfacl", ...more].filter(
      (tool) => spawnSync("sh", ["-c", 'command -v "$1"', "sh", tool]).status !== 0,
    );
    return without.length === 0 ? undefined : `needs ${without.join(", ")}`;
  }

  get repository(): string {
    return join(this.target, this.name);
  }
  get state(): string {
    return join(this.folder, "state");
  }

  /** The configuration, checked as a program's arguments are. */
  get config(): string {
    const parsed = v.parse(tarBackupSchema, {
      machine: { kind: "local" },
      name: this.name,
      paths: [this.source],
      target: this.target,
      full: 100,
      nice: 0,
      ...this.settings,
    });
    const file = join(this.folder, "conf");
    writeFileSync(file, jobConfig({ ...parsed, state: this.state }) + this.lines);
    return file;
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, PATH: `${this.bin}:${process.env["PATH"]}`, TMPDIR: this.folder };
  }

  /** A file of the source, with what is above it. */
  write(name: string, content: string | Buffer = name): void {
    const file = join(this.source, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /** A program of that name before the machine's own, which is $real. */
  wrap(name: string, script: string): void {
    const real = execFileSync("sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8" }).trim();
    writeFileSync(join(this.bin, name), `#!/bin/sh\nreal=${real}\n${script}\n`, { mode: 0o755 });
  }

  /** Runs a verb; the exit code is for the test to judge. */
  run(...words: string[]): Ended {
    return this.shell("sh", ...words);
  }

  shell(shell: string, ...words: string[]): Ended {
    const [program, ...first] = shell.split(" ") as [string, ...string[]];
    const argv = [...first, this.program, "--config", this.config, ...words];
    const { status, stdout, stderr } = spawnSync(program, argv, {
      encoding: "utf8",
      env: this.env,
      timeout: this.patience,
    });
    return { status, stdout, said: stderr };
  }

  /** Runs a verb with something in its standard input. */
  pipe(input: string, ...words: string[]): Ended {
    const argv = [this.program, "--config", this.config, ...words];
    const { status, stdout, stderr } = spawnSync("sh", argv, {
      encoding: "utf8",
      env: this.env,
      input,
      timeout: this.patience,
    });
    return { status, stdout, said: stderr };
  }

  /** Runs a verb that has to succeed. */
  done(...words: string[]): Ended {
    const ended = this.run(...words);
    if (ended.status !== 0) throw new Error(`${words.join(" ")}: ${ended.status}\n${ended.said}${ended.stdout}`);
    return ended;
  }

  /** Begins a run in a process group of its own. */
  begin(...words: string[]): ChildProcess {
    return spawn("sh", [this.program, "--config", this.config, ...words], {
      env: this.env,
      detached: true,
      stdio: "ignore",
    });
  }

  /** Changes the program, where a test cannot wait as long as it does. */
  patch(from: string, to: string): void {
    const text = readFileSync(this.program, "utf8");
    if (!text.includes(from)) throw new Error(`the program has no ${JSON.stringify(from)}`);
    writeFileSync(this.program, text.replace(from, to));
  }

  /** All published runs, by time. */
  points(repository = this.repository): Point[] {
    if (!existsSync(repository)) return [];
    return readdirSync(repository)
      .filter((chain) => /^\d+T\d+Z$/.test(chain))
      .sort()
      .flatMap((chain) =>
        readdirSync(join(repository, chain))
          .filter((run) => /^\d+T\d+Z-\d+$/.test(run))
          .sort()
          .map((run) => {
            const folder = join(repository, chain, run);
            const file = readdirSync(folder).find((name) => name.endsWith(".json"));
            const manifest = file ? (JSON.parse(readFileSync(join(folder, file), "utf8")) as object) : {};
            return { chain, run, level: Number(run.split("-")[1]), folder, manifest };
          }),
      );
  }

  /** Restores a point into a new folder, and hands back where the source is in it. */
  restored(point: string, ...words: string[]): string {
    const to = mkdtempSync(join(this.folder, "restored-"));
    this.done("restore", "--at", point, "--to", to, ...words);
    return join(to, this.source);
  }

  /** Where the source is after the manifest's own commands, with nothing but cat, tar and the compressor. */
  restoredByHand(point: Point): string {
    const to = mkdtempSync(join(this.folder, "by-hand-"));
    rmSync(to, { recursive: true });
    const commands = (point.manifest["restore"] as string[]).map((line) => line.replaceAll("/empty/folder", to));
    execFileSync("sh", ["-ec", commands.join("\n")], { cwd: this.repository, stdio: ["ignore", "ignore", "pipe"] });
    return join(to, this.source);
  }

  remove(): void {
    bringBack(this.folder);
    remove(this.folder);
  }
}
