import { isDeepStrictEqual } from "node:util";
import { child, children, element, type Element } from "./document";

/** The child of that name, made at the end of `parent` where there is none. */
export function ensureChild(parent: Element, name: string): Element {
  return child(parent, name) ?? adopt(parent, element(name));
}

/** Appends a copy of `made` that belongs to the parent's document. */
export function adopt(parent: Element, made: Element): Element {
  return parent.appendChild(parent.ownerDocument!.importNode(made, true)) as Element;
}

/** Sets the attribute, or removes it for undefined. */
export function setAttribute(of: Element, name: string, value: string | number | undefined): void {
  if (value === undefined) of.removeAttribute(name);
  else of.setAttribute(name, String(value));
}

/** How one kind of repeated element maps to plain records. */
export interface RecordKind<T> {
  element: string;
  parse(from: Element): T;
  make(record: T): Element;
}

/** Makes the children of one kind the wanted records. One that already says a record stays, with whatever else it says. */
export function setChildren<T>(around: Element, kind: RecordKind<T>, wanted: readonly T[]): void {
  const left = [...wanted];
  for (const old of children(around, kind.element)) {
    const at = left.findIndex((record) => isDeepStrictEqual(record, kind.parse(old)));
    if (at >= 0) left.splice(at, 1);
    else around.removeChild(old);
  }
  for (const record of left) adopt(around, kind.make(record));
}

/** As `setChildren`, in `parent/container`; an empty container goes. */
export function setRecords<T>(parent: Element, container: string, kind: RecordKind<T>, wanted: readonly T[]): void {
  const around = child(parent, container);
  if (around || wanted.length > 0) setChildren(around ?? ensureChild(parent, container), kind, wanted);
  if (around && children(around).length === 0 && around.attributes.length === 0) parent.removeChild(around);
}
