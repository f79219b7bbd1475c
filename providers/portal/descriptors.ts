import { element, parse, serialize, children, type Element } from "../libvirt/xml/document";
import { portletPath, type PortalModel } from "./model";

const head = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Pluto's pages: https://portals.apache.org/pluto/. */
export function driverConfig({ pages }: PortalModel): string {
  const list = (name: string, values: string[]) => values.map((value) => element(name, {}, value));
  const config = element(
    "pluto-portal-driver",
    { version: "1.1" },
    element("portal-name", {}, "portal"),
    element("portal-version", {}, "2.0.3"),
    element("container-name", {}, "Pluto"),
    element(
      "supports",
      {},
      list("portlet-mode", ["view", "edit", "help"]),
      list("window-state", ["normal", "maximized", "minimized"]),
    ),
    element(
      "render-config",
      { default: Object.keys(pages)[0] },
      Object.entries(pages).map(([name, { portlets }]) =>
        element(
          "page",
          { name, uri: "/WEB-INF/portal/page.jsp" },
          portlets.map(({ application, portlet }) =>
            element("portlet", { context: portletPath(application), name: portlet }),
          ),
        ),
      ),
    ),
  );
  return `${head}${serialize(config)}\n`;
}

/** The portal's own web.xml: nothing of Pluto's administration, publishing or tests is in it. */
export const portalWebXml = `${head}<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0" metadata-complete="true">
  <distributable/>
  <context-param>
    <param-name>contextConfigLocation</param-name>
    <param-value>/WEB-INF/pluto-portal-driver-services-config.xml</param-value>
  </context-param>
  <listener>
    <listener-class>org.apache.pluto.driver.PortalStartupListener</listener-class>
  </listener>
  <servlet>
    <servlet-name>portal</servlet-name>
    <servlet-class>org.apache.pluto.driver.PortalDriverServlet</servlet-class>
    <init-param>
      <param-name>charset</param-name>
      <param-value>UTF-8</param-value>
    </init-param>
    <load-on-startup>1</load-on-startup>
  </servlet>
${["gate", "login", "logout"].map(jspServlet).join("\n")}
  <servlet-mapping>
    <servlet-name>gate</servlet-name>
    <url-pattern></url-pattern>
    <url-pattern>/portal/*</url-pattern>
  </servlet-mapping>
  <servlet-mapping>
    <servlet-name>login</servlet-name>
    <url-pattern>/login</url-pattern>
  </servlet-mapping>
  <servlet-mapping>
    <servlet-name>logout</servlet-name>
    <url-pattern>/logout</url-pattern>
  </servlet-mapping>
  <session-config>
    <session-timeout>30</session-timeout>
    <cookie-config>
      <http-only>true</http-only>
    </cookie-config>
    <tracking-mode>COOKIE</tracking-mode>
  </session-config>
  <jsp-config>
    <taglib>
      <taglib-uri>http://portals.apache.org/pluto</taglib-uri>
      <taglib-location>/WEB-INF/tld/pluto.tld</taglib-location>
    </taglib>
  </jsp-config>
  <security-constraint>
    <web-resource-collection>
      <web-resource-name>inside</web-resource-name>
      <url-pattern>/PlutoInvoker/*</url-pattern>
      <url-pattern>*.jsp</url-pattern>
    </web-resource-collection>
    <auth-constraint/>
  </security-constraint>
  <login-config>
    <auth-method>FORM</auth-method>
    <form-login-config>
      <form-login-page>/WEB-INF/portal/login.jsp</form-login-page>
      <form-error-page>/WEB-INF/portal/login.jsp</form-error-page>
    </form-login-config>
  </login-config>
</web-app>
`;

function jspServlet(name: string): string {
  return `  <servlet>
    <servlet-name>${name}</servlet-name>
    <jsp-file>/WEB-INF/portal/${name}.jsp</jsp-file>
    <load-on-startup>2</load-on-startup>
  </servlet>`;
}

/** The names of the portlets that a portlet.xml declares. */
export function portletNames(text: string): string[] {
  return children(parse(text))
    .filter((one) => one.localName === "portlet")
    .flatMap((one) => children(one).filter((part) => part.localName === "portlet-name"))
    .map((one) => one.textContent!.trim());
}

/** A portlet.xml for a folder of pages: its view.jsp is the portlet. */
export function portletXml(name: string, files: readonly string[]): string {
  const modes = ["view", "edit", "help"].filter((mode) => mode === "view" || files.includes(`${mode}.jsp`));
  const page = (mode: string) => [`${mode[0]!.toUpperCase()}${mode.slice(1)}Page`, `/${mode}.jsp`] as const;
  const pages = [...modes, ...(files.includes("action.jsp") ? ["action"] : [])].map(page);
  const parameter = ([key, value]: readonly [string, string]) =>
    element("init-param", {}, element("name", {}, key), element("value", {}, value));
  const portlet = element(
    "portlet",
    {},
    element("portlet-name", {}, name),
    element("portlet-class", {}, "org.apache.portals.bridges.common.GenericServletPortlet"),
    pages.map(parameter),
    element(
      "supports",
      {},
      element("mime-type", {}, "text/html"),
      modes.map((mode) => element("portlet-mode", {}, mode)),
    ),
    element("portlet-info", {}, element("title", {}, name)),
  );
  const xmlns = "http://java.sun.com/xml/ns/portlet/portlet-app_2_0.xsd";
  return `${head}${serialize(element("portlet-app", { xmlns, version: "2.0" }, portlet))}\n`;
}

/** A web.xml by which the portal reaches the portlets, as Pluto's assembler makes it; nobody else reaches them. */
export function portletWebXml(own: string | undefined, portlets: readonly string[]): string {
  const root =
    own === undefined
      ? element("web-app", { xmlns: "https://jakarta.ee/xml/ns/jakartaee", version: "6.0" })
      : parse(own.replaceAll("javax.servlet", "jakarta.servlet"));
  const names = children(root).map((one) => one.localName);
  const add = (...parts: Element[]) =>
    parts.forEach((part) => root.appendChild(root.ownerDocument!.importNode(part, true)));
  if (!names.includes("distributable")) add(element("distributable", {}));
  for (const name of portlets)
    add(
      element(
        "servlet",
        {},
        element("servlet-name", {}, `portlet-${name}`),
        element("jsp-file", {}, "/WEB-INF/portal/portlet.jsp"),
        element("init-param", {}, element("param-name", {}, "portlet-name"), element("param-value", {}, name)),
        element("load-on-startup", {}, "1"),
      ),
      element(
        "servlet-mapping",
        {},
        element("servlet-name", {}, `portlet-${name}`),
        element("url-pattern", {}, `/PlutoInvoker/${name}`),
      ),
    );
  add(
    element(
      "security-constraint",
      {},
      element(
        "web-resource-collection",
        {},
        element("web-resource-name", {}, "inside"),
        element("url-pattern", {}, "/PlutoInvoker/*"),
        element("url-pattern", {}, "*.jsp"),
      ),
      element("auth-constraint", {}),
    ),
  );
  return `${head}${serialize(root)}\n`;
}
