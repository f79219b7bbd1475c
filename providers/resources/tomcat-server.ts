import type * as pulumi from "@pulumi/pulumi";
import { isFromMaven } from "../content/archive";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { applicationsWithDigests, archiveDigest, withoutPasswords } from "./java-server";
import { onMachine, type MachineArg } from "./on-machine";

export interface TomcatApplicationArgs {
  /** A WAR on the machine that runs pulumi, from the project's folder when relative; or a folder with what is in one. */
  war: pulumi.Input<string>;
  /**
   * Whether it was written for Java EE (`javax.servlet`), for Tomcat 9 and older: a copy for Jakarta EE is made of it, as
   * Tomcat does in its folder webapps-javaee. Needs Debian's package tomcat-jakartaee-migration. Default false.
   */
  javax?: pulumi.Input<boolean>;
  /**
   * A page of the application, e.g. "/status", that has to answer with 200 to 399 after it came; where it does not, the
   * version before goes on. Default: that it starts is enough.
   */
  check?: pulumi.Input<string>;
  /** The digest of a WAR that is "maven:group:artifact:version:war" of Maven Central: nothing else is taken. */
  sha256?: string;
  /** Whether it may hand requests on to other applications of the server. Default false. */
  crossContext?: boolean;
  /** Whether it starts before the others. Only where `deploy` is "restart". Default false. */
  first?: boolean;
  /** Files in the place of those in the WAR, by path inside. Only where `deploy` is "restart". */
  files?: { [path: string]: string };
}

export interface TomcatLibraryArgs {
  /** A JAR on the machine that runs pulumi, or "maven:group:artifact:version" of Maven Central, with its `sha256`. */
  file: string;
  sha256?: string;
  /** As of an application. Default false. */
  javax?: boolean;
}

export interface TomcatUserArgs {
  /** Kept encrypted in the state, and as a hash (PBKDF2) on the machine. */
  password: pulumi.Input<string>;
  roles?: pulumi.Input<string>[];
}

export interface TomcatDataSourceArgs {
  /** JDBC's, without user and password: "jdbc:postgresql://192.168.150.20/shop". */
  url: pulumi.Input<string>;
  username?: pulumi.Input<string>;
  /** Kept encrypted in the state, and for root and Tomcat only on the machine. */
  password?: pulumi.Input<string>;
  /** The driver's class. Default "org.postgresql.Driver", of Debian's package libpostgresql-jdbc-java. */
  driver?: pulumi.Input<string>;
  /** The most connections at once. Default 20. */
  maxTotal?: pulumi.Input<number>;
  /** The most that are kept when nobody uses them. Default 10, or `maxTotal` where that is less. */
  maxIdle?: pulumi.Input<number>;
  /** Default 0. */
  minIdle?: pulumi.Input<number>;
  /** How long a request waits for one before it fails. Default "10s". */
  maxWait?: pulumi.Input<string>;
  /** Default: the driver's own check. */
  validationQuery?: pulumi.Input<string>;
}

export interface TomcatConnectorArgs {
  /** Default "http". */
  protocol?: pulumi.Input<"http" | "ajp">;
  port: pulumi.Input<number>;
  /** The address to listen at. Default: all. */
  address?: pulumi.Input<string>;
  /** Requests at once. Default: Tomcat's, 200. */
  maxThreads?: pulumi.Input<number>;
  /** Connections at once. Default: Tomcat's, 8192. */
  maxConnections?: pulumi.Input<number>;
  /** Connections that wait beside these. Default: Tomcat's, 100. */
  acceptCount?: pulumi.Input<number>;
  /** How long a client may take to send its request. Default: Tomcat's, "60s". */
  connectionTimeout?: pulumi.Input<string>;
  /** Whether texts are compressed. Default false. */
  compression?: pulumi.Input<boolean>;
  /** AJP: what the web server in front has to say. */
  secret?: pulumi.Input<string>;
}

export interface TomcatClusterMemberArgs {
  /** As its own `route`. */
  name: pulumi.Input<string>;
  address: pulumi.Input<string>;
  /** Default 4000. */
  port?: pulumi.Input<number>;
}

export interface TomcatClusterArgs {
  /** Its own address, where the others send sessions to. */
  address: pulumi.Input<string>;
  /** Default 4000. */
  port?: pulumi.Input<number>;
  /** All servers of the cluster; this one may be among them. */
  members: pulumi.Input<pulumi.Input<TomcatClusterMemberArgs>[]>;
}

