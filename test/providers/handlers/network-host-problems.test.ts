import assert from "node:assert/strict";
import { declare } from "../../../providers/dynamic/declared";
import { NetworkHandler } from "../../../providers/handlers/network";
import type { Survey } from "../../../providers/host/survey";
import { networkXML } from "../../../providers/libvirt/xml/network";
import { parsePrefix } from "../../../providers/schema/address";
import { fakeConnection, missing } from "./fake-connection";
import { Played } from "./played";

const uri = "qemu+ssh://root@kvm1/system";
const taken = { name: "taken", mode: "nat", bridge: "virbr5", ipv4: "10.5.0.0/24", ipv4Address: "10.5.0.1" };

function on(name: string, kind?: string, ...addresses: string[]) {
  return { name, kind, addresses: addresses.map((text) => ({ text, prefix: parsePrefix(text)! })) };
}

const survey = {
  interfaces: [
    on("lo"),
    on("eth0", undefined, "192.0.2.9/24"),
    on("br0", "bridge"),
    on("virbr5", "bridge", "10.5.0.1/24"),
  ],
  routes: [
    { text: "default", type: "unicast", device: "eth0", gateway: "192.0.2.1" },
    {
      destination: parsePrefix("10.7.3.0/24"),
      text: "10.7.3.0/24",
      type: "unicast",
      gateway: "192.0.2.7",
      device: "eth0",
    },
    {
      destination: parsePrefix("10.0.0.0/8"),
      text: "10.0.0.0/8",
      type: "unicast",
      gateway: "192.0.2.8",
      device: "eth0",
    },
    {
      destination: parsePrefix("10.5.9.0/24"),
      text: "10.5.9.0/24",
      type: "unicast",
      gateway: "10.5.0.9",
      device: "virbr5",
    },
    {
      destination: parsePrefix("fd00:7::/48"),
      text: "fd00:7::/48",
      type: "unicast",
      device: "eth0",
      protocol: "kernel",
    },
  ],
} as Partial<Survey> as Survey;

describe("what of a host is in a network's way", () => {
  const connection = fakeConnection({
    networkLookupByName: () => missing(),
    connectListAllNetworks: () => [{ name: "taken", uuid: "t" }],
    networkGetXMLDesc: () => networkXML(taken),
    connectGetLibVersion: () => 9_000_000,
  });

  async function problems(args: object, seen: { survey?: Survey } = { survey }): Promise<string[]> {
    const played = new Played(
      new NetworkHandler(
        async () => connection,
        async () => seen.survey,
      ),
    );
    const found = await played.preview({ connection: uri, name: "lab", ...args });
    return found.map((line) => line.replace(`network lab on ${uri}: `, ""));
  }

  const fix = ". Fix: choose a subnet that is free on the host";
  for (const [what, args, ...reasons] of [
    ["a network", { ipv4: "10.5.0.128/25" }, `ipv4: 10.5.0.128/25 overlaps network taken (10.5.0.0/24)${fix}`],
    [
      "an interface",
      { ipv4: "192.0.2.0/28" },
      `ipv4: 192.0.2.0/28 overlaps the host's interface eth0 (192.0.2.9/24)${fix}`,
    ],
    [
      "a route",
      { ipv4: "10.7.0.0/16" },
      `ipv4: 10.7.0.0/16 overlaps the host's route to 10.7.3.0/24 via 192.0.2.7 on eth0${fix}`,
    ],
    ["a wider route, which goes on beside it", { ipv4: "10.8.0.0/16" }],
    ["a route into another network", { ipv4: "10.5.9.0/24" }],
    [
      "the bridge of another network",
      { ipv4: "10.8.0.0/24", bridge: "virbr5" },
      "bridge: virbr5 is the bridge of network taken. Fix: choose another name",
    ],
    [
      "a bridge that is not there",
      { mode: "bridge", bridge: "br1" },
      'bridge: there is no bridge "br1"; did you mean "br0"? On the host: "br0", "virbr5". Fix: declare it as a LinuxBridge and use that one\'s name, or correct the name',
    ],
    [
      "an interface that is no bridge",
      { mode: "bridge", bridge: "eth0" },
      "bridge: eth0 of the host is no bridge. Fix: make a bridge over it (LinuxBridge), and name that one",
    ],
    ["a bridge that is there", { mode: "bridge", bridge: "br0" }],
    [
      "an uplink that is not there",
      { ipv4: "10.8.0.0/24", uplink: "eth9" },
      'uplink: the host has no interface "eth9". On the host: eth0, br0, virbr5. Fix: correct the name',
    ],
    [
      "one of several",
      { mode: "macvtap", uplinks: ["eth0", "eth9"] },
      'uplinks: the host has no interface "eth9". On the host: eth0, br0, virbr5. Fix: correct the name',
    ],
    [
      "a libvirt that sets no VLANs",
      { mode: "bridge", bridge: "br0", portGroups: [{ name: "a", vlans: { untagged: 7 } }] },
      "vlans: the host's libvirt 9.0 cannot put ports of a Linux bridge into VLANs. Allowed: from 11.0 on. Fix: upgrade it, or use a bridge of its own for each VLAN (an uplink such as eth0.100)",
    ],
  ] as [string, object, ...string[]][])
    it(`is, or is not, ${what}`, async () => assert.deepEqual(await problems(args), reasons));

  it("is nothing where the host cannot be looked at, and no bridge that the program makes", async () => {
    assert.deepEqual(await problems({ mode: "bridge", bridge: "br3" }, {}), []);
    declare("LinuxBridge", { name: "br3" });
    assert.deepEqual(await problems({ mode: "bridge", bridge: "br3" }), []);
  });
});
