import { createHash } from "node:crypto";
import { posix } from "node:path";
import { readArchive } from "../content/archive";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import {
  CHECK,
  FOLDERS,
  LACKS,
  LOOK,
  MIGRATE,
  PRUNE,
  PUT_BACK,
  RELEASE,
  SET_ASIDE,
  SWITCH,
} from "./installation-scripts";
import { layoutOf, libraryFile, warFile, type Application, type Layout, type TomcatModel } from "./model";
import { managerWebXml, releaseOf, type Release } from "./release";
import { unitFile, unitMark } from "./unit";

/** What is there of a server's files. */
export interface FilesLook {
  /** The hash of the release in use; empty where there is none. */
  current: string;
  /** Files that are not as they were written, by what an operator calls them. */
  changed: string[];
}

/** A server's files on its machine. */
export class TomcatInstallation {
  readonly layout: Layout;
  readonly release: Release;

  constructor(
    private readonly machine: Machine,
    private readonly model: TomcatModel,
  ) {
    this.layout = layoutOf(model.name);
    this.release = releaseOf(model);
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
    const lacks = (await this.script(LACKS, [javax, postgres], signal)).split("\n").filter(Boolean);
    if (lacks.includes("systemd"))
      throw new OperatorError("systemd does not run there, and Tomcat is run by it", { fix: "choose another machine" });
    if (lacks.length > 0)
      throw new OperatorError(`the machine lacks ${lacks.join(", ")}`, {
        fix: "have a Package install it first (dependsOn)",
      });
  }

  /** Refuses to take a unit that is somebody else's. */
  async claim(signal?: AbortSignal): Promise<void> {
    const { unitFile: path, unit } = this.layout;
    if (!(await this.machine.status(path, { signal }))) return;
    if ((await this.machine.read(path, { signal })).toString().startsWith(unitMark)) return;
    throw new OperatorError(`${path} is there, and not ours`, { fix: `choose another name than ${unit.slice(7)}` });
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
      await this.machine.write(file, await contentOf(path, application, signal), { signal });
    if (!application.javax || (await this.machine.status(made, { signal }))) return;
    try {
      await this.script(MIGRATE, [file, made], signal);
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      throw new OperatorError(`${application.war} of ${path} could not be made one for Jakarta EE: ${cause.message}`, {
        cause,
      });
    }
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

  /** Makes the configuration of this hash the one that Tomcat starts with; an empty one takes the unit away. */
  async use(hash: string, unit: string | undefined, signal?: AbortSignal): Promise<void> {
    const { current, unitFile: path } = this.layout;
    if (hash === "") await this.machine.remove(current, { signal });
    else await this.script(SWITCH, [`releases/${hash}`, current], signal);
    if (unit === undefined) await this.machine.remove(path, { signal });
    else await this.machine.write(path, unit, { signal });
    await this.machine.run(["systemctl", "daemon-reload"], { signal });
  }

  /** The unit's file as it is there. */
  async unit(signal?: AbortSignal): Promise<string | undefined> {
    const { unitFile: path } = this.layout;
    return (await this.machine.status(path, { signal })) && (await this.machine.read(path, { signal })).toString();
  }

  /** How the files are, beside how they should be. */
  async look(signal?: AbortSignal): Promise<FilesLook> {
    const { folder, files } = this.release;
    const { home, current, unitFile: unitPath } = this.layout;
    const wanted = new Map([
      ...Object.entries(files).map(([path, content]) => [`${folder}/${path}`, { name: path, content }] as const),
      [`${home}/manager/WEB-INF/web.xml`, { name: "manager/WEB-INF/web.xml", content: managerWebXml }],
      [unitPath, { name: unitPath, content: unitFile(this.model) }],
    ]);
    const [link = "", ...lines] = (await this.script(LOOK, [current, ...wanted.keys()], signal)).split("\n");
    const there = new Map(lines.filter(Boolean).map((line) => [line.slice(66), line.slice(0, 64)]));
    const changed = [...wanted].filter(([path, { content }]) => there.get(path) !== digest(content));
    return { current: link.replace(/^releases\//, ""), changed: changed.map(([, { name }]) => name) };
  }

  /** Removes what neither this configuration nor these applications need. */
  async prune(applications: readonly Application[], signal?: AbortSignal): Promise<void> {
    const { releases, wars, webapps } = this.layout;
    await this.script(PRUNE, [releases, this.release.hash], signal);
    const { deploy, libraries } = this.model;
    if (deploy === "restart") await this.script(PRUNE, [webapps, this.release.hash], signal);
    const files = [
      ...applications.flatMap((one) => [`${one.sha256}.war`, warFile(this.layout, one).split("/").at(-1)!]),
      ...libraries.flatMap((one) => [`${one.sha256}.jar`, libraryFile(this.layout, one).split("/").at(-1)!]),
    ];
    await this.script(PRUNE, [wars, ...files], signal);
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

  private async script(text: string, args: string[], signal?: AbortSignal): Promise<string> {
    return (await this.machine.run(["sh", "-c", text, "sh", ...args], { signal })).stdout;
  }
}

function digest(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

async function contentOf(path: string, { war, sha256 }: Application, signal?: AbortSignal): Promise<Buffer> {
  const bytes = await read(path, war, sha256, signal);
  if (digest(bytes) === sha256) return bytes;
  throw new OperatorError(`${war} of ${path} changed while pulumi ran`, { fix: "run pulumi up again" });
}

async function read(path: string, war: string, sha256: string, signal?: AbortSignal): Promise<Buffer> {
  try {
    return await readArchive(war, sha256, signal);
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause;
    throw new OperatorError(`${war} of ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** What a log of Java's says, without the places in the code that it was said at. */
export function essence(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "" && !/^\s+(at |\.\.\. \d+ more)/.test(line));
  const telling = (line: string | undefined) =>
    line !== undefined && /SEVERE|WARNING|Error|Exception|Caused by|Unrecognized|Invalid/i.test(line);
  // What the compiler of pages says is in the lines after.
  const near = lines.filter((_, at) => [lines[at], lines[at - 1], lines[at - 2]].some(telling));
  return [...new Set(near.length > 0 ? near : lines)]
    .slice(-15)
    .map((line) => `  ${line.trim()}`)
    .join("\n");
}
