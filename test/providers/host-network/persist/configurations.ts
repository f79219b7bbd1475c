import type { Addressing, BridgeConfig } from "../../../../providers/host-network/model";

const mac = "52:54:00:aa:00:10";

export function bridge(changes: Partial<Omit<BridgeConfig, "addressing">> & { addressing?: Partial<Addressing> } = {}) {
  const { addressing, ...rest } = changes;
  return {
    name: "br0",
    stp: false,
    forwardDelay: 0,
    uplinks: [],
    ...rest,
    addressing: {
      addresses: [],
      dhcp4: false,
      dhcp6: false,
      acceptRa: false,
      dns: [],
      search: [],
      routes: [],
      ...addressing,
    },
  } satisfies BridgeConfig;
}

const eth0 = { kind: "nic", name: "eth0" } as const;
const eth1 = { kind: "nic", name: "eth1" } as const;

/** One set for every renderer: all that a BridgeConfig can say. */
export const configurations: { [name: string]: BridgeConfig } = {
  static: bridge({
    mac,
    uplinks: [eth0],
    addressing: {
      addresses: ["192.168.155.32/24"],
      gateway4: "192.168.155.1",
      dns: ["192.168.155.1", "fd00:155::1"],
      search: ["example.org", "lab.example.org"],
    },
  }),
  "dual-stack": bridge({
    mac,
    mtu: 1400,
    uplinks: [eth0],
    addressing: {
      addresses: ["192.168.155.32/24", "10.20.0.5/16", "fd00:155::32/64", "fd00:20::5/64"],
      gateway4: "192.168.155.1",
      gateway6: "fd00:155::1",
      routes: [
        { to: "10.30.0.0/16", via: "10.20.0.1", metric: 50 },
        { to: "10.40.0.0/16" },
        { to: "fd00:30::/48", via: "fd00:20::1", metric: 60 },
      ],
    },
  }),
  routes: bridge({
    mac,
    uplinks: [eth0],
    addressing: {
      addresses: ["192.168.155.32/24", "192.168.155.33/24", "fd00:155::32/64"],
      routes: [
        { to: "10.30.0.0/16", via: "192.168.155.1", source: "192.168.155.33", mtu: 1300 },
        { to: "10.40.0.0/16", via: "10.99.0.1", onlink: true },
        { to: "default", via: "192.168.155.1", table: "77" },
        { to: "fd00:30::/48", via: "fd00:155::1", metric: 60, table: "78" },
      ],
    },
  }),
  dhcp: bridge({ mac, uplinks: [eth0], addressing: { dhcp4: true, acceptRa: true } }),
  dhcp6: bridge({ mac, uplinks: [eth0], addressing: { dhcp4: true, dhcp6: true } }),
  // For guests alone.
  "no-uplink": bridge({ name: "br2", addressing: { addresses: ["10.99.0.1/24"] } }),
  // The host has no part in it.
  "no-address": bridge({ name: "br1", stp: true, forwardDelay: 4, uplinks: [eth0, eth1] }),
  filtering: bridge({
    mac,
    vlans: { untagged: 10, tagged: [] },
    uplinks: [
      { ...eth0, vlans: { untagged: 10, tagged: [20, 30] } },
      { ...eth1, vlans: { tagged: [20] } },
    ],
    addressing: { addresses: ["192.168.155.32/24"] },
  }),
  "guest-vlan": bridge({
    mac,
    vlans: { untagged: 10, tagged: [] },
    guestVlan: 20,
    uplinks: [{ ...eth0, vlans: { tagged: [10, 20] } }],
    addressing: { addresses: ["192.168.155.32/24"] },
  }),
  lacp: bridge({
    mac,
    mtu: 9000,
    uplinks: [
      {
        kind: "bond",
        name: "bond0",
        ports: ["eth0", "eth1"],
        mode: "802.3ad",
        miimon: 100,
        lacpRate: "fast",
        hashPolicy: "layer3+4",
      },
    ],
    addressing: { addresses: ["192.168.155.32/24"] },
  }),
  standby: bridge({
    mac,
    uplinks: [
      { kind: "bond", name: "bond0", ports: ["eth0", "eth1"], mode: "active-backup", miimon: 100, primary: "eth0" },
    ],
    addressing: { dhcp4: true },
  }),
  vlan: bridge({ name: "br100", uplinks: [{ kind: "vlan", name: "eth0.100", link: "eth0", id: 100 }] }),
};
