import { posix } from "node:path";
import { readPinned } from "../content/archive";
import { OperatorError } from "../dynamic/errors";
import { JavaInstallation, refuseLacks } from "../java/installation";
import { essence } from "../java/log-essence";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { CHECK, FOLDERS, LACKS, PUT_BACK, RELEASE, SET_ASIDE } from "./installation-scripts";
import { layoutOf, libraryFile, warFile, type Application, type Layout, type TomcatModel } from "./model";
import { managerWebXml, releaseOf, type Release } from "./release";
import { unitFile } from "./unit";

/** A server's files on its machine. */
export class TomcatInstallation extends JavaInstallation<Layout> {
  declare readonly release: Release;

  constructor(
    machine: Machine,
    private readonly model: TomcatModel,
  ) {
    super(machine, layoutOf(model.name), releaseOf(model));
  }

  protected get others(): [path: string, file: { name: string; content: string }][] {
    const { home, unitFile: unit } = this.layout;
    const manager = "manager/WEB-INF/web.xml";
    return [
      [`${home}/${manager}`, { name: manager, content: managerWebXml }],
      [unit, { name: unit, content: unitFile(this.model) }],
    ];
  }

  /** Where it is noted what Debian's own tomcat10 was before us. */
  private get aside(): string {
    return `${this.layout.home}/aside`;
  }

  /** Throws with the packages that are missing. */
  async require(signal?: AbortSignal): Promise<void> {
    const { applications, libraries, dataSources = {} } = this.model;
    const javax = [...Object.values(applications), ...libraries].some((one) => one.javax) ? "yes" : "";
    const postgres = Object.values(dataSources).some(({ driver }) => driver === "org.postgresql.Driver") ? "yes" : "";
    refuseLacks(await this.script(LACKS, [javax, postgres], signal), "Tomcat");
  }

  /** Brings the applications' content there; what is there already is not sent again. */
  async upload(signal?: AbortSignal): Promise<void> {
    const { home, contexts, webapps } = this.layout;
    await this.script(FOLDERS, [home, contexts, webapps], signal);
    const { applications, libraries } = this.model;
    for (const one of libraries)
      await this.bring("libraries", { ...one, war: one.file }, libraryFile(this.layout, one), signal);
    for (const [path, one] of Object.entries(applications))
      await this.bring(path, one, warFile(this.layout, one), signal);
  }

  private async bring(path: string, application: Application, made: string, signal?: AbortSignal): Promise<void> {
    const file = made.replace(/\.jakarta(\.[a-z]+)$/, "$1");
    const found = await this.machine.status(file, { digest: true, signal });
    if (found?.sha256 !== application.sha256)
      await this.machine.write(file, await readPinned(application, path, signal), { signal });
    if (!application.javax || (await this.machine.status(made, { signal }))) return;
    await this.migrate(`${application.war} of ${path}`, file, made, signal);
  }

  /** Writes the configuration beside the one in use, and has Tomcat read it. */
  async prepare(signal?: AbortSignal): Promise<void> {
    const { folder, files, links } = this.release;
    const folders = [...new Set(Object.keys(files).map((path) => posix.dirname(path)))];
    await this.script(RELEASE, [folder, ...Object.entries(links).flat(), "--", ...folders], signal);
    // Passwords of databases are in there: for root and Tomcat only.
    const secret = { mode: 0o640, owner: "root", group: "tomcat", signal };
    for (const [path, content] of Object.entries(files)) await this.machine.write(`${folder}/${path}`, content, secret);
    await this.machine.write(`${this.layout.home}/manager/WEB-INF/web.xml`, managerWebXml, { signal });
    const quiet = `${folder}/conf/check.properties`;
    await this.machine.write(quiet, "handlers = java.util.logging.ConsoleHandler\n", secret);
    try {
      await this.script(CHECK, [folder, quiet], signal);
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      throw new OperatorError(`Tomcat refuses the configuration:\n${essence(cause.stdout)}`, { cause });
    }
  }

  /** Removes what neither this configuration nor these applications need. */
  async prune(applications: readonly Application[], signal?: AbortSignal): Promise<void> {
    const { releases, wars, webapps } = this.layout;
    await this.keepOnly(releases, [this.release.hash], signal);
    const { deploy, libraries } = this.model;
    if (deploy === "restart") await this.keepOnly(webapps, [this.release.hash], signal);
    const files = [
      ...applications.flatMap((one) => [`${one.sha256}.war`, warFile(this.layout, one).split("/").at(-1)!]),
      ...libraries.flatMap((one) => [`${one.sha256}.jar`, libraryFile(this.layout, one).split("/").at(-1)!]),
    ];
    await this.keepOnly(wars, files, signal);
  }

  /** Makes room at port 8080. */
  async setAside(signal?: AbortSignal): Promise<void> {
    await this.script(SET_ASIDE, [this.aside], signal);
  }

  async remove(signal?: AbortSignal): Promise<void> {
    const { home, cache, logs } = this.layout;
    await this.use("", undefined, signal);
    await this.script(PUT_BACK, [this.aside], signal);
    for (const folder of [home, cache, logs]) await this.machine.remove(folder, { signal });
  }
}
