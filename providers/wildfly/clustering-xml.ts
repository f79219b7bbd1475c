import { element, type Element } from "../libvirt/xml/document";
import { subsystem } from "./subsystem";
import type { WildFlyModel } from "./model";

/**
 * Where sessions are kept: with a cluster on two of its servers each, without one on this server alone. The members know
 * each other by their addresses (TCPPING): no multicast.
 */
export function clustering({ cluster, route }: WildFlyModel): Element[] {
  const spread = cluster !== undefined;
  return [
    subsystem(
      "infinispan:15.0",
      {},
      container("ejb", "org.wildfly.clustering.ejb.infinispan", spread),
      container("web", "org.wildfly.clustering.session.infinispan.embedded", spread),
    ),
    ...(cluster ? [jgroups(cluster, route)] : []),
    subsystem(
      "distributable-ejb:2.0",
      {},
      element(
        "bean-management",
        { default: "default" },
        element("infinispan-bean-management", {
          name: "default",
          "max-active-beans": "10000",
          "cache-container": "ejb",
        }),
      ),
      element("local-client-mappings-registry"),
    ),
    subsystem(
      "distributable-web:5.0",
      {},
      element(
        "session-management",
        { default: "default" },
        element(
          "infinispan-session-management",
          { name: "default", "cache-container": "web", granularity: "SESSION" },
          element(spread ? "primary-owner-affinity" : "local-affinity"),
        ),
      ),
      element(
        "single-sign-on-management",
        { default: "default" },
        element("infinispan-single-sign-on-management", { name: "default", "cache-container": "web", cache: "sso" }),
      ),
      spread ? element("infinispan-routing", { "cache-container": "web", cache: "routing" }) : element("local-routing"),
    ),
  ];
}

function container(name: string, modules: string, spread: boolean): Element {
  const cache = (kind: string, of: string) =>
    element(
      spread ? `${kind}-cache` : "local-cache",
      { name: of },
      element("locking", { isolation: "REPEATABLE_READ" }),
      element("transaction", { mode: "BATCH" }),
      element("expiration", { interval: 0 }),
    );
  return element(
    "cache-container",
    { name, "default-cache": "dist", modules, marshaller: "PROTOSTREAM" },
    spread && element("transport", { "lock-timeout": 60_000 }),
    cache("distributed", "dist"),
    name === "web" && [
      cache("replicated", "sso"),
      spread && element("replicated-cache", { name: "routing" }, element("expiration", { interval: 0 })),
    ],
  );
}

/**
 * One that ended is known at once, by its connection (FD_SOCK2); one that vanished without a word after four seconds
 * (FD_ALL3), for which requests that change a session wait.
 */
function jgroups({ members }: NonNullable<WildFlyModel["cluster"]>, route: string): Element {
  const protocol = (type: string, properties: { [name: string]: number } = {}) =>
    element(
      "protocol",
      { type },
      Object.entries(properties).map(([name, value]) => element("property", { name }, value)),
    );
  const others = members.filter(({ name }) => name !== route).map(({ name }) => `member-${name}`);
  return subsystem(
    "jgroups:9.0",
    {},
    element("channels", { default: "cluster" }, element("channel", { name: "cluster", stack: "tcp" })),
    element(
      "stacks",
      {},
      element(
        "stack",
        { name: "tcp" },
        element("transport", { type: "TCP", "socket-binding": "jgroups-tcp" }),
        protocol("RED"),
        element("socket-discovery-protocol", { type: "TCPPING", "socket-bindings": others.join(" ") }),
        protocol("MERGE3", { min_interval: 2000, max_interval: 8000 }),
        element("socket-protocol", { type: "FD_SOCK2", "socket-binding": "jgroups-tcp-fd" }),
        protocol("FD_ALL3", { interval: 1000, timeout: 4000 }),
        protocol("VERIFY_SUSPECT2", { timeout: 1000 }),
        protocol("NAKACK4"),
        protocol("UNICAST4"),
        protocol("pbcast.GMS", { join_timeout: 1000 }),
        protocol("FRAG4"),
      ),
    ),
  );
}
