import { canonicalAddress, parseAddress } from "../../schema/address";
import { attribute, child, children, element, replaceChild, type Element } from "./document";
import { ensureChild, setAttribute, type RecordKind } from "./edit";

/** How a network's guests reach the world (https://libvirt.org/formatnetwork.html#connectivity). */
export interface ForwardModel {
  /** The forward mode; "isolated" is a document without one, "macvtap" one whose guests sit on host interfaces. */
  mode: string;
  macvtapMode?: string;
  /** The only host interface that traffic leaves by. */
  uplink?: string;
  /** The host interfaces that macvtap guests sit on. */
  uplinks?: string[];
  natIpv6?: boolean;
  /** The host's addresses that guests appear with. */
  natAddresses?: { start: string; end: string };
  natPorts?: { start: number; end: number };
}

/** One of the interfaces that macvtap guests are spread over. */
export const forwardInterface: RecordKind<{ dev: string }> = {
  element: "interface",
  parse: (from) => ({ dev: attribute(from, "dev") ?? "" }),
  make: ({ dev }) => element("interface", { dev }),
};

const macvtapModes = ["private", "vepa", "passthrough"];

export function parseForward(root: Element): ForwardModel {
  const forward = child(root, "forward");
  if (!forward) return { mode: "isolated" };
  const mode = attribute(forward, "mode") ?? "nat";
  const interfaces = children(forward, "interface").flatMap((at) => attribute(at, "dev") ?? []);
  const dev = attribute(forward, "dev") ?? interfaces[0];
  if (macvtapModes.includes(mode) || (mode === "bridge" && !child(root, "bridge") && dev !== undefined))
    return {
      mode: "macvtap",
      macvtapMode: mode,
      uplinks: interfaces.length > 0 ? interfaces.sort() : [dev].filter((name) => name !== undefined),
    };
  const nat = child(forward, "nat");
  const ipv6 = attribute(nat, "ipv6");
  return {
    mode,
    uplink: dev,
    natIpv6: ipv6 === undefined ? undefined : ipv6 === "yes",
    natAddresses: parsePair(child(nat, "address"), canonical),
    natPorts: parsePair(child(nat, "port"), Number),
  };
}

function canonical(text: string): string {
  return parseAddress(text) ? canonicalAddress(text) : text;
}

function parsePair<T>(at: Element | undefined, read: (text: string) => T): { start: T; end: T } | undefined {
  const [start, end] = [attribute(at, "start"), attribute(at, "end")];
  return start === undefined || end === undefined ? undefined : { start: read(start), end: read(end) };
}

export function editForward(root: Element, news: ForwardModel, set: (field: keyof ForwardModel) => boolean): void {
  if (news.mode === "isolated") return replaceChild(root, "forward", undefined);
  const forward = ensureChild(root, "forward");
  const macvtap = news.mode === "macvtap";
  setAttribute(forward, "mode", macvtap ? (news.macvtapMode ?? "bridge") : news.mode);
  if (macvtap || set("uplinks")) setInterfaces(forward, news.uplinks ?? []);
  if (!macvtap && set("uplink")) {
    setInterfaces(forward, []);
    setAttribute(forward, "dev", news.uplink);
  }
  if (macvtap) replaceChild(root, "bridge", undefined);
  if (news.mode !== "nat") return replaceChild(forward, "nat", undefined);
  editNat(forward, news, set);
}

/** libvirt repeats the first interface in an attribute of its own. */
function setInterfaces(forward: Element, names: readonly string[]): void {
  const present = children(forward, "interface");
  const wanted = new Set(names);
  for (const old of present) if (!wanted.delete(attribute(old, "dev") ?? "")) forward.removeChild(old);
  for (const dev of wanted) forward.appendChild(forward.ownerDocument!.importNode(element("interface", { dev }), true));
  setAttribute(forward, "dev", names.includes(attribute(forward, "dev") ?? "") ? attribute(forward, "dev") : names[0]);
}

function editNat(forward: Element, news: ForwardModel, set: (field: keyof ForwardModel) => boolean): void {
  if (!set("natIpv6") && !set("natAddresses") && !set("natPorts")) return;
  const nat = ensureChild(forward, "nat");
  if (set("natIpv6")) setAttribute(nat, "ipv6", news.natIpv6 ? "yes" : undefined);
  if (set("natAddresses")) replaceChild(nat, "address", news.natAddresses && element("address", news.natAddresses));
  if (set("natPorts")) replaceChild(nat, "port", news.natPorts && element("port", news.natPorts));
  if (children(nat).length === 0 && nat.attributes.length === 0) forward.removeChild(nat);
}
