import { element } from "../libvirt/xml/document";
import { milliseconds } from "../schema/duration";
import { indented } from "./indented";
import { deltaManager } from "./server-xml";
import { layoutOf, warFile, type TomcatModel } from "./model";

/** An application's own descriptor: https://tomcat.apache.org/tomcat-10.1-doc/config/context.html. */
export function applicationXml(model: TomcatModel, path: string): string {
  return indented(
    element(
      "Context",
      // Old versions wait for requests under way when they go.
      { docBase: warFile(layoutOf(model.name), model.applications[path]!), unloadDelay: milliseconds(model.drain) },
      // Also for applications that do not call themselves distributable.
      model.cluster && deltaManager(),
    ),
  );
}

/** context.xml, what all applications have: the data sources, under java:comp/env. */
export function contextXml({ dataSources = {}, cluster }: TomcatModel): string {
  return indented(
    element(
      "Context",
      {},
      element("WatchedResource", {}, "WEB-INF/web.xml"),
      // Tomcat's own archives hold nothing for applications: only theirs are looked through.
      element("JarScanner", { scanClassPath: "false" }),
      // Sessions are the cluster's, or end with the server.
      !cluster && element("Manager", { pathname: "" }),
      Object.keys(dataSources).map((name) =>
        element("ResourceLink", { name, global: name, type: "javax.sql.DataSource" }),
      ),
    ),
  );
}
