import * as pulumi from "@pulumi/pulumi";
import { portalApplications, readPortlets, type PortletApplication } from "../../providers/portal/applications";
import type { Page, PortalModel } from "../../providers/portal/model";
import { plutoLibraries } from "../../providers/portal/pluto";
import { TomcatServer, type TomcatServerArgs } from "../../providers/resources/tomcat-server";
import { refuseUnknown } from "../refuse-unknown";
import { memberFields, membersOf, tierMembers, type TierMembersArgs } from "./members";
import { healthOf, serversOf, urlOf, type TierServer } from "./serving";
import { clusterOf, requestPort } from "./java-tier";
import type { Upstream } from "./upstream";

export interface PortalUserArgs {
  /** Kept encrypted in the state, and as a hash on the servers. */
  password: pulumi.Input<string>;
  /** What pages and portlets ask for. Default: none. */
  roles?: string[];
}

export interface PortalPageArgs {
  /** "news", or "news/headlines" where the application has several portlets. */
  portlets: string[];
  /** Who may see it, any of these roles. Default: everybody who is logged in. */
  roles?: string[];
  /** Whether also those who are not logged in may see it. Default false. */
  public?: boolean;
}

export interface PortalTierArgs
  extends
    TierMembersArgs,
    Pick<
      TomcatServerArgs,
      "heap" | "jvmFlags" | "properties" | "connectors" | "logs" | "healthPath" | "drain" | "timeout"
    > {
  /** Who may log in, by name. */
  users?: { [name: string]: PortalUserArgs };
  /**
   * Applications with portlets, by name: a WAR (portlet API 2.0, of Java EE or Jakarta EE) or a folder with what is in one. A
   * folder or WAR without WEB-INF/portlet.xml is one portlet, its pages view.jsp and, if it has them, edit.jsp, help.jsp and
   * action.jsp.
   */
  portlets: { [name: string]: string };
  /** Pages in the order of their links: the portlets on them, or settings. The first is where visitors begin. */
  pages: { [name: string]: string[] | PortalPageArgs };
  /** Where servers send sessions to each other. Default 4000. */
  clusterPort?: number;
}

const own = ["users", "portlets", "pages", "clusterPort"];
const ofTomcat = ["heap", "jvmFlags", "properties", "connectors", "logs", "healthPath", "drain", "timeout"];

/**
 * A portal, Apache Pluto's on Tomcat 10, with its users, pages and portlets. Whoever is logged in stays so when a server is
 * lost, where the servers know each other's addresses (`nics` with `ipv4` or `addresses`). Changes go through the servers one
 * after the other, each restarted with all sessions; one that does not come up goes back to what it ran, and no other one is
 * touched. What Pluto brings along for its own administration and tests is not there.
 *
 * @example
 * const portal = new PortalTier("portal", {
 *   host, kind: "lxc", memory: "768MiB", count: 2,
 *   nics: (number) => [{ network: "lab", ipv4: `192.168.150.${40 + number}` }],
 *   users: { alice: { password, roles: ["editor"] } },
 *   portlets: { news: "./portlets/news" },
 *   pages: { Home: ["news"], Desk: { portlets: ["news"], roles: ["editor"] } },
 * });
 */
export class PortalTier extends pulumi.ComponentResource implements Upstream {
  /** The servers, known to those that hand requests on to them once they serve. */
  readonly members: pulumi.Output<TierServer[]>;
  /** What each server said last. */
  readonly health: pulumi.Output<{ [name: string]: string }>;
  /** Of the members, in their order. */
  readonly urls: pulumi.Output<string[]>;
  /** The first member's. */
  readonly url: pulumi.Output<string>;
  readonly servers: readonly TomcatServer[];

  constructor(name: string, args: PortalTierArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:tier:PortalTier", name, {}, opts);
    const subject = `PortalTier ${name}`;
    refuseUnknown(subject, args, [...memberFields, ...own, ...ofTomcat]);
    const refuse = refusal(subject);
    const portlets = portletsOf(args, refuse);
    const users = usersOf(args, refuse);
    const applications = portalApplications(modelOf(args, portlets, refuse), portlets);
    const settings = Object.fromEntries(Object.entries(args).filter(([field]) => ofTomcat.includes(field)));
    const cluster = clusterOf(subject, name, args, 4000);
    const packages = ["tomcat-jakartaee-migration", "tomcat10"];
    const made = tierMembers(this, subject, name, membersOf(args), packages, (member, options) => {
      const place = { machine: member.machine, disk: member.disk, name, route: member.name };
      const shared = { applications, users, libraries: plutoLibraries, deploy: "restart" as const };
      const sessions = cluster && { cluster: cluster(member) };
      return new TomcatServer(member.name, { ...settings, ...place, ...shared, ...sessions }, options);
    });
    this.servers = made.map(({ server }) => server);
    this.members = serversOf(made, requestPort(args));
    this.health = healthOf(made);
    this.urls = this.members.apply((members) => members.map(({ address, port }) => urlOf(address, "http", port)));
    this.url = this.urls.apply((urls) => urls[0]!);
    this.registerOutputs({ members: this.members, health: this.health, urls: this.urls });
  }
}