export interface TomcatServerArgs {
  /** Where: a guest, a host, or a spec such as `{ kind: "ssh", host: "app1" }`. systemd and Debian's tomcat10 are needed. */
  machine: MachineArg;
  /** Its service is `tomcat-NAME`, its files are in /srv/pulumi-kvm/tomcat-NAME. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** What the ids of its sessions end in, by which a balancer finds it again. Default: the resource's name. */
  route?: pulumi.Input<string>;
  /** Web applications by their path, "/" or "/shop": a WAR's path, a folder with what is in one, or settings. */
  applications?: { [path: string]: pulumi.Input<string> | TomcatApplicationArgs };
  /**
   * The numbers that versions of applications go by. Default: they count up with each new content. Servers of one cluster
   * need the same ones: give them the `versions` of the first.
   */
  versions?: pulumi.Input<{ [path: string]: number }>;
  /**
   * How a new content of an application comes: beside the old one, which goes with its last session ("parallel"), or by a
   * restart of Tomcat, with all sessions that its cluster has ("restart"). Default "parallel".
   */
  deploy?: pulumi.Input<"parallel" | "restart">;
  /** JARs that all applications share. */
  libraries?: TomcatLibraryArgs[];
  /** Who may log in to applications that ask for it, by name. Default: nobody. */
  users?: { [name: string]: TomcatUserArgs };
  /** Databases by their names in JNDI: "jdbc/shop" is found at java:comp/env/jdbc/shop. */
  dataSources?: { [name: string]: TomcatDataSourceArgs };
  /** Memory for objects. Default: at most "256MiB". */
  heap?: pulumi.Input<{ initial?: pulumi.Input<string | number>; maximum?: pulumi.Input<string | number> }>;
  /** More options of java, e.g. ["-XX:+UseZGC"]. */
  jvmFlags?: pulumi.Input<pulumi.Input<string>[]>;
  /** Java's system properties. */
  properties?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** Where it listens; the first one of protocol "http" is asked whether it serves. Default: [{ port: 8080 }]. */
  connectors?: pulumi.Input<pulumi.Input<TomcatConnectorArgs>[]>;
  /** Sessions of all applications are kept by all servers of the cluster (DeltaManager). Default: each has its own. */
  cluster?: pulumi.Input<TomcatClusterArgs>;
  /** Logs in /var/log/tomcat-NAME: one a day, kept for `days` (14), with one of all requests (`access`, true). */
  logs?: pulumi.Input<{ days?: pulumi.Input<number>; access?: pulumi.Input<boolean> }>;
  /** A port for JMX, on the loopback only, for whoever is on the machine. Default: none. */
  jmx?: pulumi.Input<number>;
  /** The page that tells whether Tomcat and all its applications are up: 200 or 503. Default "/.health". */
  healthPath?: pulumi.Input<string>;
  /** How long requests under way may take when it stops or an application goes. Default "5s". */
  drain?: pulumi.Input<string>;
  /** How long it may take to start. Default "2m". */
  timeout?: pulumi.Input<string>;
  /** Any text that changes when the machine's disk becomes another one: then everything is put in place again. */
  disk?: pulumi.Input<string>;
}

/**
 * Tomcat 10 with its web applications, from Debian's package tomcat10, which has to be there. A new WAR is started beside
 * the old one, which goes when its last session ends; other changes restart Tomcat after the requests under way. What does
 * not start is taken back, and the error has Tomcat's own words. It has a service and files of its own: Debian's tomcat10
 * is left as it is.
 *
 * @example
 * new TomcatServer("shop", {
 *   machine: guest,
 *   applications: { "/shop": "./shop.war" },
 *   dataSources: { "jdbc/shop": { url: "jdbc:postgresql://192.168.150.20/shop", username: "shop", password } },
 *   heap: { maximum: "512MiB" },
 * });
 */
export class TomcatServer extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  declare readonly route: pulumi.Output<string>;
  /** The port that requests are handed on to. */
  declare readonly port: pulumi.Output<number>;
  /** The numbers that its applications' versions go by. */
  declare readonly versions: pulumi.Output<{ [path: string]: number }>;
  /** "healthy", or what was found last. */
  declare readonly health: pulumi.Output<string>;

  constructor(name: string, args: TomcatServerArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    super(
      "TomcatServer",
      name,
      {
        ...args,
        machine: place.machine,
        name: args.name ?? name,
        route: args.route ?? name,
        applications: applicationsWithDigests(`TomcatServer ${name}`, args.applications ?? {}),
        ...withoutPasswords(args.dataSources),
        ...(args.libraries && { libraries: args.libraries.map((one) => libraryWithDigest(name, one)) }),
        ...usersWithoutPasswords(args.users),
      },
      ["port", "health", ...(args.versions === undefined ? ["versions"] : [])],
      place.opts,
      ["passwords", "userPasswords"],
    );
  }
}

function libraryWithDigest(server: string, library: TomcatLibraryArgs): object {
  const { file } = library;
  return isFromMaven(file)
    ? library
    : { ...library, sha256: archiveDigest(`TomcatServer ${server}`, "libraries", file) };
}

function usersWithoutPasswords(users: TomcatServerArgs["users"]): object {
  if (users === undefined) return {};
  const all = Object.entries(users);
  return {
    users: Object.fromEntries(all.map(([name, { password: _password, ...user }]) => [name, user])),
    userPasswords: Object.fromEntries(all.map(([name, { password }]) => [name, password])),
  };
}
