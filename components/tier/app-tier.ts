import * as pulumi from "@pulumi/pulumi";
import { AppServer, type AppServerArgs } from "../../providers/resources/app-server";
import { TomcatServer, type TomcatServerArgs } from "../../providers/resources/tomcat-server";
import { refuseUnknown } from "../refuse-unknown";
import { memberFields, membersOf, tierMembers, type TierMembersArgs } from "./members";
import { healthOf, serversOf, urlOf, type Served, type TierServer } from "./serving";
import { clusterOf, tomcatPackages, tomcatPort } from "./tomcat-tier";
import type { Upstream } from "./upstream";

export interface AppTierArgs
  extends Omit<TomcatServerArgs, "machine" | "name" | "route" | "disk" | "versions" | "cluster">, TierMembersArgs {
  /**
   * "tomcat": Tomcat 10 of Debian, with `applications`. "node" and "python": the program `main` in the folder `source`, run
   * by Debian's Node.js or Python. "command": any `command` in that folder. Default "tomcat".
   */
  server?: "tomcat" | "node" | "python" | "command";
  /**
   * Whether every Tomcat has the sessions of all ("cluster"), so that none is lost with one of them, or each its own
   * ("local"). A cluster has to know all addresses before its guests are there: their NICs say `ipv4` or `addresses`.
   * Default: "cluster" where they do and there are two servers or more, else "local".
   */
  sessions?: "cluster" | "local";
  /** Where Tomcats send sessions to each other. Default 4000. */
  clusterPort?: number;
  /** A folder on the machine that runs pulumi, with the whole application; only what changes travels. Not of Tomcat. */
  source?: AppServerArgs["source"];
  /** What is run in `source`. Default: "server.js" of Node.js, "server.py" of Python. */
  main?: string;
  /** What is run in `source` where `server` is "command": ["./server", "--quiet"]. */
  command?: AppServerArgs["command"];
  /** Variables of the environment, beside PORT. Secrets may be in it. Not of Tomcat. */
  environment?: AppServerArgs["environment"];
  /** Where it listens; it is told as PORT. Default 8080. Tomcat has `connectors`. */
  port?: AppServerArgs["port"];
  /** Who runs it. Default: a user of its own. Not of Tomcat. */
  user?: AppServerArgs["user"];
}

const common = ["healthPath", "drain", "timeout"];
const tomcatFields = [
  ...["applications", "dataSources", "heap", "jvmFlags", "properties", "connectors", "logs", "jmx"],
  ...["sessions", "clusterPort"],
];
const programFields = ["source", "main", "command", "environment", "port", "user"];

/** What Debian runs them with. */
const interpreters = {
  node: { packages: ["nodejs"], program: "/usr/bin/node", main: "server.js" },
  python: { packages: ["python3"], program: "/usr/bin/python3", main: "server.py" },
};

type Made = Served<TomcatServer | AppServer>[];

/**
 * Application servers that run the same: guests that it makes, or machines that exist. A change goes through them one after
 * the other, each has to be healthy with it before the next one begins, and one that is not goes back to what it ran. One
 * that stops answers what it was asked first.
 *
 * @example
 * const shop = new AppTier("shop-app", {
 *   host, kind: "lxc", memory: "512MiB", count: 2,
 *   nics: (number) => [{ network: "lab", ipv4: `192.168.150.${20 + number}` }],
 *   applications: { "/shop": "./shop.war" },
 *   dataSources: { "jdbc/shop": { url: "jdbc:postgresql://192.168.150.10/shop", username: "shop", password } },
 * });
 * export const urls = shop.urls;
 */
export class AppTier extends pulumi.ComponentResource implements Upstream {
  /** The servers, known to those that hand requests on to them once they serve. */
  readonly members: pulumi.Output<TierServer[]>;
  /** What each server said last: after an `up` that it is healthy. */
  readonly health: pulumi.Output<{ [name: string]: string }>;
  /** Of the members, in their order. */
  readonly addresses: pulumi.Output<string[]>;
  /** The first member's. */
  readonly url: pulumi.Output<string>;
  /** Of the members, in their order. */
  readonly urls: pulumi.Output<string[]>;
  /** In their order. */
  readonly servers: readonly (TomcatServer | AppServer)[];

