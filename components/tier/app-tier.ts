import * as pulumi from "@pulumi/pulumi";
import { AppServer, type AppServerArgs } from "../../providers/resources/app-server";
import {
  TomcatServer,
  type TomcatDataSourceArgs,
  type TomcatServerArgs,
} from "../../providers/resources/tomcat-server";
import { WildFlyServer, type WildFlyServerArgs } from "../../providers/resources/wildfly-server";
import { refuseUnknown } from "../refuse-unknown";
import { memberFields, membersOf, tierMembers, type TierMembersArgs } from "./members";
import { healthOf, serversOf, urlOf, type Served, type TierServer } from "./serving";
import { clusterOf, javaPackages, requestPort } from "./java-tier";
import type { Upstream } from "./upstream";

export interface AppDataSourceArgs extends TomcatDataSourceArgs {
  /** Of "jboss": whether one transaction (JTA) may be over this and other data sources. See `WildFlyServer`. Default false. */
  xa?: pulumi.Input<boolean>;
}

export interface AppTierArgs
  extends
    Omit<TomcatServerArgs, "machine" | "name" | "route" | "disk" | "versions" | "cluster" | "dataSources">,
    TierMembersArgs {
  /**
   * "tomcat": Tomcat 10 of Debian, with `applications`. "jboss": WildFly with the same, and with transactions over several
   * data sources. "node" and "python": the program `main` in the folder `source`, run by Debian's Node.js or Python.
   * "command": any `command` in that folder. Default "tomcat".
   */
  server?: "tomcat" | "jboss" | "node" | "python" | "command";
  /** Databases by their names in JNDI: "jdbc/shop" is java:comp/env/jdbc/shop in Tomcat, java:/jdbc/shop in WildFly. */
  dataSources?: { [name: string]: AppDataSourceArgs };
  /** Of "jboss": how long a transaction may take before it is rolled back. Default "5m". */
  transactionTimeout?: WildFlyServerArgs["transactionTimeout"];
  /** Of "jboss": WildFly itself. Default: 39.0.1.Final of Maven Central. See `WildFlyServer`. */
  distribution?: WildFlyServerArgs["distribution"];
  /**
   * Whether sessions outlive the loss of a server ("cluster"), or each server has its own ("local"). A cluster has to know
   * all addresses before its guests are there: their NICs say `ipv4` or `addresses`. Default: "cluster" where they do and
   * there are two servers or more, else "local".
   */
  sessions?: "cluster" | "local";
  /** Where Tomcats (WildFlys) send sessions to each other. Default 4000 (7600, and the next one). */
  clusterPort?: number;
  /**
   * A folder on the machine that runs pulumi, with the whole application; only what changes travels. Of "node", "python" and
   * "command".
   */
  source?: AppServerArgs["source"];
  /** What is run in `source`. Default: "server.js" of Node.js, "server.py" of Python. */
  main?: string;
  /** What is run in `source` where `server` is "command": ["./server", "--quiet"]. */
  command?: AppServerArgs["command"];
  /** Variables of the environment of "node", "python" and "command", beside PORT. Secrets may be in it. */
  environment?: AppServerArgs["environment"];
  /** Where it listens; it is told as PORT. Default 8080. Tomcat and WildFly have `connectors`. */
  port?: AppServerArgs["port"];
  /** Who runs "node", "python" and "command". Default: a user of its own. */
  user?: AppServerArgs["user"];
}

const common = ["healthPath", "drain", "timeout"];
const javaFields = ["applications", "dataSources", "heap", "jvmFlags", "properties", "connectors", "logs"];
const clusterFields = ["sessions", "clusterPort"];
const jbossFields = ["transactionTimeout", "distribution"];
const programFields = ["source", "main", "command", "environment", "port", "user"];

/** What each server takes beside what is common. */
const fieldsOf = {
  tomcat: [...javaFields, ...clusterFields, "jmx"],
  jboss: [...javaFields, ...clusterFields, ...jbossFields],
  node: programFields,
  python: programFields,
  command: programFields,
};
type ServerKind = keyof typeof fieldsOf;
const kinds = Object.keys(fieldsOf) as ServerKind[];

/** What Debian runs them with. */
const interpreters = {
  node: { packages: ["nodejs"], program: "/usr/bin/node", main: "server.js" },
  python: { packages: ["python3"], program: "/usr/bin/python3", main: "server.py" },
};

