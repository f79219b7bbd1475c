import assert from "node:assert/strict";
import { declare } from "../../../providers/dynamic/declared";
import { nicProblems } from "../../../providers/handlers/domain-nic-problems";
import { ErrorCode } from "../../../providers/libvirt/errors";
import { networkXML } from "../../../providers/libvirt/xml/network";
import { defaultMac } from "../../../providers/schema/domain-nic";
import { domainSchema, type DomainInputs } from "../../../providers/schema/domain";
import { parsed } from "../schema/parse";
import { fakeConnection, missing } from "./fake-connection";

const uri = "qemu+ssh://root@nic-host/system";
const mac = "52:54:00:00:00:07";
const networks: { [name: string]: string } = {
  lan: networkXML({ name: "lan", mode: "isolated", portGroups: [{ name: "slow" }, { name: "fast" }] }),
  plain: networkXML({ name: "plain", mode: "isolated" }),
  direct: networkXML({ name: "direct", mode: "macvtap", uplinks: ["eth0"] }),
};
const guests: { [name: string]: string } = {
  old: `<domain><devices><interface type="bridge"><mac address="${mac.toUpperCase()}"/><source bridge="br0"/></interface></devices></domain>`,
  web: `<domain><devices><interface type="network"><mac address="${mac}"/><source network="lan"/></interface></devices></domain>`,
};

const connection = fakeConnection(
  {
    networkLookupByName: (name) => (networks[name] ? { name, uuid: name } : missing()),
    networkGetXMLDesc: ({ name }) => networks[name]!,
    connectListAllNetworks: () => Object.keys(networks).map((name) => ({ name, uuid: name })),
    nwfilterLookupByName: (name) => (name === "clean-traffic" ? { name, uuid: "f" } : missing(ErrorCode.NO_NWFILTER)),
    connectListAllNWFilters: () => [{ name: "clean-traffic", uuid: "f" }],
    connectListAllDomains: () => [{ name: "old", uuid: "o", id: -1 }],
    domainGetXMLDesc: ({ name }) => guests[name]!,
    connectGetLibVersion: () => 10_000_000,
  },
  uri,
);

function inputs(nics: object[], name = "web"): DomainInputs {
  return parsed(domainSchema, { connection: uri, name, memory: "64MiB", nics, ready: { agent: true } });
}

async function problems(nics: object[], olds?: object[]): Promise<string[]> {
  const before = olds && inputs(olds);
  const found = await nicProblems(connection, inputs(nics), before, async () => connection);
  return found.map(({ field, reason }) => `${field}: ${reason}`);
}

describe("what is in the way of a guest's NICs", () => {
  for (const [what, nics, ...reasons] of [
    ["nothing", [{ network: "lan", portGroup: "slow", filter: "clean-traffic" }, { bridge: "br0" }]],
    [
      "a network that nobody knows",
      [{ network: "lam" }],
      'nics.0.network: there is no network "lam"; did you mean "lan"? On the host: "lan", "plain", "direct". Fix: declare it as a Network and use that one\'s name, or correct the name',
    ],
    [
      "a port group that the network does not have",
      [{ network: "lan" }, { network: "lan", portGroup: "slaw" }],
      'nics.1.portGroup: network lan has no port group "slaw". It has: "fast", "slow". Fix: declare it in the network\'s portGroups, or correct the name',
    ],
    [
      "a port group where there is none",
      [{ network: "plain", portGroup: "slow" }],
      'nics.0.portGroup: network plain has no port group "slow". It has: none. Fix: declare it in the network\'s portGroups, or correct the name',
    ],
    [
      "a filter that nobody knows",
      [{ network: "lan", filter: "claen-traffic" }],
      'nics.0.filter: there is no network filter "claen-traffic"; did you mean "clean-traffic"? On the host: "clean-traffic". Fix: declare it as a NetworkFilter and use that one\'s name, or correct the name',
    ],
    [
      "a filter on macvtap",
      [{ network: "direct", filter: "clean-traffic" }],
      "nics.0.filter: network direct is of mode macvtap, whose frames pass no filter of the host. Fix: leave filter out (of a Guest: antiSpoofing: false), or use another network",
    ],
    [
      "VLANs that libvirt does not set",
      [{ bridge: "br0", vlans: { untagged: 7 } }],
      "nics.0.vlans: the host's libvirt 10.0 cannot put ports of a Linux bridge into VLANs. Allowed: from 11.0 on. Fix: upgrade it, or use a bridge of its own for each VLAN (an uplink such as eth0.100)",
    ],
    [
      "an address that a guest of the host has, also one that is off",
      [{ network: "lan", mac }],
      `nics.0.mac: ${mac} is the address of guest old on this host too. Fix: give one of them another mac`,
    ],
  ] as [string, object[], ...string[]][])
    it(`is ${what}`, async () => assert.deepEqual(await problems(nics), reasons));

  it("is not what was there before", async () => {
    const nics = [{ network: "gone", filter: "gone", mac }];
    assert.deepEqual(await problems(nics, nics), []);
  });

  it("is an address that another guest of the program has, chosen or default, in any driver of the host", async () => {
    declare("Domain", inputs([{ network: "lan" }], "db"));
    const lxc = { ...inputs([{ network: "lan" }, { network: "lan", mac: "52:54:00:00:00:08" }], "box") };
    declare("Domain", { ...lxc, connection: uri.replace("qemu", "lxc") });
    const elsewhere = inputs([{ network: "lan", mac: "52:54:00:00:00:09" }], "far");
    declare("Domain", { ...elsewhere, connection: "qemu+ssh://root@other-host/system" });
    const nics = [defaultMac("db", 0), "52:54:00:00:00:08", "52:54:00:00:00:09"].map((one) => ({
      network: "lan",
      mac: one,
    }));
    const fix = "on this host too. Fix: give one of them another mac";
    assert.deepEqual(await problems(nics), [
      `nics.0.mac: ${defaultMac("db", 0)} is the address of guest db ${fix}`,
      `nics.1.mac: 52:54:00:00:00:08 is the address of guest box ${fix}`,
    ]);
  });

  it("is an address of its own that another guest of the program is given at the same place", async () => {
    const other = inputs([{ bridge: "br0", addresses: ["10.0.0.5/24"], mac: "52:54:00:00:00:10" }], "shop");
    declare("Domain", { ...other, connection: uri.replace("qemu", "lxc"), kind: "lxc" });
    const at = (place: object) => problems([{ ...place, mac: "52:54:00:00:00:11", addresses: ["10.0.0.5/16"] }]);
    assert.deepEqual(await at({ bridge: "br0" }), [
      "nics.0.addresses: guest shop is given 10.0.0.5 on bridge br0 too. Fix: give one of them another address",
    ]);
    assert.deepEqual(await at({ bridge: "br1" }), []);
    declare("Domain", { ...inputs([], "shop"), connection: uri.replace("qemu", "lxc") });
    assert.deepEqual(await at({ bridge: "br0" }), []);
  });

  it("is known of networks that the program declares", async () => {
    declare("Network", { connection: uri, name: "new", mode: "macvtap", portGroups: [{ name: "slow" }] });
    assert.deepEqual(await problems([{ network: "new", portGroup: "slow" }]), []);
    assert.match(
      (await problems([{ network: "new", portGroup: "fast" }]))[0]!,
      /network new has no port group "fast"\. It has: "slow"/,
    );
    assert.match((await problems([{ network: "new", filter: "clean-traffic" }]))[0]!, /network new is of mode macvtap/);
  });
});
