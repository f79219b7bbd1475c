import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { applicationsWithDigests, withoutPasswords } from "./java-server";
import { onMachine, type MachineArg } from "./on-machine";

export interface WildFlyApplicationArgs {
  /** A WAR on the machine that runs pulumi, from the project's folder when relative; or a folder with what is in one. */
  war: pulumi.Input<string>;
  /**
   * Whether it was written for Java EE (`javax.servlet`): a copy for Jakarta EE is made of it. Needs Debian's package
   * tomcat-jakartaee-migration. Default false.
   */
  javax?: pulumi.Input<boolean>;
  /**
   * A page of the application, e.g. "/status", that has to answer with 200 to 399 after it came; where it does not, the
   * version before goes on. Default: that it starts is enough.
   */
  check?: pulumi.Input<string>;
  /** The digest of a WAR that is "maven:group:artifact:version:war" of Maven Central: nothing else is taken. */
  sha256?: string;
}

export interface WildFlyDataSourceArgs {
  /** JDBC's of PostgreSQL, without user and password: "jdbc:postgresql://192.168.150.20/shop". */
  url: pulumi.Input<string>;
  username?: pulumi.Input<string>;
  /** Kept encrypted in the state, and for root and WildFly only on the machine. */
  password?: pulumi.Input<string>;
  /**
   * Whether a transaction (JTA) may be over this and other data sources: all of them keep what was done, or none. The database
   * has to allow it: PostgreSQL's `max_prepared_transactions` is 0 unless it is set. Default false.
   */
  xa?: pulumi.Input<boolean>;
  /** The most connections at once. Default 20. */
  maxTotal?: pulumi.Input<number>;
  /** How many are kept when nobody uses them. Default 0. */
  minIdle?: pulumi.Input<number>;
  /** How long a request waits for one before it fails. Default "10s". */
  maxWait?: pulumi.Input<string>;
  /** Default: the driver's own check. */
  validationQuery?: pulumi.Input<string>;
}

export interface WildFlyConnectorArgs {
  /** "http", and HTTP/2 without TLS. */
  protocol?: pulumi.Input<"http">;
  port: pulumi.Input<number>;
  /** The address to listen at. Default: all. */
  address?: pulumi.Input<string>;
  /** Connections at once. Default: no limit. */
  maxConnections?: pulumi.Input<number>;
}

export interface WildFlyClusterMemberArgs {
  /** As its own `route`. */
  name: pulumi.Input<string>;
  address: pulumi.Input<string>;
  /** Default 7600. */
  port?: pulumi.Input<number>;
}

export interface WildFlyClusterArgs {
  /** Its own address, where the others send sessions to. */
  address: pulumi.Input<string>;
  /** It and the next one are used: by the next one it is known at once when a server ended. Default 7600. */
  port?: pulumi.Input<number>;
  /** All servers of the cluster, at least one beside this one, which may be among them. */
  members: pulumi.Input<pulumi.Input<WildFlyClusterMemberArgs>[]>;
}

export interface WildFlyServerArgs {
  /** Where: a guest, a host, or a spec such as `{ kind: "ssh", host: "app1" }`. systemd and Java 17 or newer are needed. */
  machine: MachineArg;
  /** Its service is `wildfly-NAME`, its files are in /srv/pulumi-kvm/wildfly-NAME. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /**
   * What the ids of its sessions end in, by which a balancer finds it again, and what its transactions are marked with: no
   * other server that uses the same databases may have it. Default: the resource's name.
   */
  route?: pulumi.Input<string>;
  /**
   * WildFly itself, as a ZIP: a path beside the program, or "maven:group:artifact:version:zip", with its SHA-256. It is sent once
   * to a machine, for all servers there. Default: 39.0.1.Final of Maven Central.
   */
  distribution?: { file: string; sha256: string };
  /** Web applications by their path, "/" or "/shop": a WAR's path, a folder with what is in one, or settings. */
  applications?: { [path: string]: pulumi.Input<string> | WildFlyApplicationArgs };
  /** Databases by their names in JNDI: "jdbc/shop" is found at java:/jdbc/shop. */
  dataSources?: { [name: string]: WildFlyDataSourceArgs };
  /** How long a transaction may take before it is rolled back. Default "5m". */
  transactionTimeout?: pulumi.Input<string>;
  /** Memory for objects. Default: at most "512MiB". */
  heap?: pulumi.Input<{ initial?: pulumi.Input<string | number>; maximum?: pulumi.Input<string | number> }>;
  /** More options of java, e.g. ["-XX:+UseZGC"]. */
  jvmFlags?: pulumi.Input<pulumi.Input<string>[]>;
  /** Java's system properties. */
  properties?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** Where it listens; the first one is asked whether it serves. Default: [{ port: 8080 }]. */
  connectors?: pulumi.Input<pulumi.Input<WildFlyConnectorArgs>[]>;
  /** The port of its management, on the loopback only. Default 9990. */
  management?: pulumi.Input<number>;
  /** Each session is kept by two servers of the cluster, so that any one of them can be lost. Default: by this one. */
  cluster?: pulumi.Input<WildFlyClusterArgs>;
  /** Logs in /var/log/wildfly-NAME: one a day, kept for `days` (14), with one of all requests (`access`, true). */
  logs?: pulumi.Input<{ days?: pulumi.Input<number>; access?: pulumi.Input<boolean> }>;
  /** The page that tells whether WildFly and all its applications are up: 200 or 503. Default "/.health". */
  healthPath?: pulumi.Input<string>;
  /** How long requests under way may take when it stops or an application is changed. Default "5s". */
  drain?: pulumi.Input<string>;
  /** How long it may take to start. Default "2m". */
  timeout?: pulumi.Input<string>;
  /** Any text that changes when the machine's disk becomes another one: then everything is put in place again. */
  disk?: pulumi.Input<string>;
}

/**
 * WildFly (JBoss) with its web applications: Jakarta EE's Web Profile, REST and mail, with transactions over several databases
 * (JTA). Java has to be there (Debian's default-jre-headless); WildFly itself is brought along. A new WAR takes the old one's
 * place without a restart, while new requests are answered 503 for a moment; in a cluster, and for other changes, WildFly is
 * restarted. Both wait for the requests under way. What does not start is taken back, and the error has WildFly's own words.
 *
 * @example
 * new WildFlyServer("shop", {
 *   machine: guest,
 *   applications: { "/shop": "./shop.war" },
 *   dataSources: {
 *     "jdbc/shop": { url: "jdbc:postgresql://192.168.150.20/shop", username: "shop", password, xa: true },
 *     "jdbc/books": { url: "jdbc:postgresql://192.168.150.21/books", username: "shop", password, xa: true },
 *   },
 * });
 */
export class WildFlyServer extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  declare readonly route: pulumi.Output<string>;
  /** The port that requests are handed on to. */
  declare readonly port: pulumi.Output<number>;
  /** "healthy", or what was found last. */
  declare readonly health: pulumi.Output<string>;

  constructor(name: string, args: WildFlyServerArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    super(
      "WildFlyServer",
      name,
      {
        ...args,
        machine: place.machine,
        name: args.name ?? name,
        route: args.route ?? name,
        applications: applicationsWithDigests(`WildFlyServer ${name}`, args.applications ?? {}),
        ...withoutPasswords(args.dataSources),
      },
      ["port", "health"],
      place.opts,
      ["passwords"],
    );
  }
}
