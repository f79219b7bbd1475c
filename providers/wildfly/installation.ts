import { posix } from "node:path";
import { readPinned } from "../content/archive";
import type { SendContext } from "../content/release";
import { OperatorError } from "../dynamic/errors";
import { exclusive } from "../dynamic/mutex";
import { JavaInstallation, refuseLacks } from "../java/installation";
import { essence } from "../java/log-essence";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { distributionHome, sendDistribution } from "./distribution";
import { fitted } from "./fit";
import { CHECK, FOLDERS, LACKS, PRUNE_DISTRIBUTIONS, RELEASE } from "./installation-scripts";
import { distributions, fittedFile, wildflyLayout, type WildFlyLayout, type WildFlyModel } from "./model";
import { releaseOf, type WildFlyRelease } from "./release";
import { manager, managementRealm } from "./security-xml";
import { account, tmpfilesConf, unitFile } from "./unit";

/** A server's files on its machine. */
export class WildFlyInstallation extends JavaInstallation<WildFlyLayout> {
  declare readonly release: WildFlyRelease;

  constructor(
    machine: Machine,
    private readonly model: WildFlyModel,
  ) {
    super(machine, wildflyLayout(model.name), releaseOf(model));
  }

  protected get others(): [path: string, file: { name: string; content: string }][] {
    const { tmpfiles, unitFile: unit } = this.layout;
    return [
      [unit, { name: unit, content: unitFile(this.model) }],
      [tmpfiles, { name: tmpfiles, content: tmpfilesConf(this.model) }],
    ];
  }

  /** Throws with the packages that are missing. */
  async require(signal?: AbortSignal): Promise<void> {
    const { applications, dataSources = {} } = this.model;
    const javax = Object.values(applications).some((one) => one.javax) ? "yes" : "";
    const postgres = Object.keys(dataSources).length > 0 ? "yes" : "";
    refuseLacks(await this.script(LACKS, [javax, postgres], signal), "WildFly");
  }

  /** Brings WildFly and the applications there; what is there already is not sent again. */
  async upload(context: SendContext): Promise<void> {
    const { signal } = context;
    const { home, wars, releases, secret, users } = this.layout;
    const { distribution } = this.model;
    const names = [account, home, wars, releases, secret, users, manager, managementRealm];
    await this.shared(FOLDERS, [...names, distributionHome(distribution)], signal);
    await sendDistribution(this.machine, distribution, context);
    for (const path of Object.keys(this.model.applications)) await this.bring(path, signal);
  }

  private async bring(path: string, signal?: AbortSignal): Promise<void> {
    const application = this.model.applications[path]!;
    const { plain, used } = this.archives(path);
    if (await this.machine.status(used, { signal })) return;
    const war = await readPinned(application, path, signal);
    await this.machine.write(plain, this.fit(path, war), { signal });
    if (plain !== used) await this.migrate(`${application.war} of ${path}`, plain, used, signal);
  }

  private fit(path: string, war: Buffer): Buffer {
    try {
      return fitted(war, path, this.model.cluster !== undefined);
    } catch (cause) {
      const { war: source } = this.model.applications[path]!;
      throw new OperatorError(`${source} of ${path} is not a WAR: ${(cause as Error).message}`, { cause });
    }
  }

  private archives(path: string) {
    return fittedFile(this.layout, path, this.model.applications[path]!, this.model.cluster !== undefined);
  }

  /** Writes the configuration beside the one in use, and has java read its options. */
  async prepare(signal?: AbortSignal): Promise<void> {
    const { folder, files } = this.release;
    const folders = [...new Set(Object.keys(files).map((path) => posix.dirname(path)))];
    await this.script(RELEASE, [account, folder, ...folders], signal);
    // Passwords of databases are in there: for root and WildFly only.
    const secret = { mode: 0o640, owner: "root", group: account, signal };
    for (const [path, content] of Object.entries(files)) await this.machine.write(`${folder}/${path}`, content, secret);
    try {
      await this.script(CHECK, [account, `${folder}/java.options`], signal);
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      throw new OperatorError(`Java refuses its options:\n${essence(cause.stdout)}`, { cause });
    }
  }

  override async use(hash: string, unit: string | undefined, signal?: AbortSignal): Promise<void> {
    const { tmpfiles } = this.layout;
    if (unit === undefined) await this.machine.remove(tmpfiles, { signal });
    else await this.machine.write(tmpfiles, tmpfilesConf(this.model), { signal });
    await super.use(hash, unit, signal);
  }

  /** Removes what this configuration does not need. */
  async prune(signal?: AbortSignal): Promise<void> {
    const { releases, wars } = this.layout;
    await this.keepOnly(releases, [this.release.hash], signal);
    const files = Object.keys(this.model.applications).flatMap((path) => Object.values(this.archives(path)));
    await this.keepOnly(
      wars,
      files.map((file) => posix.basename(file)),
      signal,
    );
    await this.shared(PRUNE_DISTRIBUTIONS, [distributions, account], signal);
  }

  async remove(signal?: AbortSignal): Promise<void> {
    const { home, data, cache, logs } = this.layout;
    await this.use("", undefined, signal);
    for (const folder of [home, data, cache, logs]) await this.machine.remove(folder, { signal });
    await this.shared(PRUNE_DISTRIBUTIONS, [distributions, account], signal);
  }

  /** Works on what all servers of the machine have in common: they may come and go at the same time. */
  private async shared(script: string, args: readonly string[], signal?: AbortSignal): Promise<void> {
    await exclusive(`what WildFlys on ${this.machine.label} share`, () => this.script(script, args, signal));
  }
}
