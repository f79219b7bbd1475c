import { element, text, type Element } from "./document";

/** Our part of an object's <metadata>; the namespace is a name, nothing is fetched from it. */
const tag = "kvm:owner";
const namespace = "urn:pulumi-kvm:1";

/** The <metadata> that says who made an object: project, stack and resource. */
export function ownerMetadata(owner: string): Element {
  return element("metadata", {}, element(tag, { "xmlns:kvm": namespace }, owner));
}

/** Who made the object, when it was one of us. */
export function ownerOf(root: Element): string | undefined {
  return text(root, "metadata", tag);
}
