import type * as v from "valibot";
import { contains, parsePrefix } from "../../providers/schema/address";
import type { NetworkMode, Segment, VirtualSwitch } from "./model";
import type { UplinkEnd } from "./segments";
import { linuxBridgeShape, networkShape, shaped, type UplinkShape, type VlansShape } from "./shapes";
import type { StateResource } from "./state";
import { byName, type Place, type StateTree } from "./tree";
import { vlanWords } from "./vlan-words";

type NetworkShape = v.InferOutput<typeof networkShape>;
type BridgeShape = v.InferOutput<typeof linuxBridgeShape>;

/** How a guest's NIC is plugged in. */
interface Plug {
  network?: string;
  bridge?: string;
  portGroup?: string;
  vlans?: VlansShape;
}

/** The virtual switches of one host, and what its guests call them. */
export class HostSwitches {
  readonly all: VirtualSwitch[] = [];
  readonly uplinks: UplinkEnd[] = [];
  private readonly byNetwork = new Map<string, VirtualSwitch>();
  private readonly networks = new Map<string, NetworkShape>();
  private readonly reservations = new Map<string, string[]>();

  constructor(
    private readonly place: Place,
    tree: StateTree,
  ) {
    const here = (kind: string) => tree.objects(kind).filter((resource) => tree.placeOn(resource) === place);
    for (const resource of here("LinuxBridge")) this.addBridge(resource, shaped(linuxBridgeShape, resource));
    for (const resource of here("Network")) this.addNetwork(resource, shaped(networkShape, resource));
  }

  /** What a NIC on this network or bridge is plugged into; made up where the stack does not declare it. */
  find({ network, bridge }: Plug): VirtualSwitch | undefined {
    if (network !== undefined)
      return this.byNetwork.get(network) ?? this.keep(network, this.undeclared("network", network));
    if (bridge === undefined) return undefined;
    return this.bridge(bridge) ?? this.add(this.undeclared("bridge", bridge));
  }

  /** The VLANs of a NIC: its own, its port group's, or its network's. */
  vlansOf({ network, portGroup, vlans }: Plug): string | undefined {
    const { portGroups = [], vlans: common } = this.networks.get(network ?? "") ?? {};
    const group = portGroups.find((each) => (portGroup === undefined ? each.default : each.name === portGroup));
    return vlanWords(vlans ?? group?.vlans ?? common);
  }

  /** The addresses that a network keeps for a guest, which it knows by a MAC address or a name. */
  reserved(network: VirtualSwitch, key: string): string[] {
    return this.reservations.get(`${network.id} ${key}`) ?? [];
  }

  /** The switch in whose subnets an address is. */
  around(address: string): VirtualSwitch | undefined {
    return this.all.find(({ addresses }) =>
      addresses.some((each) => {
        const subnet = parsePrefix(each);
        return subnet !== undefined && contains(subnet, address);
      }),
    );
  }

  /** What is nearest to the wire, the lowest segment first; then what is routed, then the rest. */
  inOrder(segments: readonly Segment[]): VirtualSwitch[] {
    const rank = ({ uplink, routed }: VirtualSwitch) =>
      uplink ? -1 - segments.findIndex(({ id }) => id === uplink.segment) : routed ? 1 : 2;
    return [...this.all].sort((one, other) => rank(one) - rank(other) || byName(one, other));
  }

  private addBridge(resource: StateResource, shape: BridgeShape): void {
    const made = this.add(this.blank("bridge", shape.name ?? resource.name));
    const { addressing } = shape.config ?? {};
    const dhcp = { 4: shape.dhcp === true || shape.dhcp === "ipv4", 6: shape.dhcp === true || shape.dhcp === "ipv6" };
    made.automatic = [
      ...((addressing?.dhcp4 ?? dhcp[4]) ? ["DHCP"] : []),
      ...((addressing?.dhcp6 ?? dhcp[6]) ? ["DHCPv6"] : []),
      ...((addressing?.acceptRa ?? shape.acceptRa) ? ["SLAAC"] : []),
    ];
    // The list of the program, and what it left to others.
    const own = Array.isArray(resource.properties["addresses"]) && made.automatic.length === 0;
    made.addresses = own ? shape.addresses : (shape.assigned ?? addressing?.addresses ?? shape.addresses);
    made.routed = made.addresses.length > 0 || made.automatic.length > 0;
    made.change = resource.mark;
    if (shape.vlanFiltering) made.details.push("filters VLANs");
    if (shape.mac) made.notes.push(`MAC ${shape.mac}`);
    const known = [addressing?.gateway4, addressing?.gateway6].flatMap((gateway) => gateway ?? []);
    const gateways = known.length > 0 ? known : shape.gateway;
    made.notes.push(...gateways.map((gateway) => `gateway ${gateway}`));
    this.plugIn(made, shape.uplink, gateways);
  }

