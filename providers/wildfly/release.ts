import { createHash } from "node:crypto";
import type { ServerRelease } from "../java/installation";
import { driverModule } from "./data-sources-xml";
import { nothingThere } from "./deployments-xml";
import { javaOptions } from "./java-options";
import { wildflyLayout, type WildFlyModel } from "./model";
import { standaloneXml } from "./standalone-xml";

/** One configuration. */
export interface WildFlyRelease extends ServerRelease {
  /** Of what takes a restart: the hash begins with it. */
  settings: string;
}

export function releaseOf(model: WildFlyModel): WildFlyRelease {
  const settings = short(JSON.stringify(filesOf({ ...model, applications: {} })));
  const files = filesOf(model);
  const hash = `${settings}-${short(JSON.stringify(files))}`;
  return { settings, hash, folder: `${wildflyLayout(model.name).releases}/${hash}`, files };
}

/** Whether the server that was started with a release has what another one says, but for its applications. */
export function sameSettings(hash: string, { settings }: WildFlyRelease): boolean {
  return hash.startsWith(`${settings}-`);
}

function filesOf(model: WildFlyModel): { [path: string]: string } {
  return {
    "standalone.xml": standaloneXml(model),
    "logging.properties": logging,
    "java.options": javaOptions(model),
    ...nothingThere,
    ...(model.dataSources && { [`modules/${driverModule.replaceAll(".", "/")}/main/module.xml`]: driver }),
  };
}

/** Until the server has read its own. */
const logging = `logger.level=INFO
logger.handlers=CONSOLE
handler.CONSOLE=org.jboss.logmanager.handlers.ConsoleHandler
handler.CONSOLE.level=INFO
handler.CONSOLE.formatter=JOURNAL
handler.CONSOLE.properties=autoFlush,target
handler.CONSOLE.autoFlush=true
handler.CONSOLE.target=SYSTEM_OUT
formatter.JOURNAL=org.jboss.logmanager.formatters.PatternFormatter
formatter.JOURNAL.properties=pattern
formatter.JOURNAL.pattern=%-5p [%c] %s%e%n
`;

const driver = `<?xml version="1.0" encoding="UTF-8"?>
<module xmlns="urn:jboss:module:1.9" name="${driverModule}">
  <resources>
    <resource-root path="/usr/share/java/postgresql.jar"/>
  </resources>
  <dependencies>
    <module name="java.logging"/>
    <module name="java.management"/>
    <module name="java.naming"/>
    <module name="java.security.sasl"/>
    <module name="java.security.jgss"/>
    <module name="java.sql"/>
    <module name="java.transaction.xa"/>
    <module name="java.xml"/>
    <module name="jakarta.transaction.api"/>
  </dependencies>
</module>
`;

function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
