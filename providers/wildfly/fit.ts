import { strFromU8, strToU8, unzipSync, zipSync, type Zippable } from "fflate";
import { child, element, parse, serialize, type Element } from "../libvirt/xml/document";

/** The first day that a ZIP file can say. */
const always = "1980-01-01T00:00:00";
const [webXml, jbossXml] = ["WEB-INF/web.xml", "WEB-INF/jboss-web.xml"];

/**
 * A WAR that says itself at which path it is, and where sessions are shared that they may be (`distributable`, Jakarta
 * Servlet 6.0, 8.1): WildFly has both from inside the WAR only.
 */
export function fitted(war: Buffer, path: string, distributable: boolean): Buffer {
  const files = unzipSync(war);
  const text = (name: string) => files[name] && strFromU8(files[name]);
  const changed: { [name: string]: string } = { [jbossXml]: withPath(text(jbossXml), path) };
  if (distributable) changed[webXml] = withDistributable(text(webXml));
  const entries: Zippable = Object.fromEntries(
    Object.entries({ ...files, ...mapped(changed) })
      .filter(([name]) => !name.endsWith("/"))
      // What is an archive itself does not get smaller.
      .map(([name, bytes]) => [name, [bytes, { mtime: always, level: /\.(jar|zip|png|jpg)$/.test(name) ? 0 : 6 }]]),
  );
  return Buffer.from(zipSync(entries));
}

function mapped(texts: { [name: string]: string }) {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, strToU8(text)]));
}

function withPath(xml: string | undefined, path: string): string {
  const root = xml === undefined ? element("jboss-web") : parse(xml);
  const found = child(root, "context-root");
  if (found) found.textContent = path;
  else root.insertBefore(added(root, "context-root", path), root.firstChild);
  return serialize(root);
}

function withDistributable(xml: string | undefined): string {
  if (xml === undefined)
    return `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0"><distributable/></web-app>`;
  const root = parse(xml);
  if (!child(root, "distributable")) root.appendChild(added(root, "distributable"));
  return serialize(root);
}

/** In the name space of the document. */
function added(root: Element, name: string, text?: string): Element {
  const made = root.ownerDocument!.createElementNS(root.namespaceURI, name);
  if (text !== undefined) made.textContent = text;
  return made;
}
