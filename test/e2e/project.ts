import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const repository = resolve(__dirname, "../..");

export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface Preview {
  steps: { op: string; urn: string; newState?: { inputs?: { [name: string]: unknown } } }[];
  diagnostics?: { message: string; severity: string }[];
}

/**
 * A Pulumi project as a user of the package has it: its own folder, its own state, the package in node_modules (a link to
 * this repository). The program is plain JavaScript given as text; `pulumi` and `kvm` are in scope.
 */
export class Project {
  private constructor(readonly folder: string) {}

  static async create(program: string): Promise<Project> {
    const folder = await mkdtemp(join(tmpdir(), "pulumi-kvm-e2e-"));
    const project = new Project(folder);
    await mkdir(join(folder, "node_modules"));
    await mkdir(join(folder, "state"));
    await symlink(repository, join(folder, "node_modules", "pulumi-kvm"));
    await symlink(join(repository, "node_modules", "@pulumi"), join(folder, "node_modules", "@pulumi"));
    await writeFile(
      join(folder, "Pulumi.yaml"),
      "name: e2e\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.js\n",
    );
    await project.write(program);
    await project.pulumi("stack", "init", "test");
    return project;
  }

  /** Changes the program, as an operator edits theirs. */
  async write(program: string): Promise<void> {
    const preamble = 'const pulumi = require("@pulumi/pulumi");\nconst kvm = require("pulumi-kvm");\n';
    await writeFile(join(this.folder, "index.js"), preamble + program);
  }

  async up(): Promise<Ran> {
    return this.pulumi("up", "--yes", "--skip-preview");
  }

  async refresh(): Promise<Ran> {
    return this.pulumi("refresh", "--yes", "--skip-preview");
  }

  async destroy(): Promise<Ran> {
    return this.pulumi("destroy", "--yes", "--skip-preview");
  }

  async outputs<T>(): Promise<T> {
    return JSON.parse((await this.pulumi("stack", "output", "--json", "--show-secrets")).stdout) as T;
  }

  /** The preview; throws with Pulumi's own words when it fails. */
  async preview(): Promise<Preview> {
    return JSON.parse((await this.pulumi("preview", "--json")).stdout) as Preview;
  }

  /** The operations of the preview on custom resources, those that change nothing left out: `["update Domain web"]`. */
  async plan(): Promise<string[]> {
    return (await this.preview()).steps
      .filter((step) => step.op !== "same")
      .map((step) => `${step.op} ${short(step.urn)}`);
  }

  /** The state of the stack as Pulumi exports it. */
  async state(): Promise<{ urn: string; id?: string; inputs?: object; outputs?: { [name: string]: unknown } }[]> {
    const exported = await this.pulumi("stack", "export");
    return JSON.parse(exported.stdout).deployment.resources ?? [];
  }

  /** Runs the CLI; rejects with everything it printed when it fails. */
  async pulumi(...args: string[]): Promise<Ran> {
    const ran = await this.attempt(...args);
    if (ran.exitCode !== 0) throw new Error(`pulumi ${args.join(" ")} failed:\n${ran.stdout}\n${ran.stderr}`);
    return ran;
  }

  /** Runs the CLI and returns what became of it. */
  attempt(...args: string[]): Promise<Ran> {
    const child = this.start(...args);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (data: Buffer) => stdout.push(data));
    child.stderr.on("data", (data: Buffer) => stderr.push(data));
    return new Promise((done, failed) => {
      child.on("error", failed);
      child.on("close", (code) =>
        done({
          exitCode: code ?? -1,
          stdout: Buffer.concat(stdout).toString(),
          stderr: Buffer.concat(stderr).toString(),
        }),
      );
    });
  }

  /** What the CLI finds the project's state with. */
  get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PULUMI_BACKEND_URL: `file://${this.folder}/state?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
  }

  /** Starts the CLI in a process group of its own, for tests that interrupt it. */
  start(...args: string[]) {
    return spawn(
      "pulumi",
      [...args, "--non-interactive", "--color", "never"].concat(args[0] === "stack" ? [] : ["--stack", "test"]),
      {
        cwd: this.folder,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: this.environment,
      },
    );
  }

  /** The raw state file, to look for what must not be in it. */
  async stateFile(): Promise<string> {
    return readFile(join(this.folder, "state/.pulumi/stacks/e2e/test.json"), "utf8");
  }

  /** Destroys what the stack still has and removes the folder. */
  async dispose(): Promise<void> {
    await this.attempt("cancel", "--yes");
    await this.attempt("destroy", "--yes", "--skip-preview");
    await rm(this.folder, { recursive: true, force: true });
  }
}

function short(urn: string): string {
  const [type, name] = urn.split("::").slice(-2) as [string, string];
  return `${type.split("$").at(-1)!.split(":").at(-1)} ${name}`;
}