type Refuse = (problem: string) => never;

function refusal(subject: string): Refuse {
  return (problem) => {
    throw new pulumi.RunError(`${subject}: ${problem}`);
  };
}

function portletsOf({ portlets }: PortalTierArgs, refuse: Refuse): { [name: string]: PortletApplication } {
  const read = ([name, war]: [string, string]) => {
    if (!/^[a-z0-9][a-z0-9_-]*$/.test(name))
      refuse(`portlets: ${JSON.stringify(name)} is not a name. Allowed: small letters, digits, "_" and "-"`);
    try {
      return [name, readPortlets(name, war)] as const;
    } catch (error) {
      const gone = (error as NodeJS.ErrnoException).code === "ENOENT";
      return refuse(`portlets.${name}: ${war} ${gone ? "does not exist" : (error as Error).message}`);
    }
  };
  return Object.fromEntries(Object.entries(portlets).map(read));
}

function usersOf({ users = {} }: PortalTierArgs, refuse: Refuse): { [name: string]: PortalUserArgs } {
  for (const [name, user] of Object.entries(users)) {
    refuseUnknown(`users.${name}`, user, ["password", "roles"]);
    if (user.password === undefined || user.password === "")
      refuse(`users.${name}: password is required. Allowed: a secret, e.g. config.requireSecret("password")`);
  }
  return users;
}

function modelOf(
  { pages, users = {} }: PortalTierArgs,
  portlets: { [name: string]: PortletApplication },
  refuse: Refuse,
): PortalModel {
  if (Object.keys(pages).length === 0) refuse('pages is empty. Allowed: at least one, e.g. { Home: ["news"] }');
  const given = new Set(Object.values(users).flatMap(({ roles = [] }) => roles));
  const page = ([name, declared]: [string, string[] | PortalPageArgs]): [string, Page] => {
    if (!/^[A-Za-z0-9](?:[\w -]*[A-Za-z0-9])?$/.test(name) || name.includes("__"))
      refuse(`pages: ${JSON.stringify(name)} is not a page's name. Allowed: letters, digits, blanks, "_" and "-"`);
    const { portlets: on, roles = [], ...more } = Array.isArray(declared) ? { portlets: declared } : declared;
    refuseUnknown(`pages.${name}`, more, ["public"]);
    const open = (more as PortalPageArgs).public ?? false;
    if (open && roles.length > 0) refuse(`pages.${name}: it is public, and has roles. Fix: leave one of them out`);
    for (const role of roles)
      if (!given.has(role))
        refuse(
          `pages.${name}.roles: no user has ${JSON.stringify(role)}. Allowed: ${[...given].map((one) => JSON.stringify(one)).join(", ") || "none, as no user has a role"}`,
        );
    return [name, { portlets: on.map((one) => placed(name, one)), roles, public: open }];
  };
  const placed = (page: string, given: string) => {
    const [application = "", portlet] = given.split("/");
    const found = portlets[application];
    if (!found)
      return refuse(
        `pages.${page}: there is no ${JSON.stringify(application)} in portlets. Allowed: ${Object.keys(portlets).join(", ") || "none"}`,
      );
    const names = found.portlets;
    if (portlet === undefined && names.length > 1)
      refuse(
        `pages.${page}: ${JSON.stringify(given)} has several portlets. Allowed: ${names.map((one) => `"${application}/${one}"`).join(", ")}`,
      );
    if (portlet !== undefined && !names.includes(portlet))
      refuse(
        `pages.${page}: ${application} has no portlet ${JSON.stringify(portlet)}. Allowed: ${names.map((one) => `"${application}/${one}"`).join(", ")}`,
      );
    return { application, portlet: portlet ?? names[0]! };
  };
  return { pages: Object.fromEntries(Object.entries(pages).map(page)) };
}
