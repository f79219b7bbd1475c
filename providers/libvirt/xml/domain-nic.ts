import { attribute, child, children, element, replaceChild, type Element } from "./document";
import { bandwidthElement, parseBandwidth, type BandwidthModel } from "./bandwidth";
import { editAddressing, parseAddressing } from "./domain-nic-addressing";
import { ensureChild, setAttribute } from "./edit";
import { filterOf, setFilterOf, type FilterReference } from "./nwfilter";
import { parseVlans, vlanElement, type VlansModel } from "./port-vlans";

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
  bandwidth?: BandwidthModel;
  /** One of the network's port groups; without, its default one. */
  portGroup?: string;
  /** Whether it reaches no other isolated port of the bridge. */
  isolated?: boolean;
  vlans?: VlansModel;
  filter?: FilterReference;
  /** The name of the host's end, where libvirt does not choose it. */
  device?: string;
  /** Of a container: its name inside, and the addresses and routes that it has from the start. */
  guest?: string;
  addresses?: string[];
  routes?: { to: string; via: string }[];
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
  const sources = ["network", "bridge", "portGroup"] as const;
  if (sources.some((field) => before?.[field] !== nic[field]) || !attribute(at, "type")) {
    setAttribute(at, "type", nic.network !== undefined ? "network" : "bridge");
    const { network, bridge, portGroup: portgroup } = nic;
    replaceChild(at, "source", element("source", network !== undefined ? { network, portgroup } : { bridge }));
  }
  replaceAttribute(at, "mac", "address", nic.mac);
  replaceAttribute(at, "model", "type", nic.model);
  replaceAttribute(at, "mtu", "size", nic.mtu);
  if (nic.linkState !== (before?.linkState ?? "up"))
    replaceChild(at, "link", element("link", { state: nic.linkState }));
  replaceChild(at, "bandwidth", bandwidthElement(nic.bandwidth));
  replaceAttribute(at, "port", "isolated", nic.isolated ? "yes" : undefined);
  replaceChild(at, "vlan", vlanElement(nic.vlans));
  setFilterOf(at, nic.filter);
  if (nic.device !== undefined) replaceAttribute(at, "target", "dev", nic.device);
  editAddressing(at, nic);
}

function replaceAttribute(at: Element, name: string, key: string, value: string | number | undefined): void {
  if (value === undefined) replaceChild(at, name, undefined);
  else setAttribute(ensureChild(at, name), key, value);
}

/** The NIC that the element describes; undefined for a kind that the model cannot say (hostdev, user, vhost-user). */
export function parseNic(at: Element): NicModel | undefined {
  const mac = attribute(child(at, "mac"), "address")?.toLowerCase();
  const source = child(at, "source");
  const type = attribute(at, "type");
  const network = attribute(source, "network");
  if (mac === undefined || (network === undefined && type !== "bridge")) return undefined;
  const mtu = attribute(child(at, "mtu"), "size");
  const bandwidth = parseBandwidth(child(at, "bandwidth"));
  const portGroup = attribute(source, "portgroup");
  const vlans = parseVlans(child(at, "vlan"));
  const filter = filterOf(at);
  const device = attribute(child(at, "target"), "dev");
  return {
    mac,
    network,
    // While it runs, a NIC on a network says that network's bridge too, or is said to be of type bridge altogether.
    bridge: network === undefined ? attribute(source, "bridge") : undefined,
    model: attribute(child(at, "model"), "type"),
    mtu: mtu === undefined ? undefined : Number(mtu),
    linkState: attribute(child(at, "link"), "state") === "down" ? "down" : "up",
    ...parseAddressing(at),
    ...(bandwidth && { bandwidth }),
    ...(portGroup !== undefined && { portGroup }),
    ...(attribute(child(at, "port"), "isolated") === "yes" && { isolated: true }),
    ...(vlans && { vlans }),
    ...(filter && { filter }),
    ...(device !== undefined && !/^(vnet|veth|macvtap|macvlan)\d+$/.test(device) && { device }),
  };
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

/**
 * An interface of a running guest without what it has of its network: libvirt writes that into the running document as if
 * it were its own. What the configuration says too is.
 */
export function ownNic(live: NicModel, configured: NicModel | undefined): NicModel {
  if (live.network === undefined || !configured) return live;
  const own = { ...live };
  for (const field of ["isolated", "bandwidth", "vlans", "mtu"] as const)
    if (configured[field] === undefined) delete own[field];
  return own;
}
