import { formatSize, bytes } from "../../schema/size";
import { attribute, child, children, element, replaceChild, type Element } from "./document";
import { ensureChild, setAttribute } from "./edit";

/** A rate in one direction: bytes a second, and bytes. Sizes as texts ("1MiB"). */
export interface RateModel {
  average: string;
  peak?: string;
  burst?: string;
}

/** One network interface of a domain document. */
export interface NicModel {
  /** What identifies the NIC; lower case. */
  mac: string;
  network?: string;
  bridge?: string;
  model?: string;
  mtu?: number;
  /** "down" unplugs the cable; up where it is not said. */
  linkState: "up" | "down";
  bandwidth?: { inbound?: RateModel; outbound?: RateModel };
}

/** The NIC as libvirt takes it. */
export function nicElement(nic: NicModel): Element {
  const made = element("interface", {}, element("mac", { address: nic.mac }));
  editNic(made, nic);
  return made;
}

/** Makes the element say what `nic` says; what the model does not know stays as it is. */
export function editNic(at: Element, nic: NicModel): void {
  const before = parseNic(at);
  if (before?.network !== nic.network || before?.bridge !== nic.bridge || !attribute(at, "type")) {
    setAttribute(at, "type", nic.network !== undefined ? "network" : "bridge");
    const source = nic.network !== undefined ? { network: nic.network } : { bridge: nic.bridge };
    replaceChild(at, "source", element("source", source));
  }
  replaceAttribute(at, "mac", "address", nic.mac);
  replaceAttribute(at, "model", "type", nic.model);
  replaceAttribute(at, "mtu", "size", nic.mtu);
  if (nic.linkState !== (before?.linkState ?? "up"))
    replaceChild(at, "link", element("link", { state: nic.linkState }));
  replaceChild(at, "bandwidth", bandwidthElement(nic.bandwidth));
}

function replaceAttribute(at: Element, name: string, key: string, value: string | number | undefined): void {
  if (value === undefined) replaceChild(at, name, undefined);
  else setAttribute(ensureChild(at, name), key, value);
}

function bandwidthElement(bandwidth: NicModel["bandwidth"]): Element | undefined {
  if (!bandwidth?.inbound && !bandwidth?.outbound) return undefined;
  return element(
    "bandwidth",
    {},
    rateElement("inbound", bandwidth.inbound),
    rateElement("outbound", bandwidth.outbound),
  );
}

/** libvirt's rates are KiB a second and KiB (https://libvirt.org/formatnetwork.html#quality-of-service). */
function rateElement(direction: string, rate: RateModel | undefined): Element | undefined {
  const kib = (size: string | undefined) => (size === undefined ? undefined : bytes(size) / 1024);
  return rate && element(direction, { average: kib(rate.average), peak: kib(rate.peak), burst: kib(rate.burst) });
}

/** The NIC that the element describes; undefined for a kind that the model cannot say (hostdev, user, vhost-user). */
export function parseNic(at: Element): NicModel | undefined {
  const mac = attribute(child(at, "mac"), "address")?.toLowerCase();
  const source = child(at, "source");
  const type = attribute(at, "type");
  const network = attribute(source, "network");
  if (mac === undefined || (network === undefined && type !== "bridge")) return undefined;
  const mtu = attribute(child(at, "mtu"), "size");
  const bandwidth = child(at, "bandwidth");
  return {
    mac,
    network,
    // While it runs, a NIC on a network says that network's bridge too, or is said to be of type bridge altogether.
    bridge: network === undefined ? attribute(source, "bridge") : undefined,
    model: attribute(child(at, "model"), "type"),
    mtu: mtu === undefined ? undefined : Number(mtu),
    linkState: attribute(child(at, "link"), "state") === "down" ? "down" : "up",
    ...(bandwidth && {
      bandwidth: { inbound: parseRate(child(bandwidth, "inbound")), outbound: parseRate(child(bandwidth, "outbound")) },
    }),
  };
}

function parseRate(at: Element | undefined): RateModel | undefined {
  const average = attribute(at, "average");
  if (average === undefined) return undefined;
  const size = (name: string) => {
    const kib = attribute(at, name);
    return kib === undefined ? undefined : formatSize(Number(kib) * 1024);
  };
  return { average: size("average")!, peak: size("peak"), burst: size("burst") };
}

/** Every interface element of a kind the model can say, by its MAC address. */
export function nicsByMac(devices: Element | undefined): Map<string, Element> {
  const found = new Map<string, Element>();
  for (const at of children(devices, "interface")) {
    const nic = parseNic(at);
    if (nic) found.set(nic.mac, at);
  }
  return found;
}
