import { element, type Attributes, type Content, type Element } from "../libvirt/xml/document";

/** A subsystem by JBoss's schemas: "io:4.0". */
export function subsystem(schema: string, attributes: Attributes = {}, ...content: Content[]): Element {
  return element("subsystem", { xmlns: `urn:jboss:domain:${schema}`, ...attributes }, ...content);
}

/** A text in which WildFly resolves nothing: "\${...}" would be an expression, in which a dollar sign is written twice. */
export function literal(text: string): string {
  return /\$\{[^]*\}/.test(text) ? text.replaceAll("$", "$$$$") : text;
}
