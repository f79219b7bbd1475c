import { strFromU8, unzipSync } from "fflate";
import { readWar } from "../content/war";
import type { TomcatApplicationArgs } from "../resources/tomcat-server";
import { driverConfig, portalWebXml, portletNames, portletWebXml, portletXml } from "./descriptors";
import { portletPath, type PortalModel } from "./model";
import { gateJsp, loginJsp, logoutJsp, pageJsp, portletJsp } from "./pages";
import { plutoPortal } from "./pluto";

/** An application with portlets, as it is found. */
export interface PortletApplication {
  war: string;
  portlets: string[];
  files: { [path: string]: string };
}

/** Looks into a WAR, or a folder with what is in one; throws with what is wrong with it. */
export function readPortlets(name: string, war: string): PortletApplication {
  const wanted = /^(WEB-INF\/(web|portlet)\.xml|(view|edit|help|action)\.jsp)$/;
  const entries = unzipSync(readWar(war), { filter: (entry) => wanted.test(entry.name) });
  const text = (path: string) => (entries[path] ? strFromU8(entries[path]) : undefined);
  const own = text("WEB-INF/portlet.xml");
  if (own === undefined && !entries["view.jsp"])
    throw new Error("has neither WEB-INF/portlet.xml nor view.jsp. Fix: it needs one of them");
  const descriptor = own ?? portletXml(name, Object.keys(entries));
  const portlets = portletNames(descriptor);
  const strange = portlets.find((portlet) => !/^[\w-]+$/.test(portlet));
  if (portlets.length === 0) throw new Error("declares no portlet in WEB-INF/portlet.xml");
  if (strange !== undefined)
    throw new Error(`declares the portlet ${JSON.stringify(strange)}. Allowed: letters, digits, "_" and "-"`);
  return {
    war,
    portlets,
    files: {
      "WEB-INF/web.xml": portletWebXml(text("WEB-INF/web.xml"), portlets),
      "WEB-INF/portal/portlet.jsp": portletJsp,
      ...(own === undefined && { "WEB-INF/portlet.xml": descriptor }),
    },
  };
}

/** Pluto's portal with these pages, and the applications that have its portlets. */
export function portalApplications(
  model: PortalModel,
  portlets: { [name: string]: PortletApplication },
): { [path: string]: TomcatApplicationArgs } {
  const files = {
    "WEB-INF/web.xml": portalWebXml,
    "WEB-INF/pluto-portal-driver-config.xml": driverConfig(model),
    "WEB-INF/portal/gate.jsp": gateJsp(model),
    "WEB-INF/portal/page.jsp": pageJsp(model),
    "WEB-INF/portal/login.jsp": loginJsp,
    "WEB-INF/portal/logout.jsp": logoutJsp,
  };
  return {
    // Portlets find the portal when they start.
    "/": { ...plutoPortal, javax: true, crossContext: true, first: true, files },
    ...Object.fromEntries(
      Object.entries(portlets).map(([name, { war, files: own }]) => [
        portletPath(name),
        { war, javax: true, crossContext: true, files: own },
      ]),
    ),
  };
}
