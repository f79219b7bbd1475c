import { element, type Element } from "../libvirt/xml/document";
import { wildflyLayout, type WildFlyModel } from "./model";

/** Who its own management is asked as. */
export const manager = "pulumi-kvm";
export const managementRealm = "ManagementRealm";

/** Management on the loopback only: for us by a password that only root can read, and for who may write the server's files. */
export function management(): Element {
  const user = (name: string) => element("user", { name });
  return element(
    "management",
    {},
    element(
      "management-interfaces",
      {},
      element(
        "http-interface",
        { "http-authentication-factory": "management", "console-enabled": "false" },
        element("http-upgrade", { enabled: "true", "sasl-authentication-factory": "management" }),
        element("socket-binding", { http: "management-http" }),
      ),
    ),
    element(
      "access-control",
      { provider: "simple" },
      element(
        "role-mapping",
        {},
        element("role", { name: "SuperUser" }, element("include", {}, user(manager), user("$local"))),
      ),
    ),
  );
}

/** Elytron: nobody is known to applications, and one to the management. */
export function security({ name }: WildFlyModel): Element {
  return element(
    "subsystem",
    { xmlns: "urn:wildfly:elytron:18.0", "final-providers": "providers", "disallowed-providers": "OracleUcrypto" },
    element("providers", {}, element("provider-loader", { name: "providers", module: "org.wildfly.security.elytron" })),
    element(
      "security-domains",
      {},
      domain("ApplicationDomain", element("realm", { name: "local" })),
      domain(
        "ManagementDomain",
        element("realm", { name: managementRealm }),
        element("realm", { name: "local", "role-mapper": "super-user" }),
      ),
    ),
    element(
      "security-realms",
      {},
      element("identity-realm", { name: "local", identity: "$local" }),
      element(
        "properties-realm",
        { name: managementRealm },
        element("users-properties", { path: wildflyLayout(name).users, "digest-realm-name": managementRealm }),
      ),
    ),
    mappers(),
    element(
      "permission-sets",
      {},
      permissions("login", [{ "class-name": "org.wildfly.security.auth.permission.LoginPermission" }]),
      permissions("usual", [
        {
          "class-name": "org.wildfly.transaction.client.RemoteTransactionPermission",
          module: "org.wildfly.transaction.client",
        },
        { "class-name": "org.jboss.ejb.client.RemoteEJBPermission", module: "org.jboss.ejb-client" },
      ]),
    ),
    element("http", {}, httpLogin(), element("provider-http-server-mechanism-factory", { name: "global" })),
    element("sasl", {}, ...saslLogin()),
  );
}

function domain(name: string, ...realms: Element[]): Element {
  const attributes = { name, "default-realm": realms[0]!.getAttribute("name")!, "permission-mapper": "usual" };
  return element("security-domain", attributes, ...realms);
}

function mappers(): Element {
  const set = (name: string) => element("permission-set", { name });
  return element(
    "mappers",
    {},
    element(
      "simple-permission-mapper",
      { name: "usual", "mapping-mode": "first" },
      element("permission-mapping", {}, element("principal", { name: "anonymous" }), set("usual")),
      element("permission-mapping", { "match-all": "true" }, set("login"), set("usual")),
    ),
    element("constant-realm-mapper", { name: "local", "realm-name": "local" }),
    element("constant-role-mapper", { name: "super-user" }, element("role", { name: "SuperUser" })),
  );
}

function permissions(name: string, all: { [attribute: string]: string }[]): Element {
  return element("permission-set", { name }, ...all.map((each) => element("permission", each)));
}

function mechanism(name: string, realm?: string): Element {
  return realm === undefined
    ? element("mechanism", { "mechanism-name": name, "realm-mapper": "local" })
    : element("mechanism", { "mechanism-name": name }, element("mechanism-realm", { "realm-name": realm }));
}

function httpLogin(): Element {
  return element(
    "http-authentication-factory",
    { name: "management", "security-domain": "ManagementDomain", "http-server-mechanism-factory": "global" },
    element("mechanism-configuration", {}, mechanism("DIGEST", managementRealm)),
  );
}

/** For jboss-cli.sh: who can read the server's temporary files, root among them, needs no password. */
function saslLogin(): Element[] {
  const prefix = "wildfly.sasl.local-user";
  return [
    element(
      "sasl-authentication-factory",
      { name: "management", "sasl-server-factory": "configured", "security-domain": "ManagementDomain" },
      element("mechanism-configuration", {}, mechanism("JBOSS-LOCAL-USER"), mechanism("DIGEST-MD5", managementRealm)),
    ),
    element(
      "configurable-sasl-server-factory",
      { name: "configured", "sasl-server-factory": "elytron" },
      element(
        "properties",
        {},
        element("property", { name: `${prefix}.default-user`, value: "$local" }),
        element("property", { name: `${prefix}.challenge-path`, value: "${jboss.server.temp.dir}/auth" }),
      ),
    ),
    element(
      "mechanism-provider-filtering-sasl-server-factory",
      { name: "elytron", "sasl-server-factory": "global" },
      element("filters", {}, element("filter", { "provider-name": "WildFlyElytron" })),
    ),
    element("provider-sasl-server-factory", { name: "global" }),
  ];
}
