import { bytes } from "../schema/size";
import { catalinaHome, layoutOf, type TomcatModel } from "./model";
import { webappsProperty } from "./server-xml";

/** What the java launcher reads as `@file`: one argument a line (java(1), "java Command-Line Argument Files"). */
export function javaOptions(model: TomcatModel, base: string): string {
  const { cache, webapps } = layoutOf(model.name);
  const { heap, jvmFlags, properties } = model;
  const opens = ["java.lang", "java.io", "java.util", "java.util.concurrent"].map((name) => `java.base/${name}`);
  const options = [
    `-Xmx${bytes(heap.maximum)}`,
    ...(heap.initial === undefined ? [] : [`-Xms${bytes(heap.initial)}`]),
    // What ran out of memory serves no more; the service manager starts it anew.
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    ...jvmFlags,
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    ...[...opens, "java.rmi/sun.rmi.transport"].map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    `-Djava.util.logging.config.file=${base}/conf/logging.properties`,
    "-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager",
    "-Djava.protocol.handler.pkgs=org.apache.catalina.webresources",
    "-Dorg.apache.catalina.security.SecurityListener.UMASK=0027",
    `-Djava.io.tmpdir=${cache}/temp`,
    `-Dcatalina.home=${catalinaHome}`,
    `-Dcatalina.base=${base}`,
    ...(model.deploy === "restart" ? [`-D${webappsProperty}=${webapps}/${base.split("/").at(-1)}`] : []),
    `--class-path=${catalinaHome}/bin/bootstrap.jar:${catalinaHome}/bin/tomcat-juli.jar`,
  ];
  return argumentFile(options);
}

/** JMX from the machine itself only; apart, because a second java, which checks a configuration, could not have the port. */
export function jmxOptions({ jmx }: TomcatModel): string {
  if (jmx === undefined) return "";
  const settings = { port: jmx, "rmi.port": jmx, host: "127.0.0.1", authenticate: false, ssl: false };
  return argumentFile([
    "-Djava.rmi.server.hostname=127.0.0.1",
    ...Object.entries(settings).map(([name, value]) => `-Dcom.sun.management.jmxremote.${name}=${value}`),
  ]);
}

function argumentFile(options: readonly string[]): string {
  return `${options.map(quoted).join("\n")}\n`;
}

function quoted(option: string): string {
  return `"${option.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
