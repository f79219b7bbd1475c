import { argumentFile, openPackages, serverOptions } from "../java/argument-file";
import { milliseconds } from "../schema/duration";
import { wildflyLayout, type WildFlyModel } from "./model";

/** What classes of WildFly look into: bin/common.sh of its distribution. */
const opens = [
  ...["lang", "lang.invoke", "lang.reflect", "io", "net", "security", "util", "util.concurrent"].map(
    (name) => `java.base/java.${name}`,
  ),
  ...["java.management/javax.management", "java.naming/javax.naming"],
];

const exported = ["ldap", "url.ldap", "url.ldaps"].map((name) => `java.naming/com.sun.jndi.${name}`);

/** What java is started with, up to the server's own arguments. */
export function javaOptions(model: WildFlyModel): string {
  const { logs, cache } = wildflyLayout(model.name);
  return argumentFile([
    ...serverOptions(model),
    ...openPackages(opens),
    ...exported.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
    // Limits of what is read as Java's own serialised objects, as WildFly's start script sets them.
    "-Djdk.serialFilter=maxbytes=10485760;maxdepth=128;maxarray=100000;maxrefs=300000",
    // Told to end, it refuses new requests, and answers those under way for this long.
    `-Dorg.wildfly.sigterm.suspend.timeout=${Math.ceil(milliseconds(model.drain) / 1000)}`,
    `-Djboss.node.name=${model.route}`,
    `-Djava.io.tmpdir=${cache}`,
    `-Dorg.jboss.boot.log.file=${logs}/server.log`,
  ]);
}
