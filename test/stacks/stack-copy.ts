import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = resolve(__dirname, "../..");
const parts = ["Pulumi.yaml", "package.json", "package-lock.json", "tsconfig.json"];
const folders = ["components", "providers", "scripts", "stacks", "node_modules"];

/** One of the repository's environments in a copy of it, with a state and a configuration of its own. */
export class StackCopy {
  private constructor(
    private readonly folder: string,
    private readonly stack: string,
  ) {}

  /** @param config values of the stack's configuration: { "dev:subnet": "10.0.0.0/24" } */
  static async create(stack: string, config: { [name: string]: string }): Promise<StackCopy> {
    const copy = new StackCopy(await mkdtemp(join(tmpdir(), `pulumi-kvm-${stack}-`)), stack);
    for (const part of [...parts, ...folders]) await run("cp", ["-aH", join(repository, part), copy.folder]);
    await rm(join(copy.folder, "stacks/config"), { recursive: true, force: true });
    await mkdir(join(copy.folder, "stacks/config"));
    await copy.script("pulumi", "stack", "init", stack);
    for (const [name, value] of Object.entries(config))
      await copy.script("pulumi", "config", "set", name, value, "--stack", stack);
    return copy;
  }

  /** What `npm start` runs; returns what it prints. */
  start(): Promise<string> {
    return this.script("start", "--stack", this.stack);
  }

  async up(): Promise<void> {
    await this.script("up", "--stack", this.stack, "--skip-preview");
  }

  async refresh(): Promise<void> {
    await this.script("refresh", "--stack", this.stack, "--skip-preview");
  }

  async destroy(): Promise<void> {
    await this.script("destroy", "--stack", this.stack, "--skip-preview");
  }

  async outputs<Outputs>(): Promise<Outputs> {
    return JSON.parse(await this.script("pulumi", "stack", "output", "--json", "--stack", this.stack)) as Outputs;
  }

  /** What the preview would change: `["update File web-page"]`. */
  async plan(): Promise<string[]> {
    const preview = JSON.parse(await this.script("preview", "--stack", this.stack, "--json")) as {
      steps: { op: string; urn: string }[];
    };
    return preview.steps
      .filter(({ op }) => op !== "same")
      .map(({ op, urn }) => {
        const [type, name] = urn.split("::").slice(-2) as [string, string];
        return `${op} ${type.split(/[$:]/).at(-1)} ${name}`;
      });
  }

  /** Changes what a file of the repository says; fails where it does not say `before`. */
  async edit(file: string, before: string, after: string): Promise<void> {
    const path = join(this.folder, file);
    const text = await readFile(path, "utf8");
    if (!text.includes(before)) throw new Error(`${file} does not have ${before}`);
    await writeFile(path, text.replace(before, after));
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async script(...argv: string[]): Promise<string> {
    const own = /^PULUMI_(BACKEND_URL|CONFIG_PASSPHRASE|CONFIG_PASSPHRASE_FILE|STACK)$/;
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
    const running = run("bash", ["scripts/run.sh", ...argv], { cwd: this.folder, env, maxBuffer: 64 * 1024 * 1024 });
    running.child.stdin?.end();
    try {
      return (await running).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`run.sh ${argv.join(" ")} failed:\n${stdout}\n${stderr}`);
    }
  }
}
