import { element, type Element } from "../libvirt/xml/document";
import { milliseconds } from "../schema/duration";
import { literal, subsystem } from "./subsystem";
import type { WildFlyDataSource, WildFlyModel } from "./model";

/** The module of Debian's driver, and what the data sources call it. */
export const driverModule = "org.postgresql.jdbc";
const driver = "postgresql";

export function dataSources({ dataSources: all = {}, passwords }: WildFlyModel): Element {
  const named = Object.entries(all);
  return subsystem(
    "datasources:7.2",
    {},
    element(
      "datasources",
      {},
      named.filter(([, { xa }]) => !xa).map(([name, one]) => plain(name, one, passwords?.[name])),
      named.filter(([, { xa }]) => xa).map(([name, one]) => transactional(name, one, passwords?.[name])),
      element(
        "drivers",
        {},
        named.length > 0 &&
          element(
            "driver",
            { name: driver, module: driverModule },
            element("driver-class", {}, "org.postgresql.Driver"),
            element("xa-datasource-class", {}, "org.postgresql.xa.PGXADataSource"),
          ),
      ),
    ),
  );
}

/** Where applications look it up: "jdbc/shop" is java:/jdbc/shop. */
export function jndiName(name: string): string {
  return `java:/${name}`;
}

function attributes(name: string) {
  return { "jndi-name": jndiName(name), "pool-name": poolName(name), enabled: "true", "use-java-context": "true" };
}

/** What the server's management calls it: no slash is in it. */
export function poolName(name: string): string {
  return name.replaceAll("/", "_");
}

function plain(name: string, of: WildFlyDataSource, password: string | undefined): Element {
  return element(
    "datasource",
    { jta: "true", ...attributes(name) },
    element("connection-url", {}, literal(of.url)),
    element("driver", {}, driver),
    element("pool", {}, ...sizes(of)),
    login(of, password),
    validation(of),
    waiting(of),
  );
}

function transactional(name: string, of: WildFlyDataSource, password: string | undefined): Element {
  return element(
    "xa-datasource",
    attributes(name),
    element("xa-datasource-property", { name: "URL" }, literal(of.url)),
    element("driver", {}, driver),
    // PostgreSQL's driver has one connection for one transaction, and says of a second resource that it is the same one.
    element("xa-pool", {}, ...sizes(of), element("is-same-rm-override", {}, "false")),
    login(of, password),
    validation(of),
    waiting(of),
  );
}

function sizes({ minIdle, maxTotal }: WildFlyDataSource): Element[] {
  return [element("min-pool-size", {}, minIdle), element("max-pool-size", {}, maxTotal)];
}

function login({ username }: WildFlyDataSource, password: string | undefined): Element | undefined {
  return username === undefined
    ? undefined
    : element("security", {
        "user-name": literal(username),
        password: password === undefined ? undefined : literal(password),
      });
}

/** A database that was away is found again. */
function validation({ validationQuery }: WildFlyDataSource): Element {
  const extension = "org.jboss.jca.adapters.jdbc.extensions.postgres";
  return element(
    "validation",
    {},
    validationQuery === undefined
      ? element("valid-connection-checker", { "class-name": `${extension}.PostgreSQLValidConnectionChecker` })
      : element("check-valid-connection-sql", {}, literal(validationQuery)),
    element("validate-on-match", {}, "true"),
    element("exception-sorter", { "class-name": `${extension}.PostgreSQLExceptionSorter` }),
  );
}

function waiting({ maxWait }: WildFlyDataSource): Element {
  return element("timeout", {}, element("blocking-timeout-millis", {}, milliseconds(maxWait)));
}
