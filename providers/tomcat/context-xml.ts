import { element, type Element } from "../libvirt/xml/document";
import { milliseconds } from "../schema/duration";
import { indented } from "../java/indented";
import { deltaManager } from "./server-xml";
import { layoutOf, plainName, warFile, type TomcatModel } from "./model";

/** An application's own descriptor: https://tomcat.apache.org/tomcat-10.1-doc/config/context.html. */
export function applicationXml(model: TomcatModel, path: string): string {
  return indented(applicationContext(model, path));
}

/** As its descriptor has it; `path` is said only inside server.xml. */
export function applicationContext(model: TomcatModel, path: string, attributes: { path?: string } = {}): Element {
  const application = model.applications[path]!;
  const { crossContext, files } = application;
  return element(
    "Context",
    {
      ...attributes,
      docBase: warFile(layoutOf(model.name), application),
      // Old versions wait for requests under way when they go.
      unloadDelay: milliseconds(model.drain),
      ...(crossContext && { crossContext: "true" }),
    },
    // Also for applications that do not call themselves distributable.
    model.cluster && deltaManager(),
    files &&
      element(
        "Resources",
        {},
        element("PreResources", {
          className: "org.apache.catalina.webresources.DirResourceSet",
          base: `\${catalina.base}/files/${plainName(path)}`,
          webAppMount: "/",
          readOnly: "true",
        }),
      ),
  );
}

/** context.xml, what all applications have: the data sources, under java:comp/env. */
export function contextXml({ dataSources = {}, cluster, libraries }: TomcatModel): string {
  return indented(
    element(
      "Context",
      {},
      element("WatchedResource", {}, "WEB-INF/web.xml"),
      // Tomcat's own archives hold nothing for applications: only theirs, and shared ones, are looked through.
      element("JarScanner", { scanClassPath: String(libraries.length > 0) }),
      // Sessions are the cluster's, or end with the server.
      !cluster && element("Manager", { pathname: "" }),
      Object.keys(dataSources).map((name) =>
        element("ResourceLink", { name, global: name, type: "javax.sql.DataSource" }),
      ),
    ),
  );
}