type Made = Served<TomcatServer | WildFlyServer | AppServer>[];

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
  readonly servers: readonly (TomcatServer | WildFlyServer | AppServer)[];

  constructor(name: string, args: AppTierArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:tier:AppTier", name, {}, opts);
    const subject = `AppTier ${name}`;
    refuseUnknown(subject, args, ["server", ...memberFields, ...common, ...Object.values(fieldsOf).flat()]);
    refuseContradictions(subject, args);
    const { server = "tomcat" } = args;
    const made = membersWith(server, this, subject, name, args);
    this.servers = made.map((one) => one.server);
    const port = ofJava(server) ? requestPort(args) : pulumi.output(args.port ?? 8080);
    this.members = serversOf(made, port);
    this.health = healthOf(made);
    this.addresses = this.members.apply((members) => members.map(({ address }) => address));
    this.urls = this.members.apply((members) => members.map(({ address, port }) => urlOf(address, "http", port)));
    this.url = this.urls.apply((urls) => urls[0]!);
    this.registerOutputs({ members: this.members, health: this.health, urls: this.urls, addresses: this.addresses });
  }
}

function membersWith(server: ServerKind, tier: AppTier, subject: string, name: string, args: AppTierArgs): Made {
  if (server === "tomcat") return tomcats(tier, subject, name, args);
  if (server === "jboss") return wildflys(tier, subject, name, args);
  return programs(tier, subject, name, server, args);
}

function ofJava(server: ServerKind): boolean {
  return server === "tomcat" || server === "jboss";
}

function wildflys(tier: AppTier, subject: string, name: string, args: AppTierArgs): Made {
  const shape = pick(args, [...common, ...javaFields, ...jbossFields]) as Partial<WildFlyServerArgs>;
  const cluster = clusterOf(subject, name, args, 7600);
  return tierMembers(
    tier,
    subject,
    name,
    membersOf(args),
    javaPackages(args, "default-jre-headless"),
    (member, opts) => {
      const { machine, disk } = member;
      const place = { machine, disk, name, route: member.name };
      return new WildFlyServer(member.name, { ...shape, ...place, ...(cluster && { cluster: cluster(member) }) }, opts);
    },
  );
}

function tomcats(tier: AppTier, subject: string, name: string, args: AppTierArgs): Made {
  const shape = pick(args, [...common, ...javaFields, "jmx"]) as Partial<TomcatServerArgs>;
  const cluster = clusterOf(subject, name, args, 4000);
  let first: TomcatServer | undefined;
  return tierMembers(tier, subject, name, membersOf(args), javaPackages(args, "tomcat10"), (member, options) => {
    const { machine, disk } = member;
    const place = { machine, disk, name, route: member.name };
    // Sessions go with the version of their application: all count as the first one does.
    const shared = cluster && { cluster: cluster(member), ...(first && { versions: first.versions }) };
    const made = new TomcatServer(member.name, { ...shape, ...place, ...shared }, options);
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
  if (!kinds.includes(server)) refuse(`server: got ${JSON.stringify(server)}. Allowed: ${listed(kinds, "or")}`);
  const foreign = Object.keys(args).find(
    (field) => !fieldsOf[server].includes(field) && kinds.some((kind) => fieldsOf[kind].includes(field)),
  );
  if (foreign !== undefined) {
    const its = kinds.filter((kind) => fieldsOf[kind].includes(foreign));
    refuse(`${foreign} is of server ${listed(its, "and")}, and server is "${server}". Fix: leave one of them out`);
  }
  const xa = Object.entries(args.dataSources ?? {}).find(
    ([, source]) => server !== "jboss" && Object.hasOwn(source, "xa"),
  );
  if (xa) refuse(`dataSources.${xa[0]}.xa is of server "jboss", and server is "${server}". Fix: leave one of them out`);
  if (ofJava(server) && args.applications === undefined)
    refuse('applications is required. Allowed: WARs by their path, e.g. { "/shop": "./shop.war" }');
  if (!ofJava(server) && args.source === undefined) refuse("source is required. Allowed: the application's folder");
  if (server === "command" && args.command === undefined)
    refuse('command is required. Allowed: a list of words, e.g. ["./server"]');
  if (server !== "command" && args.command !== undefined)
    refuse(`command is of server "command". Fix: say main, the program that ${server} runs`);
}

/** '"a", "b" and "c"' */
function listed(words: readonly string[], last: "and" | "or"): string {
  const quoted = words.map((word) => JSON.stringify(word));
  return [quoted.slice(0, -1).join(", "), quoted.at(-1)!].filter(Boolean).join(` ${last} `);
}
