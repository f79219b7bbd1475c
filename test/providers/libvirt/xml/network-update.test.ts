import assert from "node:assert/strict";
import {
  VIR_NETWORK_SECTION_DNS_HOST,
  VIR_NETWORK_SECTION_DNS_SRV,
  VIR_NETWORK_SECTION_DNS_TXT,
  VIR_NETWORK_SECTION_IP_DHCP_HOST,
  VIR_NETWORK_SECTION_IP_DHCP_RANGE,
  VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
  VIR_NETWORK_UPDATE_COMMAND_DELETE,
  VIR_NETWORK_UPDATE_COMMAND_MODIFY,
} from "../../../../providers/libvirt/constants";
import { editNetwork, networkXML, type NetworkModel } from "../../../../providers/libvirt/xml/network";
import { liveChange } from "../../../../providers/libvirt/xml/network-update";

const base: NetworkModel = {
  name: "n",
  mode: "nat",
  bridge: "virbr1",
  ipv4: "10.0.0.0/24",
  ipv4Address: "10.0.0.1",
  dhcp: true,
  dhcpRange: { start: "10.0.0.2", end: "10.0.0.254" },
  ipv6: "fd00::/64",
  ipv6Address: "fd00::1",
  dhcp6: true,
  dhcp6Range: { start: "fd00::2", end: "fd00::ffff" },
  hosts: [{ ip: "10.0.0.5", mac: "52:54:00:00:00:05", name: "a" }],
};

function change(news: Partial<NetworkModel>) {
  const live = networkXML(base);
  return liveChange(live, editNetwork(live, { ...base, ...news }, base));
}

const add = VIR_NETWORK_UPDATE_COMMAND_ADD_LAST;
const modify = VIR_NETWORK_UPDATE_COMMAND_MODIFY;
const remove = VIR_NETWORK_UPDATE_COMMAND_DELETE;

describe("live change of a network", () => {
  it("is nothing when nothing changed", () => {
    assert.deepEqual(change({}), { restart: [], updates: [] });
  });

  it("modifies a fixed lease in one step", () => {
    const section = VIR_NETWORK_SECTION_IP_DHCP_HOST;
    assert.deepEqual(change({ hosts: [{ ip: "10.0.0.5", mac: "52:54:00:00:00:05", name: "b" }] }).updates, [
      { command: modify, section, parentIndex: 0, xml: '<host mac="52:54:00:00:00:05" name="b" ip="10.0.0.5"/>' },
    ]);
  });

  it("deletes before it adds where leases share keys crosswise", () => {
    const olds = [
      { ip: "10.0.0.5", mac: "52:54:00:00:00:05" },
      { ip: "10.0.0.6", mac: "52:54:00:00:00:06" },
    ];
    const live = networkXML({ ...base, hosts: olds });
    const swapped = [
      { ip: "10.0.0.5", mac: "52:54:00:00:00:06" },
      { ip: "10.0.0.6", mac: "52:54:00:00:00:05" },
    ];
    const { updates } = liveChange(live, editNetwork(live, { ...base, hosts: swapped }, base));
    assert.deepEqual(
      updates.map(({ command }) => command),
      [remove, remove, add, add],
    );
  });

  it("adds an IPv6 lease to the IPv6 subnet", () => {
    const hosts = [...base.hosts!, { ip: "fd00::5", name: "a" }];
    assert.deepEqual(change({ hosts }).updates, [
      {
        command: add,
        section: VIR_NETWORK_SECTION_IP_DHCP_HOST,
        parentIndex: 1,
        xml: '<host name="a" ip="fd00::5"/>',
      },
    ]);
  });

  it("moves the range, with its lease time, and switches it off", () => {
    const section = VIR_NETWORK_SECTION_IP_DHCP_RANGE;
    const old = { command: remove, section, parentIndex: 0, xml: '<range start="10.0.0.2" end="10.0.0.254"/>' };
    assert.deepEqual(change({ dhcpRange: { start: "10.0.0.2", end: "10.0.0.99", leaseTime: "2h" } }).updates, [
      old,
      {
        command: add,
        section,
        parentIndex: 0,
        xml: '<range start="10.0.0.2" end="10.0.0.99"><lease expiry="7200" unit="seconds"/></range>',
      },
    ]);
    assert.deepEqual(change({ dhcp: false, dhcpRange: undefined }).updates, [old]);
  });

  it("adds names and records", () => {
    const updates = change({
      dnsHosts: [{ ip: "10.0.0.1", hostnames: ["gw"] }],
      dnsTxt: [{ name: "a", value: "b" }],
      dnsSrv: [{ service: "x", protocol: "tcp" }],
    }).updates;
    assert.deepEqual(
      updates.map(({ section, xml }) => [section, xml]),
      [
        [VIR_NETWORK_SECTION_DNS_HOST, '<host ip="10.0.0.1"><hostname>gw</hostname></host>'],
        [VIR_NETWORK_SECTION_DNS_TXT, '<txt name="a" value="b"/>'],
        [VIR_NETWORK_SECTION_DNS_SRV, '<srv service="x" protocol="tcp"/>'],
      ],
    );
  });

  for (const [field, news] of Object.entries({
    mode: { mode: "route" },
    mtu: { mtu: 1400 },
    domain: { domain: { name: "x.test", localOnly: true } },
    bridge: { bridge: "virbr9" },
    ipv4Address: { ipv4Address: "10.0.0.254" },
    dnsForwarders: { dnsForwarders: [{ address: "192.0.2.1" }] },
  }))
    it(`needs a restart for ${field}, and still tells what can be done without`, () => {
      const { restart, updates } = change({ ...news, dnsTxt: [{ name: "a", value: "b" }] });
      assert.deepEqual(restart, [field]);
      assert.equal(updates.length, 1);
    });
});
