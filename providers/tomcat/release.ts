import { createHash } from "node:crypto";
import type { ServerRelease } from "../java/installation";
import { applicationXml, contextXml } from "./context-xml";
import { javaOptions, jmxOptions } from "./java-options";
import { catalinaHome, layoutOf, plainName, libraryFile, type TomcatModel } from "./model";
import { serverXml } from "./server-xml";
import { usersXml } from "./users-xml";

/** The files of one configuration: a CATALINA_BASE. */
export interface Release extends ServerRelease {
  links: { [path: string]: string };
}

export function releaseOf(model: TomcatModel): Release {
  const layout = layoutOf(model.name);
  const links = {
    "conf/catalina.properties": `${catalinaHome}/etc/catalina.properties`,
    "conf/web.xml": `${catalinaHome}/etc/web.xml`,
    // Tomcat's manager looks nowhere else.
    ...(model.deploy === "parallel" && { "conf/Catalina/localhost": layout.contexts }),
    "lib/postgresql.jar": "/usr/share/java/postgresql.jar",
    logs: layout.logs,
    work: `${layout.cache}/work`,
    temp: `${layout.cache}/temp`,
    ...Object.fromEntries(model.libraries.map((one) => [`lib/${one.sha256}.jar`, libraryFile(layout, one)])),
  };
  const settings = {
    "conf/server.xml": serverXml(model),
    "conf/context.xml": contextXml(model),
    "conf/logging.properties": logging(model),
    "conf/jmx.options": jmxOptions(model),
    ...(model.users && { "conf/users.xml": usersXml(model) }),
    ...(model.deploy === "restart" && applicationFiles(model)),
  };
  const text = JSON.stringify([settings, links, javaOptions(model, "")]);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const folder = `${layout.releases}/${hash}`;
  return { hash, folder, links, files: { ...settings, "conf/java.options": javaOptions(model, folder) } };
}

/** Applications that come and go with the whole configuration. */
function applicationFiles(model: TomcatModel): { [path: string]: string } {
  const files = Object.entries(model.applications).flatMap(([path, { first, files: own = {} }]) => [
    ...(first ? [] : [[`conf/Catalina/localhost/${plainName(path)}.xml`, applicationXml(model, path)] as const]),
    ...Object.entries(own).map(([file, text]) => [`files/${plainName(path)}/${file}`, text] as const),
  ]);
  return Object.fromEntries(files);
}

/** Everything goes to the journal, and to one file a day. */
function logging({ logs }: TomcatModel): string {
  const file = "1tomcat.org.apache.juli.AsyncFileHandler";
  const console = "java.util.logging.ConsoleHandler";
  return `handlers = ${file}, ${console}
.handlers = ${file}, ${console}
${file}.level = INFO
${file}.directory = \${catalina.base}/logs
${file}.prefix = tomcat.
${file}.maxDays = ${logs.days}
${file}.encoding = UTF-8
${console}.level = INFO
${console}.formatter = org.apache.juli.SystemdFormatter
${console}.encoding = UTF-8
`;
}

/** Tomcat's manager, at the socket; nothing of Debian's tomcat10-admin is needed for it. */
export const managerWebXml = `<?xml version="1.0" encoding="UTF-8"?>
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0" metadata-complete="true">
  <servlet>
    <servlet-name>manager</servlet-name>
    <servlet-class>org.apache.catalina.manager.ManagerServlet</servlet-class>
  </servlet>
  <servlet-mapping>
    <servlet-name>manager</servlet-name>
    <url-pattern>/text/*</url-pattern>
  </servlet-mapping>
</web-app>
`;
