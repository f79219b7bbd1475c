/** A NIC of a node, plugged into one of the lab's switches. */
export interface NicPlan {
  name: string;
  segment: Segment;
  mac: string;
  /** With prefix length. */
  addresses: string[];
}

/** What a node is: its NICs, what it starts (boot.sh's start_NAME), the files of its first boot. */
export interface NodePlan {
  name: string;
  nics: NicPlan[];
  gateways: string[];
  services: string[];
  /** Bytes of its disk; the machine's own room where undefined. */
  disk?: number;
}

export const segments = ["lan", "wan", "internet"] as const;
export type Segment = (typeof segments)[number];

export const hostNetworks = ["ifupdown", "networkd", "networkmanager", "none"] as const;
/** What brings up a host's network at its boot. */
export type HostNetwork = (typeof hostNetworks)[number];

/** The nodes of every lab that are no hosts. */
export const fixedNodes = ["station", "router", "wan", "internet"] as const;

/** Their addresses end where those of DHCP begin. */
export const mostHosts = 60;

export const lanGateways = ["192.168.155.1", "fd00:155::1"];
const wanGateways = ["203.0.113.1", "2001:db8:203::1"];

/** 02:4c:41 is locally administered; the rest names the node and the NIC. */
function mac(node: number, nic: number): string {
  return ["02", "4c", "41", "42", hex(node), hex(nic)].join(":");
}

function hex(number: number): string {
  return number.toString(16).padStart(2, "0");
}

const networkServices: { [Network in HostNetwork]: string[] } = {
  ifupdown: ["ifupdown"],
  networkd: ["dbus", "networkd"],
  networkmanager: ["dbus", "networkmanager"],
  none: [],
};

/**
 * A server with eth0 on the LAN and eth1, without address, on the WAN. The first one (`index` 0) is 192.168.155.32, as
 * kvm1 of the picture.
 */
export function hostPlan(name: string, index: number, network: HostNetwork, disk?: number): NodePlan {
  const own = 32 + index;
  return {
    name,
    nics: [
      { name: "eth0", segment: "lan", mac: mac(own, 0), addresses: [`192.168.155.${own}/24`, `fd00:155::${own}/64`] },
      { name: "eth1", segment: "wan", mac: mac(own, 1), addresses: [] },
    ],
    gateways: lanGateways,
    services: ["no_forwarding", ...networkServices[network], "sshd", "libvirt"],
    disk,
  };
}

/** LAN station, router, WAN client and a server in the internet. */
export function fixedPlans(): NodePlan[] {
  return [
    {
      name: "station",
      nics: [{ name: "eth0", segment: "lan", mac: mac(10, 0), addresses: ["192.168.155.10/24", "fd00:155::10/64"] }],
      gateways: lanGateways,
      services: ["no_forwarding", "addresses"],
    },
    {
      name: "router",
      nics: [
        { name: "eth0", segment: "lan", mac: mac(1, 0), addresses: ["192.168.155.1/24", "fd00:155::1/64"] },
        { name: "eth1", segment: "wan", mac: mac(1, 1), addresses: ["203.0.113.1/24", "2001:db8:203::1/64"] },
        { name: "eth2", segment: "internet", mac: mac(1, 2), addresses: ["198.51.100.1/24", "2001:db8:51::1/64"] },
      ],
      gateways: [],
      services: ["addresses", "forwarding", "dnsmasq"],
    },
    {
      name: "wan",
      nics: [{ name: "eth0", segment: "wan", mac: mac(11, 0), addresses: ["203.0.113.10/24", "2001:db8:203::10/64"] }],
      gateways: wanGateways,
      services: ["no_forwarding", "addresses"],
    },
    {
      name: "internet",
      nics: [
        { name: "eth0", segment: "internet", mac: mac(2, 0), addresses: ["198.51.100.2/24", "2001:db8:51::2/64"] },
      ],
      gateways: ["198.51.100.1", "2001:db8:51::1"],
      services: ["no_forwarding", "addresses", "httpd"],
    },
  ];
}
