import type { Machine, RunResult } from "../../machine/machine";
import { transactionTimeout, type PackageContext, type PackageManager, type PackageName } from "./package-manager";

const any = Array.from({ length: 256 }, (_, code) => code);

/** Fedora's, RHEL's and their rebuilds' packages: dnf(8), or yum where that is older; rpm(8). */
export class Dnf implements PackageManager {
  readonly name = "dnf";

  constructor(
    private readonly machine: Machine,
    private readonly program: string = "dnf",
  ) {}

  async installed(names: readonly string[], context: PackageContext): Promise<{ [name: string]: string }> {
    const format = "%{NAME}\\t%{VERSION}-%{RELEASE}\\n";
    // The exit code is the number of those that are not installed.
    const { stdout } = await this.run(["rpm", "-q", "--qf", format, "--", ...names], context, any);
    const lines = stdout.split("\n").map((line) => line.split("\t"));
    return Object.fromEntries(lines.filter(([name, version]) => version !== undefined && names.includes(name!))) as {
      [name: string]: string;
    };
  }

  async install(packages: readonly PackageName[], context: PackageContext): Promise<void> {
    const words = packages.map(({ name, version }) => (version === undefined ? name : `${name}-${version}`));
    await this.run([this.program, "-y", "-q", "install", ...words], context);
  }

  async remove(names: readonly string[], context: PackageContext): Promise<void> {
    // Spelt the same in dnf 4, dnf 5 and yum, other than the option for it.
    const keepOthers = "--setopt=clean_requirements_on_remove=False";
    await this.run([this.program, "-y", "-q", keepOthers, "remove", ...names], context);
  }

  async needed(names: readonly string[], context: PackageContext): Promise<{ [name: string]: string }> {
    if ((await this.test(names, context)) === undefined) return {};
    const reasons: { [name: string]: string } = {};
    for (const name of names) {
      const problem = await this.test([name], context);
      if (problem !== undefined) reasons[name] = problem;
    }
    return reasons;
  }

  /** What rpm says against removing them; undefined when nothing. */
  private async test(names: readonly string[], context: PackageContext): Promise<string | undefined> {
    const { exitCode, stdout, stderr } = await this.run(["rpm", "-e", "--test", "--", ...names], context, any);
    if (exitCode === 0) return undefined;
    const lines = `${stderr}\n${stdout}`.split("\n").map((line) => line.trim());
    return lines.filter((line) => line !== "" && !line.startsWith("error:")).join("; ") || "rpm refuses to remove it";
  }

  private run(argv: string[], { signal }: PackageContext, accept?: number[]): Promise<RunResult> {
    return this.machine.run(argv, { env: { LC_ALL: "C" }, signal, accept, timeout: transactionTimeout });
  }
}
