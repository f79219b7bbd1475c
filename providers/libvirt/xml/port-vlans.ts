import { attribute, children, element, type Element } from "./document";

/** The VLANs of one port: of frames without a tag, and those that pass with theirs. */
export interface VlansModel {
  untagged?: number;
  tagged?: number[];
}

/** libvirt's <vlan>: one tag alone is the VLAN of an access port, a list is a trunk, its native one untagged. */
export function vlanElement(vlans: VlansModel | undefined): Element | undefined {
  if (!vlans) return undefined;
  const { untagged, tagged = [] } = vlans;
  if (tagged.length === 0) return element("vlan", {}, element("tag", { id: untagged }));
  return element(
    "vlan",
    { trunk: "yes" },
    untagged !== undefined && element("tag", { id: untagged, nativeMode: "untagged" }),
    tagged.map((id) => element("tag", { id })),
  );
}

export function parseVlans(at: Element | undefined): VlansModel | undefined {
  const tags = children(at, "tag");
  if (tags.length === 0) return undefined;
  const trunk = attribute(at, "trunk") === "yes" || tags.length > 1;
  const native = trunk ? tags.filter((tag) => attribute(tag, "nativeMode") === "untagged") : tags;
  const tagged = tags.filter((tag) => !native.includes(tag)).map(idOf);
  return {
    ...(native.length > 0 && { untagged: idOf(native[0]!) }),
    ...(tagged.length > 0 && { tagged: tagged.sort((one, other) => one - other) }),
  };
}

function idOf(tag: Element): number {
  return Number(attribute(tag, "id"));
}
