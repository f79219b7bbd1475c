import * as pulumi from "@pulumi/pulumi";
import { readContent } from "../content/folder";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

export interface AppServerArgs {
  /** Where: a guest, a host, or a spec such as `{ kind: "ssh", host: "app1" }`. systemd has to run there. */
  machine: MachineArg;
  /** Its service is `app-NAME`, its files are in /srv/pulumi-kvm/app-NAME. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** A folder on the machine that runs pulumi, with the whole application; only what changes travels. */
  source: pulumi.Input<string>;
  /** What is run in that folder: ["/usr/bin/node", "server.js"], or ["./server"] beside it. */
  command: pulumi.Input<pulumi.Input<string>[]>;
  /** Variables of its environment, beside PORT. Secrets may be in it: it is for root only on the machine. */
  environment?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** Where it listens; it is told as PORT. Default 8080. */
  port?: pulumi.Input<number>;
  /** Who runs it. Default: a user of its own that is there while it runs (systemd's DynamicUser). */
  user?: pulumi.Input<string>;
  /** The page that tells whether it is well, by 200 to 399. Default "/". */
  healthPath?: pulumi.Input<string>;
  /** How long it may go on after it is told to end (SIGTERM), to answer what it was asked. Default "10s". */
  drain?: pulumi.Input<string>;
  /** How many releases stay on the machine, so that going back needs no transfer. Default 3. */
  keepReleases?: pulumi.Input<number>;
  /** How long it may take until it serves. Default "1m". */
  timeout?: pulumi.Input<string>;
  /** Any text that changes when the machine's disk becomes another one: then everything is put in place again. */
  disk?: pulumi.Input<string>;
}

/**
 * A program that serves HTTP at a port, run by systemd from a folder of its own: in Node.js, Python, or whatever the machine
 * has. A change restarts it; where it does not serve then, what ran before is put back, and the error has its last words.
 *
 * @example
 * new AppServer("api", {
 *   machine: guest,
 *   source: "./site",
 *   command: ["/usr/bin/node", "server.js"],
 *   environment: { DATABASE_PASSWORD: password },
 *   healthPath: "/health",
 * });
 */
export class AppServer extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  /** Where it listens. */
  declare readonly port: pulumi.Output<number>;
  /** "healthy", or what was found last. */
  declare readonly health: pulumi.Output<string>;

  constructor(name: string, args: AppServerArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    // A folder that is missing is told at once where its path is known at once.
    const content =
      typeof args.source === "string"
        ? digest(name, args.source)
        : pulumi.output(args.source).apply((source) => digest(name, source));
    super(
      "AppServer",
      name,
      { ...args, machine: place.machine, name: args.name ?? name, port: args.port ?? 8080, content },
      ["health"],
      place.opts,
      ["environment"],
    );
  }
}

function digest(name: string, source: string): string {
  try {
    return readContent(source).digest;
  } catch (error) {
    throw new pulumi.RunError(`AppServer ${name}: ${(error as Error).message}`);
  }
}