  constructor(name: string, args: AppTierArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:tier:AppTier", name, {}, opts);
    const subject = `AppTier ${name}`;
    refuseUnknown(subject, args, ["server", ...memberFields, ...common, ...tomcatFields, ...programFields]);
    refuseContradictions(subject, args);
    const { server = "tomcat" } = args;
    const made = server === "tomcat" ? tomcats(this, subject, name, args) : programs(this, subject, name, server, args);
    this.servers = made.map((one) => one.server);
    const port = server === "tomcat" ? tomcatPort(args) : pulumi.output(args.port ?? 8080);
    this.members = serversOf(made, port);
    this.health = healthOf(made);
    this.addresses = this.members.apply((members) => members.map(({ address }) => address));
    this.urls = this.members.apply((members) => members.map(({ address, port }) => urlOf(address, "http", port)));
    this.url = this.urls.apply((urls) => urls[0]!);
    this.registerOutputs({ members: this.members, health: this.health, urls: this.urls, addresses: this.addresses });
  }
}

function tomcats(tier: AppTier, subject: string, name: string, args: AppTierArgs): Made {
  const { sessions: _sessions, clusterPort: _port, ...shape } = pick(args, [...common, ...tomcatFields]);
  const cluster = clusterOf(subject, name, args);
  let first: TomcatServer | undefined;
  return tierMembers(tier, subject, name, membersOf(args), tomcatPackages(args), (member, options) => {
    const { machine, disk } = member;
    const place = { machine, disk, name, route: member.name };
    // Sessions go with the version of their application: all count as the first one does.
    const shared = cluster && { cluster: cluster(member), ...(first && { versions: first.versions }) };
    const made = new TomcatServer(
      member.name,
      { ...(shape as Partial<TomcatServerArgs>), ...place, ...shared },
      options,
    );
    first ??= made;
    return made;
  });
}

function programs(
  tier: AppTier,
  subject: string,
  name: string,
  server: "node" | "python" | "command",
  args: AppTierArgs,
): Made {
  const { main, command: given, ...shape } = pick(args, [...common, ...programFields]) as Partial<AppTierArgs>;
  const interpreter = server === "command" ? undefined : interpreters[server];
  const command = interpreter ? [interpreter.program, main ?? interpreter.main] : given!;
  return tierMembers(tier, subject, name, membersOf(args), interpreter?.packages ?? [], (member, options) => {
    const { machine, disk } = member;
    return new AppServer(member.name, { ...shape, source: args.source!, command, machine, disk, name }, options);
  });
}

function pick(args: AppTierArgs, fields: readonly string[]): { [field: string]: unknown } {
  return Object.fromEntries(Object.entries(args).filter(([field]) => fields.includes(field)));
}

function refuseContradictions(subject: string, args: AppTierArgs): void {
  const refuse = (problem: string) => {
    throw new pulumi.RunError(`${subject}: ${problem}`);
  };
  const { server = "tomcat" } = args;
  if (!["tomcat", "node", "python", "command"].includes(server))
    refuse(`server: got ${JSON.stringify(server)}. Allowed: "tomcat", "node", "python" or "command"`);
  const foreign = (server === "tomcat" ? programFields : tomcatFields).find((field) => Object.hasOwn(args, field));
  if (foreign !== undefined)
    refuse(
      `${foreign} is of ${server === "tomcat" ? 'server "node", "python" and "command"' : 'server "tomcat"'}, and server is "${server}". Fix: leave one of them out`,
    );
  if (server === "tomcat" && args.applications === undefined)
    refuse('applications is required. Allowed: WARs by their path, e.g. { "/shop": "./shop.war" }');
  if (server !== "tomcat" && args.source === undefined) refuse("source is required. Allowed: the application's folder");
  if (server === "command" && args.command === undefined)
    refuse('command is required. Allowed: a list of words, e.g. ["./server"]');
  if (server !== "command" && args.command !== undefined)
    refuse(`command is of server "command". Fix: say main, the program that ${server} runs`);
}
