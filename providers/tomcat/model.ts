import { posix } from "node:path";

/** A connector of Tomcat: https://tomcat.apache.org/tomcat-10.1-doc/config/http.html. */
export interface Connector {
  protocol: "http" | "ajp";
  port: number;
  address?: string;
  maxThreads?: number;
  maxConnections?: number;
  acceptCount?: number;
  connectionTimeout?: string;
  compression?: boolean;
  /** AJP only: what the web server in front has to say. */
  secret?: string;
}

/** A pool of connections to a database, under its JNDI name. */
export interface DataSource {
  url: string;
  username?: string;
  driver: string;
  maxTotal: number;
  maxIdle: number;
  minIdle: number;
  maxWait: string;
  validationQuery?: string;
}

/** One server of a cluster that replicates sessions. */
export interface ClusterMember {
  name: string;
  address: string;
  port: number;
}

/** A web application as Tomcat has it. */
export interface Application {
  war: string;
  sha256: string;
  javax: boolean;
  check?: string;
  /** Whether it may hand requests on to other applications of the server. */
  crossContext?: boolean;
  /** Whether it starts before all others; where applications are deployed by a restart. */
  first?: boolean;
  /** Files in the place of those in the WAR, by path inside. */
  files?: { [path: string]: string };
}

/** Archives whose classes all applications share. */
export interface Library {
  file: string;
  sha256: string;
  javax: boolean;
}

/** Somebody who may log in. */
export interface User {
  roles: string[];
}

/** What one Tomcat is, all that its files say. */
export interface TomcatModel {
  name: string;
  route: string;
  applications: { [path: string]: Application };
  versions?: { [path: string]: number };
  deploy: "parallel" | "restart";
  libraries: Library[];
  users?: { [name: string]: User };
  /** Of the users; apart, so that they alone are secret. */
  userPasswords?: { [name: string]: string };
  dataSources?: { [name: string]: DataSource };
  /** Of the data sources' users; apart, so that they alone are secret. */
  passwords?: { [dataSource: string]: string };
  heap: { initial?: string; maximum: string };
  jvmFlags: string[];
  properties: { [name: string]: string };
  connectors: Connector[];
  cluster?: { address: string; port: number; members: ClusterMember[] };
  logs: { days: number; access: boolean };
  jmx?: number;
  healthPath: string;
  drain: string;
}

/** Where a server's files are on its machine. */
export interface Layout {
  unit: string;
  unitFile: string;
  home: string;
  releases: string;
  current: string;
  wars: string;
  contexts: string;
  webapps: string;
  logs: string;
  cache: string;
  socket: string;
}

export const javaHome = "/usr/bin/java";
export const catalinaHome = "/usr/share/tomcat10";

export function layoutOf(name: string): Layout {
  const unit = `tomcat-${name}`;
  const home = posix.join("/srv/pulumi-kvm", unit);
  return {
    unit,
    unitFile: `/etc/systemd/system/${unit}.service`,
    home,
    releases: `${home}/releases`,
    current: `${home}/current`,
    wars: `${home}/wars`,
    contexts: `${home}/contexts`,
    webapps: `${home}/webapps`,
    logs: `/var/log/${unit}`,
    cache: `/var/cache/${unit}`,
    socket: `/run/${unit}/manager`,
  };
}

/** Tomcat's name of a version of an application: "/shop" is "shop##000002", and "/" is "ROOT##000002". */
export function baseName(path: string, version: number): string {
  const name = path === "/" ? "ROOT" : path.slice(1).replaceAll("/", "#");
  return `${name}##${versionText(version)}`;
}

/** As `baseName`, of an application without versions. */
export function plainName(path: string): string {
  return baseName(path, 1).split("##")[0]!;
}

/** Versions are compared as texts. */
export function versionText(version: number): string {
  return String(version).padStart(6, "0");
}

/** The file of an application's content; what was written for Java EE is kept as it was made for Jakarta EE. */
export function warFile({ wars }: Layout, { sha256, javax }: Application): string {
  return `${wars}/${sha256}${javax ? ".jakarta" : ""}.war`;
}

/** As `warFile`; Tomcat looks for tag libraries only in what is called so. */
export function libraryFile({ wars }: Layout, { sha256, javax }: Library): string {
  return `${wars}/${sha256}${javax ? ".jakarta" : ""}.jar`;
}
