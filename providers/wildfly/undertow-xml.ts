import { element, type Element } from "../libvirt/xml/document";
import { literal, subsystem } from "./subsystem";
import type { WildFlyModel } from "./model";

/** What answers HTTP: https://docs.wildfly.org/39/wildscribe/subsystem/undertow/. */
export function undertow({ connectors, route, healthPath, logs }: WildFlyModel): Element {
  return subsystem(
    "undertow:14.0",
    {
      "default-virtual-host": "default-host",
      "default-servlet-container": "default",
      "default-server": "default-server",
      "default-security-domain": "other",
      "instance-id": route,
    },
    element("byte-buffer-pool", { name: "default" }),
    element("buffer-cache", { name: "default" }),
    element(
      "server",
      { name: "default-server" },
      connectors.map(({ maxConnections }, number) =>
        element("http-listener", {
          name: `http-${number}`,
          "socket-binding": `http-${number}`,
          "max-connections": maxConnections,
          "enable-http2": "true",
          "require-host-http11": "true",
        }),
      ),
      element(
        "host",
        {
          name: "default-host",
          alias: "localhost",
          "default-web-module": "ROOT.war",
          // While it starts and ends: those in front ask another server, where a 404 is an answer and a queue is a wait.
          "default-response-code": "503",
          "queue-requests-on-start": "false",
        },
        element("location", { name: literal(healthPath), handler: "health" }),
        logs.access &&
          element("access-log", {
            pattern: '%h %l %u %t "%r" %s %b %D',
            directory: "${jboss.server.log.dir}",
            prefix: "access",
            suffix: ".log",
          }),
      ),
    ),
    element(
      "servlet-container",
      { name: "default" },
      element("jsp-config"),
      element("persistent-sessions", { path: "sessions", "relative-to": "jboss.server.data.dir" }),
      element("websockets"),
    ),
    element(
      "handlers",
      {},
      element(
        "reverse-proxy",
        { name: "health" },
        element("host", { name: "ready", "outbound-socket-binding": "health", scheme: "http", path: "/health/ready" }),
      ),
    ),
    element(
      "application-security-domains",
      {},
      element("application-security-domain", { name: "other", "security-domain": "ApplicationDomain" }),
    ),
  );
}
