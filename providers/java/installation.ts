import { createHash } from "node:crypto";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { LOOK, MIGRATE, PRUNE, SWITCH } from "./installation-scripts";

/** Where a server's files are. */
export interface ServerPlace {
  unit: string;
  unitFile: string;
  home: string;
  releases: string;
  current: string;
}

/** One configuration of a server, which is never changed once it is there. */
export interface ServerRelease {
  /** Of all that is in it. */
  hash: string;
  folder: string;
  /** By path inside. */
  files: { [path: string]: string };
}

/** What is there of a server's files. */
export interface FilesLook {
  /** The hash of the release in use; empty where there is none. */
  current: string;
  /** Files that are not as they were written, by what an operator calls them. */
  changed: string[];
}

/** By this line we know a unit for ours. */
export const unitMark = "# Made by pulumi-kvm.";

/** The files of a server of Java on its machine: its unit, and its configurations, of which `current` leads to the one in use. */
export abstract class JavaInstallation<Place extends ServerPlace = ServerPlace> {
  protected constructor(
    protected readonly machine: Machine,
    readonly layout: Place,
    readonly release: ServerRelease,
  ) {}

  /** What else is written, beside the release: by path, how an operator calls it, and its text. */
  protected abstract get others(): [path: string, file: { name: string; content: string }][];

  /** Refuses to take a unit that is somebody else's. */
  async claim(signal?: AbortSignal): Promise<void> {
    const { unitFile: path, unit } = this.layout;
    const there = await this.unit(signal);
    if (there === undefined || there.startsWith(unitMark)) return;
    throw new OperatorError(`${path} is there, and not ours`, {
      fix: `choose another name than ${unit.slice(unit.indexOf("-") + 1)}`,
    });
  }

  /** Makes the configuration of this hash the one that the server starts with; an empty one takes the unit away. */
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
    const wanted = new Map([
      ...Object.entries(files).map(([path, content]) => [`${folder}/${path}`, { name: path, content }] as const),
      ...this.others,
    ]);
    const [link = "", ...lines] = (await this.script(LOOK, [this.layout.current, ...wanted.keys()], signal)).split(
      "\n",
    );
    const there = new Map(lines.filter(Boolean).map((line) => [line.slice(66), line.slice(0, 64)]));
    const changed = [...wanted].filter(([path, { content }]) => there.get(path) !== digest(content));
    return { current: link.replace(/^releases\//, ""), changed: changed.map(([, { name }]) => name) };
  }

  /** Removes what is in a folder and is not named. */
  protected async keepOnly(folder: string, names: readonly string[], signal?: AbortSignal): Promise<void> {
    await this.script(PRUNE, [folder, ...names], signal);
  }

  /** A copy for Jakarta EE of what was written for Java EE; `source` is how an operator calls it. */
  protected async migrate(source: string, file: string, made: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.script(MIGRATE, [file, made], signal);
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      throw new OperatorError(`${source} could not be made one for Jakarta EE: ${cause.message}`, { cause });
    }
  }

  protected async script(text: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
    return (await this.machine.run(["sh", "-c", text, "sh", ...args], { signal })).stdout;
  }
}

/** Throws with what a machine lacks for a server, as its script told. */
export function refuseLacks(told: string, server: string): void {
  const lacks = told.split("\n").filter(Boolean);
  if (lacks.includes("systemd"))
    throw new OperatorError(`systemd does not run there, and ${server} is run by it`, {
      fix: "choose another machine",
    });
  if (lacks.length > 0)
    throw new OperatorError(`the machine lacks ${lacks.join(", ")}`, {
      fix: "have a Package install it first (dependsOn)",
    });
}

function digest(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
