import { createHash } from "node:crypto";

/** Where requests come in: an http-listener of Undertow, with its socket binding. */
export interface WildFlyConnector {
  port: number;
  address?: string;
  maxConnections?: number;
}

/** A pool of connections to a database, under its JNDI name. */
export interface WildFlyDataSource {
  url: string;
  username?: string;
  /** Whether it takes part in transactions over several resources. */
  xa: boolean;
  maxTotal: number;
  minIdle: number;
  maxWait: string;
  validationQuery?: string;
}

/** A web application as WildFly has it. */
export interface WildFlyApplication {
  war: string;
  sha256: string;
  javax: boolean;
  check?: string;
}

/** One server of a cluster that replicates sessions. */
export interface WildFlyClusterMember {
  name: string;
  address: string;
  port: number;
}

/** What one WildFly is, all that its files say. */
export interface WildFlyModel {
  name: string;
  route: string;
  distribution: { file: string; sha256: string };
  applications: { [path: string]: WildFlyApplication };
  dataSources?: { [name: string]: WildFlyDataSource };
  /** Of the data sources' users; apart, so that they alone are secret. */
  passwords?: { [dataSource: string]: string };
  transactionTimeout: string;
  heap: { initial?: string; maximum: string };
  jvmFlags: string[];
  properties: { [name: string]: string };
  connectors: WildFlyConnector[];
  management: number;
  cluster?: { address: string; port: number; members: WildFlyClusterMember[] };
  logs: { days: number; access: boolean };
  healthPath: string;
  drain: string;
}

/** Where a server's files are on its machine. */
export interface WildFlyLayout {
  unit: string;
  unitFile: string;
  /** What systemd-tmpfiles knows of its old logs. */
  tmpfiles: string;
  home: string;
  releases: string;
  current: string;
  wars: string;
  /** What its own management is asked with. */
  secret: string;
  users: string;
  data: string;
  logs: string;
  cache: string;
}

export function wildflyLayout(name: string): WildFlyLayout {
  const unit = `wildfly-${name}`;
  const home = `/srv/pulumi-kvm/${unit}`;
  return {
    unit,
    unitFile: `/etc/systemd/system/${unit}.service`,
    tmpfiles: `/etc/tmpfiles.d/${unit}.conf`,
    home,
    releases: `${home}/releases`,
    current: `${home}/current`,
    wars: `${home}/wars`,
    secret: `${home}/management`,
    users: `${home}/management-users.properties`,
    data: `/var/lib/${unit}`,
    logs: `/var/log/${unit}`,
    cache: `/var/cache/${unit}`,
  };
}

/** WildFly as Maven Central has it. */
export const wildfly39 = {
  file: "maven:org.wildfly:wildfly-dist:39.0.1.Final:zip",
  sha256: "2f2f24e786a4a3d0e3fb348aa45f70d7278be00844bc8593a2a50d4d8714f97a",
};

/** Where all distributions are; each in a release of its own, for all servers of the machine. */
export const distributions = "/srv/pulumi-kvm/wildfly";

/** What a deployment is called, after its path: "/" is "ROOT.war", "/a/b" is "a#b.war". */
export function deploymentName(path: string): string {
  return `${path === "/" ? "ROOT" : path.slice(1).replaceAll("/", "#")}.war`;
}

/** As an operator calls the application that has this deployment. */
export function deploymentPath(name: string): string {
  return name === "ROOT.war" ? "/" : `/${name.slice(0, -".war".length).replaceAll("#", "/")}`;
}

/**
 * The file of an application's content. WildFly has a WAR's path, and whether its sessions are shared, from inside the WAR:
 * a copy that says what is declared is what it gets.
 */
export function fittedFile({ wars }: WildFlyLayout, path: string, application: WildFlyApplication, cluster: boolean) {
  const { sha256, javax } = application;
  const fitted = `${wars}/${sha256}-${short(JSON.stringify([path, cluster]))}`;
  return { plain: `${fitted}.war`, used: javax ? `${fitted}.jakarta.war` : `${fitted}.war` };
}

/** What marks a server's transactions: at most 23 bytes, and no other server may have it. */
export function nodeIdentifier(route: string): string {
  return route.length <= 23 ? route : `${route.slice(0, 14)}-${short(route)}`;
}

function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