  private addNetwork(resource: StateResource, shape: NetworkShape): void {
    const name = shape.name ?? resource.name;
    this.networks.set(name, shape);
    if (shape.mode === "bridge" && shape.bridge !== undefined) {
      const bridge = this.keep(name, this.bridge(shape.bridge) ?? this.undeclared("bridge", shape.bridge));
      bridge.networks.push(name);
      bridge.change ??= resource.mark;
      return;
    }
    const made = this.keep(name, this.blank("network", name));
    made.mode = (shape.mode ?? "nat") as NetworkMode;
    made.bridge = shape.bridge;
    made.routed = ["nat", "route", "open"].includes(made.mode);
    made.addresses = [...ofSubnet(shape.ipv4Address, shape.ipv4), ...ofSubnet(shape.ipv6Address, shape.ipv6)];
    made.change = resource.mark;
    if (shape.domain?.name) made.details.push(`domain ${shape.domain.name}`);
    if (shape.isolatedPorts) made.details.push("ports isolated");
    if (shape.active === false) made.details.push("not running");
    for (const { ip, mac, name: guest } of shape.hosts)
      for (const key of [mac, guest])
        if (key !== undefined) this.reservations.set(`${made.id} ${key}`, [...this.reserved(made, key), ip]);
    const devices = shape.uplinks.length > 0 ? shape.uplinks : shape.uplink === undefined ? [] : [shape.uplink];
    if (made.mode === "macvtap")
      this.plugIn(
        made,
        devices.map((device) => ({ name: device })),
        [],
      );
    else made.notes.push(...devices.map((device) => `leaves by ${device} only`));
  }

  private plugIn(made: VirtualSwitch, uplinks: readonly UplinkShape[], gateways: string[]): void {
    if (uplinks.length === 0) return;
    made.uplink = { label: uplinks.map(uplinkLabel).join(", "), segment: "" };
    this.uplinks.push({ host: this.place.name, switch: made, device: uplinks[0]!.name, gateways });
  }

  private bridge(name: string): VirtualSwitch | undefined {
    return this.all.find((each) => (each.kind === "bridge" ? each.name : each.bridge) === name);
  }

  private add(made: VirtualSwitch): VirtualSwitch {
    this.all.push(made);
    return made;
  }

  private keep(network: string, made: VirtualSwitch): VirtualSwitch {
    this.byNetwork.set(network, made);
    return this.all.includes(made) ? made : this.add(made);
  }

  private undeclared(kind: VirtualSwitch["kind"], name: string): VirtualSwitch {
    return { ...this.blank(kind, name), declared: false };
  }

  private blank(kind: VirtualSwitch["kind"], name: string): VirtualSwitch {
    const id = `${this.place.id}/${kind}/${name}`;
    const none = { networks: [], addresses: [], automatic: [], details: [], notes: [] };
    return { id, kind, name, ...none, routed: false, declared: true };
  }
}

/** The bridge's address in CIDR notation, or the subnet where the address is not known. */
function ofSubnet(address: string | undefined, subnet: string | undefined): string[] {
  if (subnet === undefined) return [];
  return [address === undefined ? subnet : `${address}/${subnet.split("/")[1]}`];
}

function uplinkLabel({ name, ports = [], mode, link, id, vlans }: UplinkShape): string {
  const told = [ports.join(" + "), mode, link && `VLAN ${id} of ${link}`, vlanWords(vlans)].filter(Boolean);
  return told.length > 0 ? `${name} (${told.join(", ")})` : name;
}
