import { DOMParser, XMLSerializer, DOMImplementation, type Element } from "@xmldom/xmldom";

export type { Document, Element } from "@xmldom/xmldom";

/** Attribute values; undefined leaves the attribute out. */
export type Attributes = { [name: string]: string | number | undefined };

/** What may stand inside an element: elements, text, or nothing (so that optional parts read as expressions). */
export type Content = Element | string | number | undefined | false | Content[];

const builder = new DOMImplementation().createDocument(null, "");

/**
 * Builds one element: `element("memory", { unit: "b" }, 1024)`.
 * Everything is escaped by the XML library; no caller concatenates XML.
 */
export function element(name: string, attributes: Attributes = {}, ...content: Content[]): Element {
  const made = builder.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, String(value));
  append(made, content);
  return made;
}

function append(parent: Element, content: Content[]): void {
  for (const item of content) {
    if (item === undefined || item === false) continue;
    if (Array.isArray(item)) append(parent, item);
    else if (typeof item === "object") parent.appendChild(parent.ownerDocument!.importNode(item, true));
    else parent.appendChild(parent.ownerDocument!.createTextNode(String(item)));
  }
}

/** Parses a libvirt document and returns its root. Throws on anything that is not well formed. */
export function parse(xml: string): Element {
  const parser = new DOMParser({
    onError: (level, message) => {
      if (level !== "warning") throw new Error(`malformed XML: ${message}`);
    },
  });
  const root = parser.parseFromString(xml, "text/xml").documentElement;
  if (!root) throw new Error("malformed XML: no root element");
  return root;
}

const serializer = new XMLSerializer();

/** The element as text, as libvirt takes it. */
export function serialize(root: Element): string {
  return serializer.serializeToString(root);
}

/** The child elements, those of one name only where it is given. */
export function children(parent: Element | undefined, name?: string): Element[] {
  const found: Element[] = [];
  for (let node = parent?.firstChild; node; node = node.nextSibling)
    if (node.nodeType === 1 && (name === undefined || node.nodeName === name)) found.push(node as Element);
  return found;
}

/** The first element down a path of names: `child(domain, "devices", "console")`. */
export function child(parent: Element | undefined, ...path: string[]): Element | undefined {
  return path.reduce<Element | undefined>((at, name) => children(at, name)[0], parent);
}

/** The text inside the element at the path, undefined where there is none. */
export function text(parent: Element | undefined, ...path: string[]): string | undefined {
  return child(parent, ...path)?.textContent?.trim() || undefined;
}

/** The text inside the element at the path with its blanks, undefined where there is none. */
export function verbatim(parent: Element | undefined, ...path: string[]): string | undefined {
  return child(parent, ...path)?.textContent || undefined;
}

/** One attribute, undefined where the element or the attribute is missing. */
export function attribute(of: Element | undefined, name: string): string | undefined {
  return of?.getAttribute(name) ?? undefined;
}

/** Puts `made` in the place of the child of the same name, or at the end; undefined removes that child. */
export function replaceChild(parent: Element, name: string, made: Element | undefined): void {
  const old = child(parent, name);
  const imported = made && parent.ownerDocument!.importNode(made, true);
  if (old && imported) parent.replaceChild(imported, old);
  else if (old) parent.removeChild(old);
  else if (imported) parent.appendChild(imported);
}
