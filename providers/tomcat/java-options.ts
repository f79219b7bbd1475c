import { argumentFile, openPackages, serverOptions } from "../java/argument-file";
import { catalinaHome, layoutOf, type TomcatModel } from "./model";
import { webappsProperty } from "./server-xml";

/** What java is started with. */
export function javaOptions(model: TomcatModel, base: string): string {
  const { cache, webapps } = layoutOf(model.name);
  const opens = ["java.lang", "java.io", "java.util", "java.util.concurrent"].map((name) => `java.base/${name}`);
  const options = [
    ...serverOptions(model),
    ...openPackages([...opens, "java.rmi/sun.rmi.transport"]),
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
