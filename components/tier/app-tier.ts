import * as pulumi from "@pulumi/pulumi";
import {
  TomcatServer,
  type TomcatApplicationArgs,
  type TomcatServerArgs,
} from "../../providers/resources/tomcat-server";
import { refuseUnknown } from "../refuse-unknown";
import { knownMembers, memberFields, membersOf, tierMembers, type TierMember, type TierMembersArgs } from "./members";
import { bracketed, type Upstream } from "./upstream";
import type { TierServer } from "./web-tier";

export interface AppTierArgs
  extends
    Omit<TomcatServerArgs, "machine" | "name" | "route" | "disk" | "versions" | "cluster" | "applications">,
    TierMembersArgs {
  /** Default "tomcat": Tomcat 10 of Debian. */
  server?: "tomcat";
  /** Web applications by their path, "/" or "/shop": a WAR's path, or settings. */
  applications: NonNullable<TomcatServerArgs["applications"]>;
  /**
   * Whether every server has the sessions of all ("cluster"), so that none is lost with one of them, or each its own
   * ("local"). A cluster has to know all addresses before its guests are there: their NICs say `ipv4` or `addresses`.
   * Default: "cluster" where they do and there are two servers or more, else "local".
   */
  sessions?: "cluster" | "local";
  /** Where the servers send sessions to each other. Default 4000. */
  clusterPort?: number;
}

const packages = ["tomcat10"];

const serverFields = [
  ...["server", "applications", "dataSources", "heap", "jvmFlags", "properties", "connectors", "logs", "jmx"],
  ...["healthPath", "drain", "timeout"],
];

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
  readonly servers: readonly TomcatServer[];

  constructor(name: string, args: AppTierArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:tier:AppTier", name, {}, opts);
    const subject = `AppTier ${name}`;
    refuseUnknown(subject, args, [...memberFields, ...serverFields, "sessions", "clusterPort"]);
    const { server = "tomcat" } = args;
    if (server !== "tomcat")
      throw new pulumi.RunError(`${subject}: server: got ${JSON.stringify(server)}. Allowed: "tomcat"`);
    const shape = Object.fromEntries(
      Object.entries(args).filter(([field]) => serverFields.includes(field) && field !== "server"),
    ) as Omit<TomcatServerArgs, "machine">;
    const cluster = clusterOf(subject, name, args);
    let first: TomcatServer | undefined;
    const made = tierMembers(this, subject, name, membersOf(args), packagesFor(args), (member, options) => {
      const { machine, disk } = member;
      const place = { machine, disk, name, route: member.name };
      // Sessions go with the version of their application: all count as the first one does.
      const shared = cluster && { cluster: cluster(member), ...(first && { versions: first.versions }) };
      const made = new TomcatServer(member.name, { ...shape, ...place, ...shared }, options);
      first ??= made;
      return made;
    });
    this.servers = made.map((one) => one.server);
    this.members = pulumi.all(made.map(serving)).apply((members) => members);
    this.health = pulumi
      .all(made.map(({ member, server: one }) => one.health.apply((health) => [member.name, health] as const)))
      .apply((pairs) => Object.fromEntries(pairs));
    this.addresses = this.members.apply((members) => members.map(({ address }) => address));
    this.urls = this.members.apply((members) =>
      members.map(({ address, port }) => `http://${bracketed(address)}${port === 80 ? "" : `:${port}`}/`),
    );
    this.url = this.urls.apply((urls) => urls[0]!);
    this.registerOutputs({ members: this.members, health: this.health, urls: this.urls, addresses: this.addresses });
  }
}

/** A member that others may ask, which it is only once it serves. */
function serving({ member, server }: { member: TierMember; server: TomcatServer }): pulumi.Output<TierServer> {
  return pulumi.all([member.address, member.ipv4, member.ipv6, server.port]).apply(([address, ipv4, ipv6, port]) => ({
    name: member.name,
    address,
    port,
    protocol: "http",
    ...(ipv4 !== undefined && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
  }));
}

/** Each member's part of the cluster; undefined where there is none. */
function clusterOf(subject: string, name: string, args: AppTierArgs) {
  const { sessions, clusterPort: port = 4000 } = args;
  if (sessions !== undefined && sessions !== "cluster" && sessions !== "local")
    throw new pulumi.RunError(`${subject}: sessions: got ${JSON.stringify(sessions)}. Allowed: "cluster" or "local"`);
  const members = knownMembers(name, args)?.map((member) => ({ ...member, port }));
  if (sessions === "cluster" && !members)
    throw new pulumi.RunError(
      `${subject}: sessions: a cluster has to know the addresses of all its guests before they are there. Fix: give them nics with ipv4 or addresses, e.g. nics: (number) => [{ network: "lab", ipv4: \`192.168.150.\${20 + number}\` }]; or sessions: "local"`,
    );
  if (!members || sessions === "local" || (sessions === undefined && members.length < 2)) return undefined;
  return (member: TierMember) => ({ address: member.address, port, members });
}

/** What its applications need beside Tomcat. */
function packagesFor({ applications, dataSources = {} }: AppTierArgs): string[] {
  const javax = Object.values(applications ?? {}).some(
    (each) => isSettings(each) && each.javax !== false && each.javax !== undefined,
  );
  const postgres = Object.values(dataSources).some(
    ({ driver }) => driver === undefined || driver === "org.postgresql.Driver",
  );
  return [
    ...(postgres ? ["libpostgresql-jdbc-java"] : []),
    ...(javax ? ["tomcat-jakartaee-migration"] : []),
    ...packages,
  ];
}

function isSettings(given: AppTierArgs["applications"][string]): given is TomcatApplicationArgs {
  return typeof given === "object" && !pulumi.Output.isInstance(given) && "war" in given;
}
