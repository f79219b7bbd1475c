import assert from "node:assert/strict";
import { forwarding, routerAdvertisements } from "../../../../providers/host/checks/forwarding";
import { declares, found, plainHost, route } from "../plain-host";

const on = { "/proc/sys/net/ipv4/ip_forward": "1", "/proc/sys/net/ipv6/conf/all/forwarding": "1" };
const running = { networks: [{ name: "lab", active: true, bridge: "virbr1", mode: "nat", ipv6: "fd00::/64" }] };

describe("the check of IP forwarding", () => {
  it("leaves switching it on to libvirt", async () => {
    assert.deepEqual(await found(forwarding, plainHost({ target: declares("10.1.0.0/16", "fd00::/64") })), []);
  });

  it("finds that it cannot be switched on", async () => {
    const readOnly = { forwardingWritable: false };
    assert.deepEqual(await found(forwarding, plainHost({ target: declares("10.1.0.0/16"), survey: readOnly })), [
      "error subnets: net.ipv4.ip_forward is 0 and cannot be set: network lab cannot forward 10.1.0.0/16" +
        " => make /proc/sys/net/ipv4/ip_forward writable (a container needs --privileged), or set net.ipv4.ip_forward=1 from outside",
    ]);
    const isolated = { subnets: [{ name: "lab", subnet: "10.1.0.0/16", mode: "isolated" as const }] };
    assert.deepEqual(await found(forwarding, plainHost({ target: isolated, survey: readOnly })), []);
    const target = declares("10.1.0.0/16");
    assert.deepEqual(await found(forwarding, plainHost({ target, survey: { ...readOnly, root: false } })), []);
    assert.deepEqual(await found(forwarding, plainHost({ target, survey: readOnly, files: on })), []);
  });

  it("finds that it was switched off while a network runs", async () => {
    assert.deepEqual(await found(forwarding, plainHost({ report: running })), [
      "warning subnets: net.ipv4.ip_forward is 0 although network lab runs: its guests reach nobody beyond the host => sysctl -w net.ipv4.ip_forward=1",
      "warning subnets: net.ipv6.conf.all.forwarding is 0 although network lab runs: its guests reach nobody beyond the host => sysctl -w net.ipv6.conf.all.forwarding=1",
    ]);
    assert.deepEqual(await found(forwarding, plainHost({ report: running, files: on })), []);
  });
});

describe("the check of IPv6 routes from advertisements", () => {
  const routes = [{ text: "default", device: "eth0", gateway: "fe80::1", protocol: "ra", type: "unicast" }];
  const target = declares("fd00:190::/64");

  it("finds what libvirt would refuse to start", async () => {
    assert.deepEqual(await found(routerAdvertisements, plainHost({ target, survey: { routes, root: false } })), [
      "error subnets: network lab (fd00:190::/64) cannot start: eth0 has routes from router advertisements, which the kernel drops" +
        " when it forwards IPv6 while accept_ra of eth0 is 1. Allowed: 2 => sudo sysctl -w net/ipv6/conf/eth0/accept_ra=2",
    ]);
  });

  const fine: { [why: string]: Parameters<typeof plainHost>[0] } = {
    "no IPv6 subnet": { target: declares("10.1.0.0/16"), survey: { routes } },
    "no such route": { target, survey: { routes: [route("fd00::/64", "eth0", { protocol: "kernel" })] } },
    "accept_ra 2": { target, survey: { routes }, files: { "/proc/sys/net/ipv6/conf/eth0/accept_ra": "2" } },
    "accept_ra 2 for all": { target, survey: { routes }, files: { "/proc/sys/net/ipv6/conf/all/accept_ra": "2" } },
    "routes that networkd or NetworkManager made": {
      target,
      survey: { routes },
      files: { "/proc/sys/net/ipv6/conf/eth0/accept_ra": "0" },
    },
    "a network that runs already": { target, survey: { routes }, report: running },
  };
  for (const [why, differences] of Object.entries(fine))
    it(`is content with ${why}`, async () => {
      assert.deepEqual(await found(routerAdvertisements, plainHost(differences)), []);
    });
});
