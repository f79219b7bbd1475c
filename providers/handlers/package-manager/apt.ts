import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../../machine/command-error";
import type { Machine, RunResult } from "../../machine/machine";
import { transactionTimeout, type PackageContext, type PackageManager, type PackageName } from "./package-manager";

/** Nothing asks, no changed configuration file of the operator's is replaced, and other runs of dpkg are waited for. */
const options = ["DPkg::Lock::Timeout=300", "Dpkg::Options::=--force-confdef", "Dpkg::Options::=--force-confold"];
const environment = { DEBIAN_FRONTEND: "noninteractive", APT_LISTCHANGES_FRONTEND: "none", LC_ALL: "C" };

/** Exit code 0 when there are package lists, and they were fetched in the last day: an update touches both folders. */
const FRESH = `
cd /var/lib/apt/lists 2>/dev/null || exit 1
ls | grep -q _Packages || exit 1
[ -n "$(find . partial -maxdepth 0 -mmin -1440 2>/dev/null)" ]`;

const lockPause = 5000;
const lockPatience = 60;

/** Debian's and Ubuntu's packages: apt-get(8), dpkg-query(1). */
export class Apt implements PackageManager {
  readonly name = "apt";

  constructor(private readonly machine: Machine) {}

  async installed(names: readonly string[], context: PackageContext): Promise<{ [name: string]: string }> {
    const format = "${Package}\\t${Architecture}\\t${db:Status-Status}\\t${Version}\\n";
    const { stdout } = await this.run(["dpkg-query", "-W", "-f", format, "--", ...names], context, [0, 1]);
    const versions: { [name: string]: string } = {};
    for (const [name, architecture, status, version] of table(stdout))
      if (status === "installed") versions[name!] = versions[`${name}:${architecture}`] = version!;
    return pick(versions, names);
  }

  async install(packages: readonly PackageName[], context: PackageContext): Promise<void> {
    const words = packages.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`));
    const argv = ["install", "--no-remove", "--allow-downgrades", "--", ...words];
    const found = async () => (await this.aptGet(["-s", ...argv], context, [0, 100])).exitCode === 0;
    const fresh = (await this.run(["sh", "-c", FRESH], context, [0, 1])).exitCode === 0;
    if (!fresh || !(await found())) await this.updateLists(found, context);
    await this.aptGet(argv, context);
  }

  async remove(names: readonly string[], context: PackageContext): Promise<void> {
    await this.aptGet(["remove", "--", ...names], context);
  }

  async needed(names: readonly string[], context: PackageContext): Promise<{ [name: string]: string }> {
    const reasons: { [name: string]: string } = {};
    const format = "${Package}\\t${Essential}\\t${Protected}\\n";
    const flags = await this.run(["dpkg-query", "-W", "-f", format, "--", ...names], context, [0, 1]);
    for (const [name, essential, guarded] of table(flags.stdout))
      if (essential === "yes" || guarded === "yes") reasons[name!] = "the system cannot do without it";
    const free = names.filter((name) => !(name in reasons));
    const automatic = new Set((await this.run(["apt-mark", "showauto"], context)).stdout.split("\n"));
    if ((await this.wouldAlsoRemove(free, automatic, context)).length === 0) return reasons;
    for (const name of free) {
      const others = (await this.wouldAlsoRemove([name], automatic, context)).filter((other) => !free.includes(other));
      if (others.length > 0) reasons[name] = `${others.join(", ")} ${others.length > 1 ? "need" : "needs"} it`;
    }
    return reasons;
  }

  /** The packages that somebody asked for and that go with these. */
  private async wouldAlsoRemove(names: readonly string[], automatic: Set<string>, context: PackageContext) {
    if (names.length === 0) return [];
    const { stdout } = await this.aptGet(["-s", "remove", "--", ...names], context);
    const going = [...stdout.matchAll(/^Remv (\S+)/gm)].map((match) => match[1]!);
    return going.filter((name) => !names.includes(name) && !automatic.has(name));
  }

  private async updateLists(found: () => Promise<boolean>, context: PackageContext): Promise<void> {
    context.progress("fetching package lists");
    try {
      await this.aptGet(["update"], context);
    } catch (error) {
      // One broken source must not keep packages of the others away.
      if (!(error instanceof CommandError) || error.stopped || !(await found())) throw error;
      context.progress(`package lists could not all be fetched: ${error.message}`);
    }
  }

  private async aptGet(args: string[], context: PackageContext, accept?: number[]): Promise<RunResult> {
    const argv = ["apt-get", "-y", "-q", ...options.flatMap((option) => ["-o", option]), ...args];
    let repaired = false;
    for (let attempt = 1; ; attempt++)
      try {
        return await this.run(argv, context, accept);
      } catch (error) {
        if (!(error instanceof CommandError) || error.stopped) throw error;
        if (/Could not get lock/.test(error.stderr) && attempt < lockPatience) {
          // The lists' lock is not one of those that apt-get waits for.
          if (attempt === 1) context.progress("waiting for another apt to finish");
          await sleep(lockPause, undefined, { signal: context.signal });
        } else if (/dpkg --configure -a/.test(error.stderr) && !repaired) {
          context.progress("finishing an installation that was cut off");
          await this.run(["dpkg", "--configure", "-a"], context);
          repaired = true;
        } else throw error;
      }
  }

  private run(argv: string[], { signal }: PackageContext, accept?: number[]): Promise<RunResult> {
    return this.machine.run(argv, { env: environment, signal, accept, timeout: transactionTimeout });
  }
}

function table(text: string): string[][] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split("\t"));
}

function pick(versions: { [name: string]: string }, names: readonly string[]): { [name: string]: string } {
  return Object.fromEntries(names.filter((name) => name in versions).map((name) => [name, versions[name]!]));
}
