import { createHash } from "node:crypto";
import { element, type Element } from "../libvirt/xml/document";
import { milliseconds } from "../schema/duration";
import { applicationContext } from "./context-xml";
import { indented } from "../java/indented";
import { layoutOf, type ClusterMember, type Connector, type DataSource, type TomcatModel } from "./model";

/** How many old access logs there are is counted in days; catalina.out is the journal's. */
const accessPattern = "%h %l %u %t &quot;%r&quot; %s %b %D".replaceAll("&quot;", '"');

/** server.xml: https://tomcat.apache.org/tomcat-10.1-doc/config/. */
export function serverXml(model: TomcatModel): string {
  const { connectors, dataSources = {}, drain } = model;
  const listeners = [
    "org.apache.catalina.core.JreMemoryLeakPreventionListener",
    "org.apache.catalina.mbeans.GlobalResourcesLifecycleListener",
    "org.apache.catalina.core.ThreadLocalLeakPreventionListener",
  ];
  return indented(
    // No port for its shutdown: the service manager ends it.
    element(
      "Server",
      { port: -1 },
      // Properties on its command line may be secrets.
      element("Listener", { className: "org.apache.catalina.startup.VersionLoggerListener", logArgs: "false" }),
      listeners.map((className) => element("Listener", { className })),
      element(
        "GlobalNamingResources",
        {},
        Object.entries(dataSources).map((each) => resource(each, model.passwords)),
      ),
      element(
        "Service",
        // Requests under way are answered before it stops.
        { name: "Catalina", gracefulStopAwaitMillis: milliseconds(drain) },
        connectors.map(connector),
        managerConnector(model),
        engine(model),
      ),
    ),
  );
}

/** Ports open once the applications are there, not before, and a check of the file opens none. */
const late = { bindOnInit: "false" };

function connector(of: Connector): Element {
  const { protocol, port, address, maxThreads, maxConnections, acceptCount, connectionTimeout, secret } = of;
  return element("Connector", {
    protocol: protocol === "ajp" ? "AJP/1.3" : "HTTP/1.1",
    port,
    ...late,
    address: address ?? (protocol === "ajp" ? "::" : undefined),
    maxThreads,
    maxConnections,
    acceptCount,
    connectionTimeout: connectionTimeout === undefined ? undefined : milliseconds(connectionTimeout),
    compression: of.compression ? "on" : undefined,
    ...(protocol === "ajp" && { secretRequired: secret === undefined ? "false" : "true", secret }),
  });
}

/** A socket that only root and Tomcat may open: applications are deployed through it. */
function managerConnector({ name }: TomcatModel): Element {
  const protocol = "org.apache.coyote.http11.Http11NioProtocol";
  const place = { unixDomainSocketPath: layoutOf(name).socket, unixDomainSocketPathPermissions: "rw-------" };
  return element("Connector", { protocol, ...place, ...late, maxThreads: 10 });
}

function engine(model: TomcatModel): Element {
  const { webapps, home } = layoutOf(model.name);
  const { logs, healthPath, route, cluster, deploy, applications, users } = model;
  const restart = deploy === "restart";
  const first = restart ? Object.keys(applications).filter((path) => applications[path]!.first) : [];
  return element(
    "Engine",
    { name: "Catalina", defaultHost: "localhost", jvmRoute: route, backgroundProcessorDelay: 5 },
    users && realm(),
    cluster && clusterElement(model.route, cluster, !crossContext(model)),
    element(
      "Host",
      {
        name: "localhost",
        appBase: restart ? `\${${webappsProperty}}` : webapps,
        unpackWARs: "true",
        autoDeploy: String(!restart),
        undeployOldVersions: "true",
        // An application of which a part does not start has not started.
        ...(restart && { failCtxIfServletStartFails: "true" }),
      },
      element("Valve", { className: "org.apache.catalina.valves.HealthCheckValve", path: healthPath }),
      logs.access &&
        element("Valve", {
          className: "org.apache.catalina.valves.AccessLogValve",
          directory: "logs",
          prefix: "access",
          suffix: ".log",
          maxDays: logs.days,
          pattern: accessPattern,
        }),
      element("Valve", {
        className: "org.apache.catalina.valves.ErrorReportValve",
        showReport: "false",
        showServerInfo: "false",
      }),
      element(
        "Context",
        { path: managerPath, docBase: `${home}/manager`, privileged: "true" },
        element("Manager", { pathname: "" }),
        element("JarScanner", { scanClassPath: "false" }),
        // The connectors of ports have one, and that of the socket has none.
        element("Valve", {
          className: "org.apache.catalina.valves.RemoteAddrValve",
          addConnectorPort: "true",
          allow: ".*;(-1|0)",
        }),
      ),
      // What is here starts before what has a descriptor of its own.
      first.map((path) => applicationContext(model, path, { path: path === "/" ? "" : path })),
    ),
  );
}

