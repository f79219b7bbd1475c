import type * as v from "valibot";
import type { NetworkMode, Segment, VirtualSwitch } from "./model";
import type { UplinkEnd } from "./segments";
import { linuxBridgeShape, networkShape, shaped } from "./shapes";
import type { StateResource } from "./state";
import type { Place, StateTree } from "./tree";

type NetworkShape = v.InferOutput<typeof networkShape>;

/** The virtual switches of one host, and what its guests call them. */
export class HostSwitches {
  readonly all: VirtualSwitch[] = [];
  readonly uplinks: UplinkEnd[] = [];
  private readonly byNetwork = new Map<string, VirtualSwitch>();
  private readonly reservations = new Map<string, string[]>();

  constructor(
    private readonly place: Place,
    tree: StateTree,
  ) {
    for (const resource of tree.objects("LinuxBridge")) if (tree.placeOn(resource) === place) this.addBridge(resource);
    for (const resource of tree.objects("Network"))
      if (tree.placeOn(resource) === place) this.addNetwork(resource, shaped(networkShape, resource));
  }

  /** What a NIC on this network or bridge is plugged into; made up where the stack does not declare it. */
  find(nic: { network?: string; bridge?: string }): VirtualSwitch | undefined {
    if (nic.network !== undefined)
      return this.byNetwork.get(nic.network) ?? this.keep(nic.network, this.undeclared("network", nic.network));
    if (nic.bridge === undefined) return undefined;
    return this.bridge(nic.bridge) ?? this.add(this.undeclared("bridge", nic.bridge));
  }

  /** The addresses that a network keeps for a guest, which it knows by a MAC address or a name. */
  reserved(network: VirtualSwitch, key: string): string[] {
    return this.reservations.get(`${network.id} ${key}`) ?? [];
  }

  /** Bridges that are not the host's first: what is nearest to the wire, then what is routed, then the rest. */
  inOrder(segments: readonly Segment[]): VirtualSwitch[] {
    const rank = ({ uplink, routed }: VirtualSwitch) =>
      uplink ? -1 - segments.findIndex(({ id }) => id === uplink.segment) : routed ? 1 : 2;
    return this.all
      .map((each, at) => ({ each, at, rank: rank(each) }))
      .sort((one, other) => one.rank - other.rank || one.at - other.at)
      .map(({ each }) => each);
  }

  private addBridge(resource: StateResource): void {
    const shape = shaped(linuxBridgeShape, resource);
    const made = this.add(this.blank("bridge", shape.name ?? resource.name));
    made.addresses = shape.addresses;
    made.automatic = [
      ...(shape.dhcp4 || shape.dhcp ? ["DHCP"] : []),
      ...(shape.dhcp6 ? ["DHCPv6"] : []),
      ...(shape.acceptRa ? ["SLAAC"] : []),
    ];
    made.routed = made.addresses.length > 0 || made.automatic.length > 0;
    made.change = resource.mark;
    if (shape.mac) made.notes.push(`MAC ${shape.mac}`);
    const gateways = [shape.gateway, shape.gateway6].flatMap((each) => each ?? []);
    if (gateways.length > 0) made.notes.push(`gateway ${gateways.join(", ")}`);
    const uplinks = [shape.uplink, ...shape.uplinks].flatMap((each) => each ?? []);
    if (uplinks.length === 0) return;
    made.uplink = { label: uplinks.map(({ label }) => label).join(", "), segment: "" };
    this.uplinks.push({ host: this.place.name, switch: made, device: uplinks[0]!.name, gateways });
  }

  private addNetwork(resource: StateResource, shape: NetworkShape): void {
    const name = shape.name ?? resource.name;
    if (shape.mode === "bridge" && shape.bridge !== undefined) {
      const bridge = this.keep(name, this.bridge(shape.bridge) ?? this.undeclared("bridge", shape.bridge));
      bridge.networks.push(name);
      return;
    }
    const made = this.keep(name, this.blank("network", name));
    made.mode = (shape.mode ?? "nat") as NetworkMode;
    made.bridge = shape.bridge;
    made.routed = ["nat", "route", "open"].includes(made.mode);
    made.addresses = [ofSubnet(shape.ipv4Address, shape.ipv4), ofSubnet(shape.ipv6Address, shape.ipv6)].flatMap(
      (each) => each ?? [],
    );
    if (shape.domain?.name) made.details.push(`domain ${shape.domain.name}`);
    if (shape.uplink) made.details.push(`leaves by ${shape.uplink}`);
    if (shape.active === false) made.details.push("not running");
    made.change = resource.mark;
    for (const { ip, mac, name: guest } of shape.hosts)
      for (const key of [mac, guest])
        if (key !== undefined) this.reservations.set(`${made.id} ${key}`, [...this.reserved(made, key), ip]);
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
    const id = `${this.place.name}/${kind}/${name}`;
    const none = { networks: [], addresses: [], automatic: [], details: [], notes: [] };
    return { id, kind, name, ...none, routed: false, declared: true };
  }
}

/** The bridge's address in CIDR notation, or the subnet where the address is not known. */
function ofSubnet(address: string | undefined, subnet: string | undefined): string | undefined {
  return address !== undefined && subnet !== undefined ? `${address}/${subnet.split("/")[1]}` : subnet;
}
