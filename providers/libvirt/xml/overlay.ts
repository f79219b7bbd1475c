import { children, child, parse, serialize, type Element } from "./document";
import { adopt } from "./edit";

/**
 * What a program adds to a document that no field of its own says: elements are merged into those of the same name, and
 * the children of <devices> are devices more.
 */
export function applyOverlay(xml: string, overlay: string | undefined, before?: string): string {
  if (overlay === before && (overlay === undefined || hasOverlay(parse(xml), overlay))) return xml;
  const root = parse(xml);
  if (before !== undefined) remove(root, parse(before));
  if (overlay !== undefined) merge(root, parse(overlay));
  return serialize(root);
}

/** Whether the document says everything that the overlay says; libvirt adds addresses and aliases of its own. */
export function hasOverlay(root: Element, overlay: string): boolean {
  return contains(root, parse(overlay));
}

function merge(into: Element, from: Element): void {
  for (const { name, value } of Array.from(from.attributes)) into.setAttribute(name, value);
  for (const part of children(from)) {
    const present = children(into, part.nodeName);
    if (present.some((at) => contains(at, part))) continue;
    // Devices of one kind are many; elsewhere an element is there once, unless it is a list already.
    const [only] = present;
    if (into.nodeName !== "devices" && only && present.length === 1 && children(part).length > 0) merge(only, part);
    else if (into.nodeName !== "devices" && only && present.length === 1) into.replaceChild(imported(into, part), only);
    else adopt(into, part);
  }
}

function imported(into: Element, part: Element): Element {
  return into.ownerDocument!.importNode(part, true);
}

/** Takes out what an overlay brought: its devices, and elsewhere the elements that have no elements inside. */
function remove(from: Element, overlay: Element): void {
  for (const part of children(overlay)) {
    const found = children(from, part.nodeName).find((at) => contains(at, part));
    if (found && (from.nodeName === "devices" || children(part).length === 0)) from.removeChild(found);
    else {
      const around = found ?? child(from, part.nodeName);
      if (around && children(part).length > 0) remove(around, part);
    }
  }
}

/** Whether an element has every attribute, text and element that the pattern has, each element for itself. */
function contains(at: Element, pattern: Element): boolean {
  if (Array.from(pattern.attributes).some(({ name, value }) => at.getAttribute(name) !== value)) return false;
  const parts = children(pattern);
  if (parts.length === 0 && pattern.textContent?.trim() && at.textContent?.trim() !== pattern.textContent.trim())
    return false;
  const left = children(at);
  return parts.every((part) => {
    const match = left.findIndex((one) => one.nodeName === part.nodeName && contains(one, part));
    if (match >= 0) left.splice(match, 1);
    return match >= 0;
  });
}
