import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";

export interface DhcpReservationArgs {
  /** libvirt URI. Default "qemu:///system". */
  connection?: pulumi.Input<string>;
  /** The name of the network whose DHCP server keeps the address. */
  network: pulumi.Input<string>;
  /** The MAC address of the guest's interface. */
  mac: pulumi.Input<string>;
  /** The address to keep, in the network's subnet. One of both families is required. */
  ipv4?: pulumi.Input<string>;
  /** DHCPv6 knows the guest by `name` or `duid`, not by its MAC address. */
  ipv6?: pulumi.Input<string>;
  /** The host name that the guest sends; also the name under which the network's DNS server knows it. */
  name?: pulumi.Input<string>;
  /** The guest's DHCPv6 unique identifier (DUID), hex bytes with colons. */
  duid?: pulumi.Input<string>;
}

/**
 * An address that a network keeps for one guest. It comes and goes while guests run, beside the leases that the network
 * itself declares in `hosts`. A guest takes it when it asks for an address the next time. `Guest` makes one for each NIC
 * that says `ipv4` or `ipv6`.
 *
 * @example
 * const db = new DhcpReservation("db", { network: "lab", mac: "52:54:00:00:00:10", ipv4: "192.168.150.20", name: "db" });
 */
export class DhcpReservation extends Resource {
  declare readonly network: pulumi.Output<string>;
  declare readonly mac: pulumi.Output<string>;
  declare readonly ipv4: pulumi.Output<string | undefined>;
  declare readonly ipv6: pulumi.Output<string | undefined>;

  constructor(name: string, args: DhcpReservationArgs, opts?: pulumi.CustomResourceOptions) {
    super("DhcpReservation", name, { ...args, connection: args.connection ?? "qemu:///system" }, [], opts);
  }
}