/** The property that says where WARs are unpacked: each release has a place of its own. */
export const webappsProperty = "pulumi-kvm.webapps";

/** How passwords are kept: https://tomcat.apache.org/tomcat-10.1-doc/config/credentialhandler.html. */
export const credentials = {
  algorithm: "PBKDF2WithHmacSHA512",
  digest: "sha512",
  iterations: 210_000,
  keyLength: 256,
  saltLength: 16,
};

/** Those who may log in; who fails too often has to wait. */
function realm(): Element {
  const { algorithm, iterations, keyLength, saltLength } = credentials;
  const className = (name: string) => ({ className: `org.apache.catalina.realm.${name}` });
  const handler = { ...className("SecretKeyCredentialHandler"), algorithm, iterations, keyLength, saltLength };
  return element(
    "Realm",
    className("LockOutRealm"),
    element(
      "Realm",
      { ...className("MemoryRealm"), pathname: "conf/users.xml" },
      element("CredentialHandler", handler),
    ),
  );
}

function crossContext({ applications }: TomcatModel): boolean {
  return Object.values(applications).some((one) => one.crossContext);
}

/** Where Tomcat's manager is, on its socket. */
export const managerPath = "/pulumi-kvm-manager";

function resource([name, of]: [string, DataSource], passwords: TomcatModel["passwords"]): Element {
  const { url, username, driver, maxTotal, maxIdle, minIdle, maxWait, validationQuery } = of;
  return element("Resource", {
    name,
    auth: "Container",
    type: "javax.sql.DataSource",
    driverClassName: driver,
    url,
    username,
    password: passwords?.[name],
    maxTotal,
    maxIdle,
    minIdle,
    maxWaitMillis: milliseconds(maxWait),
    validationQuery,
    // A database that was away is found again.
    testOnBorrow: "true",
    rollbackOnReturn: "true",
    closeMethod: "close",
  });
}

/**
 * Sessions replicated to all other members, which are told by their addresses: no multicast. A change of a session is with
 * the others, and acknowledged, before the request that made it is answered (channelSendOptions 6). One that vanished
 * holds up the first such request by two time-outs, and none afterwards.
 */
function clusterElement(
  route: string,
  { address, port, members }: NonNullable<TomcatModel["cluster"]>,
  rebind: boolean,
): Element {
  const tribes = "org.apache.catalina.tribes";
  const others = members.filter((member) => member.name !== route);
  return element(
    "Cluster",
    { className: "org.apache.catalina.ha.tcp.SimpleTcpCluster", channelSendOptions: 6 },
    deltaManager(),
    element(
      "Channel",
      { className: `${tribes}.group.GroupChannel` },
      element(
        "Membership",
        { className: `${tribes}.membership.StaticMembershipService`, connectTimeout: 500, expirationTime: 3000 },
        element("LocalMember", staticMember({ name: route, address, port })),
        others.map((member) => element("Member", staticMember(member))),
      ),
      element("Receiver", {
        className: `${tribes}.transport.nio.NioReceiver`,
        address,
        port,
        autoBind: 0,
        selectorTimeout: 100,
      }),
      element(
        "Sender",
        { className: `${tribes}.transport.ReplicationTransmitter` },
        // Where another server is gone without a word, each request waits for it until it counts as gone, for 5 s at most.
        element("Transport", {
          className: `${tribes}.transport.nio.PooledParallelSender`,
          timeout: 1000,
          poolSize: 100,
        }),
      ),
      element("Interceptor", { className: `${tribes}.group.interceptors.TcpFailureDetector`, connectTimeout: 500 }),
      element("Interceptor", { className: `${tribes}.group.interceptors.MessageDispatchInterceptor` }),
    ),
    element("Valve", { className: "org.apache.catalina.ha.tcp.ReplicationValve", filter: "" }),
    // It renames the session of one application; those of others that serve the same request would be lost.
    rebind && element("Valve", { className: "org.apache.catalina.ha.session.JvmRouteBinderValve" }),
    element("ClusterListener", { className: "org.apache.catalina.ha.session.ClusterSessionListener" }),
  );
}

/** Sessions that all members have. One that starts asks another for them, and where all start at once for this long. */
export function deltaManager(): Element {
  return element("Manager", {
    className: "org.apache.catalina.ha.session.DeltaManager",
    expireSessionsOnShutdown: "false",
    notifyListenersOnReplication: "true",
    stateTransferTimeout: 10,
  });
}

/** Members know each other by 16 bytes, made of the name. */
function staticMember({ name, address, port }: ClusterMember) {
  const bytes = [...createHash("sha256").update(name).digest().subarray(0, 16)].map((byte) => (byte << 24) >> 24);
  return {
    className: "org.apache.catalina.tribes.membership.StaticMember",
    host: address,
    port,
    uniqueId: `{${bytes.join(",")}}`,
  };
}
