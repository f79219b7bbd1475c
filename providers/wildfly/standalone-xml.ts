import { element, type Element } from "../libvirt/xml/document";
import { milliseconds } from "../schema/duration";
import { indented } from "../java/indented";
import { clustering } from "./clustering-xml";
import { dataSources } from "./data-sources-xml";
import { deployments } from "./deployments-xml";
import { enterprise } from "./enterprise-xml";
import { nodeIdentifier, type WildFlyModel } from "./model";
import { management, security } from "./security-xml";
import { subsystem } from "./subsystem";
import { undertow } from "./undertow-xml";

/**
 * standalone.xml, the whole of a server: Jakarta EE's Web Profile, REST and mail, and nothing that listens but what is
 * declared. Elements are those of WildFly's schemas (docs/schema of its distribution, https://docs.wildfly.org/39/wildscribe/).
 */
export function standaloneXml(model: WildFlyModel): string {
  return indented(
    element(
      "server",
      { xmlns: "urn:jboss:domain:20.0" },
      element(
        "extensions",
        {},
        extensions(model).map((module) => element("extension", { module })),
      ),
      management(),
      element(
        "profile",
        {},
        logging(),
        dataSources(model),
        ...enterprise(model),
        security(model),
        element("subsystem", { xmlns: "urn:wildfly:health:1.0", "security-enabled": "false" }),
        ...clustering(model),
        subsystem("io:4.0", { "default-worker": "default" }, element("worker", { name: "default" })),
        subsystem("naming:2.0"),
        subsystem("remoting:8.0", {}, element("endpoint", { worker: "default" })),
        subsystem("request-controller:1.0"),
        transactions(model),
        undertow(model),
      ),
      interfaces(model),
      sockets(model),
      deployments(model),
    ),
  );
}

function extensions({ cluster }: WildFlyModel): string[] {
  const jboss = [
    "clustering.infinispan",
    "connector",
    "ee",
    "ejb3",
    "jaxrs",
    "jpa",
    "jsf",
    "logging",
    "mail",
    "naming",
  ];
  const more = [...(cluster ? ["clustering.jgroups"] : []), "remoting", "transactions", "weld"];
  const wildfly = ["bean-validation", "clustering.ejb", "clustering.web", "ee-security", "elytron", "health", "io"];
  return [
    ...[...jboss, ...more].map((name) => `org.jboss.as.${name}`),
    ...[...wildfly, "request-controller", "undertow"].map((name) => `org.wildfly.extension.${name}`),
  ].sort();
}

/** To the journal, and to one file a day. */
function logging(): Element {
  const formatter = (name: string, pattern: string) =>
    element("formatter", { name }, element("pattern-formatter", { pattern }));
  const named = (name: string) => element("formatter", {}, element("named-formatter", { name }));
  return subsystem(
    "logging:8.0",
    {},
    element("console-handler", { name: "CONSOLE" }, named("JOURNAL")),
    element(
      "periodic-rotating-file-handler",
      { name: "FILE", autoflush: "true" },
      named("FILE"),
      element("file", { "relative-to": "jboss.server.log.dir", path: "server.log" }),
      element("suffix", { value: ".yyyy-MM-dd" }),
      element("append", { value: "true" }),
    ),
    ["com.arjuna", "sun.rmi"].map((category) => element("logger", { category }, element("level", { name: "WARN" }))),
    element(
      "root-logger",
      {},
      element("level", { name: "INFO" }),
      element("handlers", {}, element("handler", { name: "CONSOLE" }), element("handler", { name: "FILE" })),
    ),
    formatter("JOURNAL", "%-5p [%c] %s%e%n"),
    formatter("FILE", "%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p [%c] (%t) %s%e%n"),
  );
}

/** What was under way when a server was lost is ended when it is back, by what it wrote down: that stays. */
function transactions({ route, transactionTimeout }: WildFlyModel): Element {
  return subsystem(
    "transactions:6.0",
    {},
    element(
      "core-environment",
      { "node-identifier": nodeIdentifier(route) },
      element("process-id", {}, element("uuid")),
    ),
    element("recovery-environment", {
      "socket-binding": "txn-recovery-environment",
      "status-socket-binding": "txn-status-manager",
    }),
    element("coordinator-environment", { "default-timeout": Math.ceil(milliseconds(transactionTimeout) / 1000) }),
    element("object-store", { path: "tx-object-store", "relative-to": "jboss.server.data.dir" }),
  );
}

function interfaces({ connectors, cluster }: WildFlyModel): Element {
  const at = (name: string, address: string) =>
    element("interface", { name }, element("inet-address", { value: address }));
  return element(
    "interfaces",
    {},
    at("management", "127.0.0.1"),
    element("interface", { name: "public" }, element("any-address")),
    cluster && at("private", cluster.address),
    connectors.map(({ address }, number) => address !== undefined && at(`connector-${number}`, address)),
  );
}

function sockets({ connectors, route, cluster, management: port }: WildFlyModel): Element {
  const binding = (name: string, at: number, of?: string) =>
    element("socket-binding", { name, interface: of, port: at });
  const outbound = (name: string, host: string, at: number) =>
    element("outbound-socket-binding", { name }, element("remote-destination", { host, port: at }));
  return element(
    "socket-binding-group",
    { name: "sockets", "default-interface": "management" },
    connectors.map(({ address, port: at }, number) =>
      binding(`http-${number}`, at, address === undefined ? "public" : `connector-${number}`),
    ),
    cluster && [
      binding("jgroups-tcp", cluster.port, "private"),
      binding("jgroups-tcp-fd", cluster.port + 1, "private"),
    ],
    binding("management-http", port),
    // Any that is free: only the server itself asks there.
    binding("txn-recovery-environment", 0),
    binding("txn-status-manager", 0),
    outbound("health", "127.0.0.1", port),
    cluster?.members
      .filter(({ name }) => name !== route)
      .map(({ name, address, port: at }) => outbound(`member-${name}`, address, at)),
  );
}
