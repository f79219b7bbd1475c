import assert from "node:assert/strict";
import { withPlainRoutes } from "../../../../providers/host-network/persist/routes";
import { renderers } from "../../../../providers/host-network/persist";
import { bridge } from "./configurations";
import { FileHost } from "./file-host";

describe("what a renderer cannot express", () => {
  for (const renderer of [renderers.networkd, renderers.netplan, renderers.networkmanager])
    it(`keeps no VLAN of guests off an uplink: ${renderer.name}`, async () => {
      const config = bridge({
        vlans: { untagged: 10, tagged: [] },
        guestVlan: 20,
        uplinks: [{ kind: "nic", name: "eth0", vlans: { untagged: 10, tagged: [] } }],
      });
      await assert.rejects(renderer.persist(config, new FileHost(), []), {
        message: `${renderer.name} cannot keep the guests' VLAN 20 of br0 off eth0. Fix: carry VLAN 20 on eth0, or give guests' ports no VLAN`,
      });
    });

  it("keeps it off by ifupdown's commands", async () => {
    const host = new FileHost({ "/etc/network/interfaces": "source interfaces.d/*\n" });
    const config = bridge({
      vlans: { untagged: 10, tagged: [] },
      guestVlan: 20,
      uplinks: [{ kind: "nic", name: "eth0", vlans: { untagged: 10, tagged: [] } }],
    });
    const [file] = (await renderers.ifupdown.persist(config, host, [])).files;
    assert.match(file!.content, /pre-up bridge vlan del dev br0 vid 20 self \|\| true\n/);
    assert.match(file!.content, /pre-up bridge vlan del dev eth0 vid 20 \|\| true\n/);
  });

  it("takes routing tables by the host's names for them", async () => {
    const routes = (table: string) => bridge({ addressing: { routes: [{ to: "default", via: "fe80::1", table }] } });
    const host = new FileHost({
      "/etc/iproute2/rt_tables": "#\n255\tlocal\n100 lan\n",
      "/etc/iproute2/rt_tables.d/more.conf": "101 wan\n",
    });
    const plain = async (table: string) => (await withPlainRoutes(routes(table), host)).addressing.routes;
    assert.deepEqual(await plain("lan"), [{ to: "::/0", via: "fe80::1", table: "100" }]);
    assert.deepEqual(await plain("wan"), [{ to: "::/0", via: "fe80::1", table: "101" }]);
    assert.deepEqual(await plain("main"), [{ to: "::/0", via: "fe80::1" }]);
    await assert.rejects(plain("dmz"), {
      message: `this host knows no routing table dmz. Fix: give its number, or add "NUMBER dmz" to /etc/iproute2/rt_tables`,
    });
  });

  it("takes no route by NetworkManager of a family in which the host has no address", async () => {
    const config = bridge({
      addressing: { addresses: ["10.0.0.1/24"], routes: [{ to: "fd00::/64", via: "fe80::1" }] },
    });
    await assert.rejects(renderers.networkmanager.persist(config, new FileHost(), []), {
      message:
        "NetworkManager takes no route by fe80::1 on br0, which has no IPv6 address. Fix: declare an address of that family, or leave the route out",
    });
  });

  it("warns of a name server that NetworkManager would not take, and of DHCPv6 that it cannot do without", async () => {
    const { warnings } = await renderers.networkmanager.persist(
      bridge({ addressing: { acceptRa: true, dns: ["10.0.0.1", "fd00::1"] } }),
      new FileHost(),
      [],
    );
    assert.deepEqual(warnings, [
      "br0 also asks DHCPv6 for an address where router advertisements say so: NetworkManager cannot do without",
      "name server 10.0.0.1 is left out: br0 has no IPv4 address",
    ]);
  });

  it("warns that what is below a VLAN interface keeps its MTU", async () => {
    const config = bridge({ mtu: 9000, uplinks: [{ kind: "vlan", name: "eth0.100", link: "eth0", id: 100 }] });
    for (const renderer of [renderers.networkd, renderers.netplan, renderers.networkmanager])
      assert.deepEqual((await renderer.persist(config, new FileHost(), [])).warnings, [
        "eth0 has to have an MTU of 9000 or more by its own configuration, for eth0.100",
      ]);
  });
});
