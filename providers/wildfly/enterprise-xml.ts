import { element, type Element } from "../libvirt/xml/document";
import { subsystem } from "./subsystem";
import type { WildFlyModel } from "./model";

/** What Jakarta EE's Web Profile has beside servlets, with REST and mail; as in the distribution's own standalone-ha.xml. */
export function enterprise({ cluster }: WildFlyModel): Element[] {
  return [
    subsystem("bean-validation:1.0"),
    concurrency(),
    subsystem("ee-security:1.0"),
    enterpriseBeans(cluster !== undefined),
    subsystem("jaxrs:5.0"),
    connections(),
    subsystem("jpa:1.1", {}, element("jpa", { "default-extended-persistence-inheritance": "DEEP" })),
    subsystem("jsf:1.1"),
    subsystem("mail:4.0"),
    subsystem("weld:5.0"),
  ];
}

const names = "java:jboss/ee/concurrency";

/** By the name of the element, what is at which place of JNDI. */
const concurrent = {
  "context-service": "context",
  "managed-thread-factory": "factory",
  "managed-executor-service": "executor",
  "managed-scheduled-executor-service": "scheduler",
};

function concurrency(): Element {
  const plural = (kind: string) => kind.replace(/y$/, "ie").concat("s");
  return subsystem(
    "ee:6.0",
    {},
    element(
      "concurrent",
      {},
      Object.entries(concurrent).map(([kind, place]) => {
        const attributes = { name: "default", "jndi-name": `${names}/${place}/default` };
        const context = kind === "context-service" ? {} : { "context-service": "default" };
        return element(plural(kind), {}, element(kind, { ...attributes, ...context }));
      }),
    ),
    element(
      "default-bindings",
      Object.fromEntries(Object.entries(concurrent).map(([kind, place]) => [kind, `${names}/${place}/default`])),
    ),
  );
}

function enterpriseBeans(clustered: boolean): Element {
  const pool = "slsb-strict-max-pool";
  const store = "default-file-store";
  return subsystem(
    "ejb3:10.0",
    {},
    element(
      "session-bean",
      {},
      element("stateless", {}, element("bean-instance-pool-ref", { "pool-name": pool })),
      element("stateful", {
        "default-access-timeout": 5000,
        "cache-ref": clustered ? "distributable" : "simple",
        "passivation-disabled-cache-ref": "simple",
      }),
      element("singleton", { "default-access-timeout": 5000 }),
    ),
    element(
      "pools",
      {},
      element(
        "bean-instance-pools",
        {},
        element("strict-max-pool", { name: pool, "derive-size": "from-worker-pools" }),
      ),
    ),
    element(
      "caches",
      {},
      element("simple-cache", { name: "simple" }),
      clustered && element("distributable-cache", { name: "distributable" }),
    ),
    element("async", { "thread-pool-name": "default" }),
    element(
      "timer-service",
      { "thread-pool-name": "default", "default-data-store": store },
      element(
        "data-stores",
        {},
        element("file-data-store", { name: store, path: "timers", "relative-to": "jboss.server.data.dir" }),
      ),
    ),
    element(
      "thread-pools",
      {},
      element(
        "thread-pool",
        { name: "default" },
        element("max-threads", { count: 10 }),
        element("keepalive-time", { time: 60, unit: "seconds" }),
      ),
    ),
    element("default-security-domain", { value: "other" }),
    element(
      "application-security-domains",
      {},
      element("application-security-domain", { name: "other", "security-domain": "ApplicationDomain" }),
    ),
    element("default-missing-method-permissions-deny-access", { value: "true" }),
    element("log-system-exceptions", { value: "true" }),
  );
}

/** Pools of connections, and the threads of resource adapters. */
function connections(): Element {
  const threads = (kind: string) =>
    element(
      kind,
      {},
      ["core-threads", "queue-length", "max-threads"].map((limit) => element(limit, { count: 50 })),
      element("keepalive-time", { time: 10, unit: "seconds" }),
    );
  return subsystem(
    "jca:6.0",
    {},
    element("archive-validation", { enabled: "true", "fail-on-error": "true", "fail-on-warn": "false" }),
    element("bean-validation", { enabled: "true" }),
    element("default-workmanager", {}, threads("short-running-threads"), threads("long-running-threads")),
    element("cached-connection-manager"),
  );
}
