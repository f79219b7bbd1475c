import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

export interface FileArgs {
  /** Where: a guest, a host, or `{ kind: "local" }`. What is in a guest goes with it when the guest is deleted. */
  machine: MachineArg;
  /** Absolute path there. */
  path: pulumi.Input<string>;
  /** The file's text. A secret stays encrypted in the state. One of `content` and `source` is required. */
  content?: pulumi.Input<string>;
  /** A file on the machine that runs pulumi, from the project's folder when relative. The state keeps its hash only. */
  source?: pulumi.Input<string>;
  /** Octal. Default "0644". */
  mode?: pulumi.Input<string>;
  /** User name or number. Default: whoever the machine works as, usually root. */
  owner?: pulumi.Input<string>;
  /** Group name or number. Default: that user's group. */
  group?: pulumi.Input<string>;
  /**
   * Whether a file that was there before us may be replaced. It is kept beside as `.pulumi-backup-...` and put back on
   * delete. Default false: such a file is an error.
   */
  overwrite?: pulumi.Input<boolean>;
  /** Whether missing folders are made (mode 0755), and removed on delete when they are empty. Default false. */
  parents?: pulumi.Input<boolean>;
}

/**
 * A file on a machine: written whole or not at all, read back by refresh (content, mode, and owner and group where they
 * are given), removed on delete.
 *
 * @example
 * const site = new File("site", { machine: web, path: "/etc/nginx/conf.d/site.conf", content: "..." });
 * new Service("nginx", { machine: web, name: "nginx", reloadOn: [site.revision] });
 */
export class File extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly path: pulumi.Output<string>;
  /** Of the content, in hex; a secret when the content is one. */
  declare readonly sha256: pulumi.Output<string>;
  /**
   * Changes whenever the content is written, also when drift is repaired; what has to be reloaded then depends on it.
   * Says nothing about the content.
   */
  declare readonly revision: pulumi.Output<string>;

  constructor(name: string, args: FileArgs, opts?: pulumi.CustomResourceOptions) {
    // Computed here, so that it is a secret exactly when the content is.
    const sha256 =
      args.source === undefined
        ? pulumi.output(args.content).apply((content) => (typeof content === "string" ? digest(content) : undefined))
        : pulumi.output(args.source).apply((source) => digest(readSource(name, source)));
    const place = onMachine(args.machine, opts);
    super("File", name, { ...args, machine: place.machine, sha256 }, ["revision"], place.opts);
  }
}

function digest(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function readSource(name: string, source: string): Buffer {
  try {
    return readFileSync(source);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : (error as Error).message;
    throw new Error(`File ${name}: source ${source} ${reason} (looked in ${process.cwd()})`, { cause: error });
  }
}
