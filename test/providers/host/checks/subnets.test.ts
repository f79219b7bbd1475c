import assert from "node:assert/strict";
import { subnets } from "../../../../providers/host/checks/subnets";
import { bridge, declares, found, iface, plainHost, route } from "../plain-host";

const eth0 = iface("eth0", "192.168.155.32/24");
const choose = (free: string) => `choose another subnet; ${free} is free`;

describe("the check of subnets", () => {
  it("finds nothing wrong with free ones", async () => {
    assert.deepEqual(
      await found(subnets, plainHost({ target: declares("192.168.190.0/24", "fd00:190::/64", "10.0.0.0/8") })),
      [],
    );
  });

  it("has nothing to look at without one", async () => {
    assert.deepEqual(await found(subnets, plainHost()), ["skipped: no subnet is declared"]);
  });

  it("names the interface whose address is in the subnet, and a free one", async () => {
    assert.deepEqual(await found(subnets, plainHost({ target: declares("192.168.155.0/25") })), [
      `error subnets: subnet 192.168.155.0/25 of network lab overlaps 192.168.155.32/24 of interface eth0 => ${choose("192.168.100.0/25")}`,
    ]);
  });

  it("knows IPv6 clashes", async () => {
    assert.deepEqual(await found(subnets, plainHost({ target: declares("2001:db8::/32") })), [
      "error subnets: subnet 2001:db8::/32 of network lab overlaps 2001:db8:1::32/64 of interface eth0 => choose another subnet",
    ]);
    assert.deepEqual(await found(subnets, plainHost({ target: declares("2001:db8:1::/64") })), [
      `error subnets: subnet 2001:db8:1::/64 of network lab overlaps 2001:db8:1::32/64 of interface eth0 => ${choose("fd00:100::/64")}`,
    ]);
  });

  it("names every clash of every subnet", async () => {
    const target = {
      subnets: [
        { name: "one", subnet: "192.168.155.0/24" },
        { name: "two", subnet: "172.17.0.0/16" },
        { name: "three", subnet: "172.17.8.0/24" },
      ],
    };
    const survey = { interfaces: [eth0, bridge("docker0", "172.17.0.1/16")] };
    const problems = (await found(subnets, plainHost({ target, survey }))).map((line) => line.split(" => ")[0]);
    assert.deepEqual(problems, [
      "error subnets: subnet 172.17.8.0/24 of network three overlaps 172.17.0.0/16 of network two",
      "error subnets: subnet 192.168.155.0/24 of network one overlaps 192.168.155.32/24 of interface eth0",
      "error subnets: subnet 172.17.0.0/16 of network two overlaps 172.17.0.1/16 of interface docker0",
      "error subnets: subnet 172.17.8.0/24 of network three overlaps 172.17.0.1/16 of interface docker0",
    ]);
  });

  describe("beside libvirt's networks", () => {
    const interfaces = [eth0, bridge("virbr0", "192.168.122.1/24"), bridge("virbr1", "192.168.190.1/24")];
    const routes = [route("192.168.190.0/24", "virbr1"), route("192.168.122.0/24", "virbr0", { protocol: "kernel" })];
    const networks = [
      { name: "default", active: true, bridge: "virbr0", mode: "nat" },
      { name: "lab", active: true, bridge: "virbr1", mode: "nat" },
    ];

    it("passes over the bridge of the network itself, so that a second run is clean", async () => {
      const differences = {
        target: declares("192.168.190.0/24"),
        survey: { interfaces, routes },
        report: { networks },
      };
      assert.deepEqual(await found(subnets, plainHost(differences)), []);
    });

    it("names the network whose bridge is in the way", async () => {
      const differences = {
        target: declares("192.168.122.0/24"),
        survey: { interfaces, routes },
        report: { networks },
      };
      assert.deepEqual(await found(subnets, plainHost(differences)), [
        `error subnets: subnet 192.168.122.0/24 of network lab overlaps 192.168.122.1/24 of virbr0, the bridge of network default => ${choose("192.168.100.0/24")}`,
      ]);
    });

    it("looks at no bridge when libvirt cannot say whose it is", async () => {
      const inspection = plainHost({
        target: declares("192.168.122.0/24", "192.168.155.0/24"),
        survey: { interfaces, routes },
      });
      inspection.libvirt = new Error("no socket");
      assert.deepEqual(await found(subnets, inspection), [
        `error subnets: subnet 192.168.155.0/24 of network lab overlaps 192.168.155.32/24 of interface eth0 => ${choose("192.168.100.0/24")}`,
      ]);
    });
  });

  describe("beside routes", () => {
    const clashes = (text: string, more = {}) =>
      found(
        subnets,
        plainHost({ target: declares("10.8.0.0/16"), survey: { routes: [route(text, "tun0", more)] } }),
      ).then((lines) => lines.map((line) => line.split(" => ")[0]));

    it("finds one into a part of the subnet", async () => {
      assert.deepEqual(await clashes("10.8.3.0/24", { gateway: "10.9.0.1" }), [
        "error subnets: subnet 10.8.0.0/16 of network lab overlaps the route to 10.8.3.0/24 via 10.9.0.1 on tun0",
      ]);
      assert.deepEqual(await clashes("10.8.0.0/16", { device: undefined, type: "blackhole" }), [
        "error subnets: subnet 10.8.0.0/16 of network lab overlaps the blackhole route to 10.8.0.0/16",
      ]);
    });

    it("warns of a wider one, of which the subnet hides a part", async () => {
      assert.deepEqual(await clashes("10.0.0.0/8"), [
        "warning subnets: subnet 10.8.0.0/16 of network lab hides a part of what the route to 10.0.0.0/8 on tun0 leads to",
      ]);
      assert.deepEqual(await clashes("10.0.0.0/8", { type: "unreachable" }), []);
    });

    it("passes over default routes, whole and in halves", async () => {
      for (const text of ["0.0.0.0/0", "0.0.0.0/1"]) assert.deepEqual(await clashes(text), []);
    });
  });

  it("keeps the operator from being locked out", async () => {
    const target = declares("10.20.0.0/16");
    assert.deepEqual(await found(subnets, plainHost({ target, survey: { client: "10.20.3.4" } })), [
      "error subnets: subnet 10.20.0.0/16 of network lab holds your own address 10.20.3.4: the host would not answer you any more => choose another subnet",
    ]);
    assert.deepEqual(await found(subnets, plainHost({ target, survey: { client: "10.21.3.4" } })), []);
  });

  it("lets an operator come from a guest of the network itself", async () => {
    const differences = {
      target: declares("10.20.0.0/16"),
      survey: { client: "10.20.3.4", interfaces: [eth0, bridge("virbr7", "10.20.0.1/16")], routes: [] },
      report: { networks: [{ name: "lab", active: true, bridge: "virbr7", mode: "nat" }] },
    };
    assert.deepEqual(await found(subnets, plainHost(differences)), []);
  });

  it("still compares the declared ones where the machine has no `ip`", async () => {
    const survey = { interfaces: undefined, routes: undefined };
    const lines = await found(subnets, plainHost({ target: declares("10.1.0.0/16", "10.1.2.0/24"), survey }));
    assert.match(
      lines.join(),
      /^error subnets: subnet 10.1.2.0\/24 of network lab overlaps 10.1.0.0\/16 of network lab/,
    );
  });
});
