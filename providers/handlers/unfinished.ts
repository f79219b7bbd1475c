import { hostname } from "node:os";
import { child, children, element, parse, replaceChild, serialize, text } from "../libvirt/xml/document";

/** Our part of an object's <metadata>; a namespace is a name, nothing is fetched from it. */
const namespace = "urn:pulumi-kvm:1";
const tag = "kvm:made-by";

/** Who is at work: this process on this machine. */
function ourselves(): string {
  return `${hostname()}:${process.pid}`;
}

/**
 * Marks a new object's definition as being made by this process. One that still carries the mark when its maker is gone
 * was left behind half made, and may be removed by whoever makes it next.
 */
export function markUnfinished(xml: string): string {
  const root = parse(xml);
  const mark = element(tag, { "xmlns:kvm": namespace }, ourselves());
  replaceChild(root, "metadata", element("metadata", {}, mark));
  return serialize(root);
}

/** The document without the mark. */
export function markFinished(xml: string): string {
  const root = parse(xml);
  const metadata = child(root, "metadata");
  if (metadata) replaceChild(metadata, tag, undefined);
  if (metadata && children(metadata).length === 0) replaceChild(root, "metadata", undefined);
  return serialize(root);
}

/** Whether the object was left half made by a process of this machine that no longer runs. */
export function isLeftBehind(xml: string): boolean {
  const [host, pid] = (text(parse(xml), "metadata", tag) ?? "").split(":");
  return host === hostname() && !runs(Number(pid));
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
