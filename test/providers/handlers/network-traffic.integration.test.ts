import assert from "node:assert/strict";
import { DhcpReservationHandler } from "../../../providers/handlers/dhcp-reservation";
import { DomainHandler } from "../../../providers/handlers/domain";
import { NetworkFilterHandler } from "../../../providers/handlers/network-filter";
import { NetworkHandler } from "../../../providers/handlers/network";
import type { Connection } from "../../../providers/libvirt/connection";
import { open } from "../../../providers/libvirt/open";
import { Lab } from "../../lab/lab";
import { LabContainer } from "../../lab/lab-container";
import type { LabHost } from "../../lab/lab-host";
import { tinyGuestOr } from "../../lab/tiny-guest-or";
import { skip } from "../../skip";
import { Played } from "./played";

type Args = { [field: string]: unknown };

const mac = (number: number) => `52:54:00:00:00:${number.toString(16).padStart(2, "0")}`;

describe("what guests of networks reach", function () {
  this.timeout(180_000);
  let lab: Lab;
  let kvm1: LabHost;
  let lxc: Connection;
  const played: Played[] = [];
  const containers: LabContainer[] = [];

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    lab = await Lab.up({ name: `net-${process.pid}`, hosts: 1 });
    kvm1 = lab.host("kvm1");
    lxc = await open(kvm1.socketUri("lxc"));
  });

  after(async () => {
    lxc?.close();
    await lab?.down();
  });

  afterEach(async () => {
    for (const container of containers.splice(0)) await container.stop();
    for (const one of played.splice(0).reverse()) await one.destroy();
  });

  async function network(args: Args): Promise<Played> {
    const made = new Played(new NetworkHandler());
    await made.up({
      connection: kvm1.socketUri(),
      machine: kvm1.machine,
      stp: args["mode"] === "bridge" ? undefined : false,
      ...args,
    });
    played.push(made);
    return made;
  }

  async function filter(name: string, rules: Args): Promise<Played> {
    const made = new Played(new NetworkFilterHandler());
    await made.up({ connection: kvm1.socketUri(), name, ...rules });
    played.push(made);
    return made;
  }

  async function container(name: string, ...nics: Parameters<typeof LabContainer.start>[3]): Promise<LabContainer> {
    const made = await LabContainer.start(kvm1, lxc, name, nics);
    containers.push(made);
    return made;
  }

  it("is, behind NAT, the world from inside, and nothing from outside, by IPv4 and IPv6", async () => {
    await network({ name: "nat", ipv4: "10.30.0.0/24", ipv6: "fd00:30::/64" });
    const guest = await container("c1", { mac: mac(1), network: "nat" });
    await guest.address("10.30.0.10/24", { gateway: "10.30.0.1" });
    await guest.address("fd00:30::10/64", { gateway: "fd00:30::1" });
    const page = (url: string) => guest.run(["curl", "-s", "-f", "--globoff", "--max-time", "5", url]);
    assert.equal((await page(`http://${lab.internet.ipv4}/`)).stdout, `${kvm1.ipv4}\n`, "seen as the host");
    assert.equal((await page(`http://[${lab.internet.ipv6}]/`)).stdout, `${kvm1.ipv6}\n`);
    for (const [subnet, address, via] of [
      ["10.30.0.0/24", "10.30.0.10", kvm1.ipv4],
      ["fd00:30::/64", "fd00:30::10", kvm1.ipv6],
    ] as const) {
      await lab.station.run(["ip", "route", "add", subnet, "via", via]);
      assert.equal((await lab.station.ping(address)).received, 0, address);
      await lab.station.run(["ip", "route", "del", subnet]);
    }
  });

  it("is, on a routed network, the world both ways, and what is behind a guest", async () => {
    const routes = [{ to: "10.32.0.0/24", via: "10.31.0.10" }];
    await network({ name: "routed", mode: "route", ipv4: "10.31.0.0/24", ipv6: "fd00:31::/64", routes });
    const guest = await container("c1", { mac: mac(1), network: "routed" });
    await guest.address("10.31.0.10/24", { gateway: "10.31.0.1" });
    await guest.address("fd00:31::10/64", { gateway: "fd00:31::1" });
    await guest.run(["ip", "addr", "add", "10.32.0.1/32", "dev", "lo"]);
    for (const [subnet, via] of [
      ["10.31.0.0/24", kvm1.ipv4],
      ["fd00:31::/64", kvm1.ipv6],
    ] as const)
      await lab.router.run(["ip", "route", "add", subnet, "via", via]);
    for (const target of [lab.internet.ipv4, lab.internet.ipv6]) await guest.reach(target);
    for (const target of ["10.31.0.10", "fd00:31::10"]) assert.equal((await lab.internet.ping(target)).lost, 0, target);
    assert.equal((await kvm1.ping("10.32.0.1")).lost, 0, "through the guest");
    await lab.router.run(["ip", "route", "del", "10.31.0.0/24"]);
    await lab.router.run(["ip", "route", "del", "fd00:31::/64"]);
  });

  it("is, on an isolated network, the other guests and the host, and no way out", async () => {
    await network({ name: "isolated", mode: "isolated", ipv4: "10.33.0.0/24", ipv6: "fd00:33::/64" });
    const guest = await container("c1", { mac: mac(1), network: "isolated" });
    const other = await container("c2", { mac: mac(2), network: "isolated" });
    assert.match(await guest.dhcp(), /^10\.33\.0\./);
    await other.address("10.33.0.2/24");
    await guest.address("fd00:33::10/64", { gateway: "fd00:33::1" });
    await other.address("fd00:33::2/64");
    for (const target of ["10.33.0.1", "10.33.0.2", "fd00:33::1", "fd00:33::2"]) await guest.reach(target);
    assert.equal((await guest.run(["ip", "-4", "route", "show", "default"])).stdout, "", "DHCP told no gateway");
    await guest.run(["ip", "route", "add", "default", "via", "10.33.0.1"]);
    for (const target of [lab.internet.ipv4, lab.internet.ipv6, lab.station.ipv4, lab.station.ipv6])
      assert.ok(!(await guest.reaches(target)), target);
  });

  it("is, on a network without addresses, the other guests alone", async () => {
    const made = await network({ name: "cable", mode: "isolated" });
    const guest = await container("c1", { mac: mac(1), network: "cable" });
    const other = await container("c2", { mac: mac(2), network: "cable" });
    await guest.address("10.34.0.1/24");
    await other.address("10.34.0.2/24");
    await guest.reach("10.34.0.2");
    const { stdout } = await kvm1.run(["ip", "-j", "addr", "show", "dev", made.state["bridge"]]);
    assert.deepEqual(JSON.parse(stdout)[0].addr_info, [], "the host has no part in it");
  });

  it("is, on a bridge of the host, the LAN", async () => {
    await kvm1.run(["ip", "link", "add", "br7", "up", "type", "bridge"]);
    await network({ name: "lan", mode: "bridge", bridge: "br7" });
    const guest = await container("c1", { mac: mac(1), network: "lan" });
    await guest.address("10.35.0.1/24");
    await kvm1.run(["ip", "addr", "add", "10.35.0.9/24", "dev", "br7"]);
    await guest.reach("10.35.0.9");
    await guest.stop();
    await kvm1.run(["ip", "link", "del", "br7"]);
  });

  it("is, with isolated ports, the host but no neighbour", async () => {
    await network({ name: "private", mode: "isolated", ipv4: "10.36.0.0/24", isolatedPorts: true });
    const guest = await container("c1", { mac: mac(1), network: "private" });
    const other = await container("c2", { mac: mac(2), network: "private" });
    await guest.address("10.36.0.11/24");
    await other.address("10.36.0.12/24");
    await guest.reach("10.36.0.1");
    assert.ok(!(await guest.reaches("10.36.0.12")));
  });

  describe("with anti-spoofing", () => {
    async function guarded(ipv6 = true) {
      await network({ name: "nat", ipv4: "10.30.0.0/24", ipv6: "fd00:30::/64", dhcp6: !ipv6 });
      return network;
    }

    it("goes on with DHCP, SLAAC and neighbour discovery, and drops what is from others", async () => {
      await guarded();
      const antiSpoofing = {
        ipv4: { allowed: ["10.30.0.0/24"], gateway: "10.30.0.1" },
        ipv6: { allowed: ["fd00:30::/64"], gateway: "fd00:30::1" },
      };
      await filter("guard", { antiSpoofing });
      const guest = await container("c1", { mac: mac(1), network: "nat", filter: { name: "guard" } });
      const address = await guest.dhcp();
      assert.match(address, /^10\.30\.0\./);
      await guest.run([
        "sh",
        "-c",
        "until ip -6 addr show dev eth0 scope global -tentative | grep -q inet6; do sleep 0.05; done",
      ]);
      for (const target of [lab.internet.ipv4, lab.internet.ipv6]) await guest.reach(target);
      for (const [spoofed, target] of [
        ["198.51.100.77/32", "10.30.0.1"],
        ["2001:db8::77/128", "fd00:30::1"],
      ] as const) {
        await guest.address(spoofed);
        const before = await heard(target);
        assert.ok(!(await guest.reaches(target, { from: spoofed.split("/")[0] })), spoofed);
        assert.equal(await heard(target), before, "it did not even arrive");
      }
    });

    /** ICMP and ICMPv6 echo requests that the host has had. */
    async function heard(target: string): Promise<string> {
      const counters = target.includes(":") ? ["Icmp6InEchos"] : ["IcmpInEchos"];
      return (await kvm1.run(["nstat", "-a", "-s", "-z", ...counters])).stdout.match(/InEchos\s+(\d+)/)![1]!;
    }

    it("lets a virtual machine get its reserved address and answer", async function () {
      const { kernel, initrd, cmdline, memory } = await tinyGuestOr(this);
      const connection = kvm1.socketUri();
      await network({ name: "nat", ipv4: "10.30.0.0/24", ipv6: "fd00:30::/64" });
      const lease = new Played(new DhcpReservationHandler());
      await lease.up({ connection, network: "nat", mac: mac(1), ipv4: "10.30.0.20", name: "vm" });
      played.push(lease);
      await filter("guard", {
        antiSpoofing: { ipv4: { allowed: ["10.30.0.20"] }, ipv6: { allowed: ["fd00:30::/64"] } },
      });
      const vm = new Played(new DomainHandler());
      played.push(vm);
      await vm.up({
        ...{ connection, name: "vm", kernel, initrd, cmdline: `${cmdline} tiny.noagent`, memory, agent: false },
        ...{ accelerator: "tcg", nics: [{ network: "nat", mac: mac(1), filter: "guard" }] },
        ready: { addresses: true, timeout: "90s" },
      });
      assert.equal(vm.state["ipv4"], "10.30.0.20");
      assert.equal((await kvm1.ping("10.30.0.20")).lost, 0);
    });

    it("goes on with DHCPv6, which keeps addresses by name", async () => {
      await network({ name: "nat", ipv6: "fd00:30::/64" });
      const lease = new Played(new DhcpReservationHandler());
      await lease.up({ connection: kvm1.socketUri(), network: "nat", mac: mac(1), ipv6: "fd00:30::20", name: "c1" });
      played.push(lease);
      await filter("guard", { antiSpoofing: { ipv6: { allowed: ["fd00:30::20"] } } });
      const guest = await container("c1", { mac: mac(1), network: "nat", filter: { name: "guard" } });
      assert.equal(await guest.dhcp6(mac(1), "c1"), "fd00:30::20");
      assert.notEqual(await guest.dhcp6(mac(7), "other"), "fd00:30::20");
      const { stdout } = await guest.run(["ip", "-6", "addr", "show", "dev", "eth0", "scope", "global"]);
      assert.equal(stdout, "", "with DHCPv6 nobody chooses an address from the router's announcement");
      await guest.address("fd00:30::20/64");
      await guest.reach("fd00:30::1", { from: "fd00:30::20" });
      await guest.run(["sh", "-c", "until ip -6 route show default | grep -q fe80; do sleep 0.05; done"]);
      await guest.reach(lab.internet.ipv6);
    });

    it("holds containers of the program too, from their start and when a NIC is plugged in", async () => {
      await network({ name: "nat", ipv4: "10.30.0.0/24" });
      await filter("guard", { antiSpoofing: { ipv4: { allowed: ["10.30.0.10"] } } });
      const box = new Played(new DomainHandler());
      played.push(box);
      const nic = { network: "nat", mac: mac(5), addresses: ["10.30.0.10/24", "10.30.0.11/24"], filter: "guard" };
      const root = "mkdir -p /srv/box/usr /srv/box/etc && cd /srv/box && ln -sf usr/bin usr/sbin usr/lib usr/lib64 .";
      await kvm1.run(["sh", "-c", root]);
      const args = {
        ...{ kind: "lxc", connection: kvm1.socketUri("lxc"), host: kvm1.machine, name: "box", memory: "64MiB" },
        mounts: [{ source: "/usr", target: "/usr", readonly: true }],
        ...{ root: "/srv/box", init: ["/usr/bin/sleep", "infinity"], autostart: false },
      };
      await box.up({ ...args, nics: [nic] });
      for (const plugIn of [[], [nic]]) {
        const running = await LabContainer.find(kvm1, lxc, "box");
        await running.reach("10.30.0.1", { from: "10.30.0.10" });
        assert.ok(!(await running.reaches("10.30.0.1", { from: "10.30.0.11" })));
        assert.deepEqual(await box.refresh(), []);
        if (plugIn.length === 0) await box.up({ ...args, nics: [] });
        assert.deepEqual(await box.up({ ...args, nics: [nic] }), plugIn.length === 0 ? ["nics: live"] : []);
      }
    });

    it("holds a guest with a reserved address to that one, its virtual ones and its MAC address", async () => {
      await guarded();
      const lease = new Played(new DhcpReservationHandler());
      await lease.up({ connection: kvm1.socketUri(), network: "nat", mac: mac(1), ipv4: "10.30.0.20", name: "c1" });
      played.push(lease);
      await filter("guard", { antiSpoofing: { ipv4: { allowed: ["10.30.0.20", "10.30.0.100"] } } });
      const guest = await container("c1", { mac: mac(1), network: "nat", filter: { name: "guard" } });
      assert.equal(await guest.dhcp(), "10.30.0.20");
      const reached = (from: string) => guest.reaches("10.30.0.1", { from });
      await guest.reach("10.30.0.1", { from: "10.30.0.20" });
      for (const more of ["10.30.0.100/32", "10.30.0.21/32"]) await guest.address(more);
      await guest.reach("10.30.0.1", { from: "10.30.0.100" });
      assert.ok(!(await reached("10.30.0.21")), "a neighbour's address");
      await kvm1.run(["ip", "neigh", "flush", "dev", "virbr1"], { accept: "any" });
      await guest.run(["ip", "link", "set", "eth0", "address", mac(9)]);
      assert.ok(!(await reached("10.30.0.20")), "another MAC address");
      await guest.run(["ip", "link", "set", "eth0", "address", mac(1)]);
      await guest.reach("10.30.0.1", { from: "10.30.0.20" });
    });
  });

  it("is, with an allow-list, what it allows, and the guest's own connections go on", async () => {
    await network({ name: "nat", ipv4: "10.30.0.0/24" });
    await filter("list", { allow: [80] });
    const guest = await container("c1", { mac: mac(1), network: "nat", filter: { name: "list" } });
    const other = await container("c2", { mac: mac(2), network: "nat" });
    assert.match(await guest.dhcp(), /^10\.30/);
    await guest.address("10.30.0.10/24");
    await other.address("10.30.0.11/24");
    await kvm1.run(["sh", "-c", "mkdir -p /run/www && echo hello >/run/www/index.html"]);
    const servers = [80, 81].map((port) =>
      kvm1.spawn(guest.argv(["busybox", "httpd", "-f", "-p", String(port), "-h", "/run/www"]), { stdio: "ignore" }),
    );
    try {
      await guest.run(["sh", "-c", "until nc -z 127.0.0.1 80 && nc -z 127.0.0.1 81; do sleep 0.02; done"]);
      const get = (from: { run: LabContainer["run"] }, port: number) =>
        from.run(["curl", "-s", "-f", "--max-time", "2", `http://10.30.0.10:${port}/`], { accept: "any" });
      for (const from of [other, kvm1]) {
        assert.equal((await get(from, 80)).stdout, "hello\n");
        assert.equal((await get(from, 81)).exitCode, 28, "no answer");
      }
      assert.equal(
        (await guest.run(["curl", "-s", "--max-time", "5", `http://${lab.internet.ipv4}/`])).stdout,
        `${kvm1.ipv4}\n`,
      );
    } finally {
      for (const server of servers) server.kill("SIGKILL");
    }
  });

  it("is, on the host's interface itself, the LAN, but not the host", async () => {
    const args = { name: "direct", mode: "macvtap", stp: undefined };
    const made = await network({ ...args, uplink: "eth0" });
    assert.deepEqual([made.state["uplinks"], made.state["macvtapMode"]], [["eth0"], "bridge"]);
    assert.deepEqual(await made.refresh(), []);
    const guest = await container("c1", { mac: mac(1), network: "direct" });
    const other = await container("c2", { mac: mac(2), network: "direct" });
    await guest.address("192.168.155.211/24", { gateway: "192.168.155.1" });
    await other.address("192.168.155.212/24");
    for (const target of [lab.station.ipv4, lab.internet.ipv4, "192.168.155.212"]) await guest.reach(target);
    assert.ok(!(await guest.reaches(kvm1.ipv4)));
    const host = { connection: kvm1.socketUri(), machine: kvm1.machine };
    assert.deepEqual(await made.up({ ...args, ...host, uplinks: ["eth0", "eth1"] }), ["uplinks: live"]);
    assert.deepEqual(await made.refresh(), []);
    assert.deepEqual(await made.up({ ...args, ...host, uplinks: ["eth0"] }), ["uplinks: live"]);
    assert.deepEqual(await made.up({ ...args, ...host, uplink: "eth0", macvtapMode: "private" }), [
      "macvtapMode: live",
    ]);
    assert.deepEqual(await made.refresh(), []);
    await guest.reach("192.168.155.212");
    for (const one of [guest, other]) await one.stop();
    const alone = await container("c3", { mac: mac(3), network: "direct" });
    const apart = await container("c4", { mac: mac(4), network: "direct" });
    await alone.address("192.168.155.213/24");
    await apart.address("192.168.155.214/24");
    await alone.reach(lab.station.ipv4);
    assert.ok(!(await alone.reaches("192.168.155.214")), "private: guests of one interface do not see each other");
  });

  it("is what one port's isolation says, changed while its machine runs", async () => {
    const made = await network({ name: "nat", ipv4: "10.30.0.0/24" });
    const vm = new Played(new DomainHandler());
    played.push(vm);
    const args = (more: object) => ({
      ...{ connection: kvm1.socketUri(), name: "still", memory: "16MiB", state: "paused", accelerator: "tcg" },
      ...{ agent: false, consoleLog: false, nics: [{ network: "nat", mac: mac(6), ...more }] },
    });
    const isolated = async () => {
      const { stdout } = await kvm1.run(["bridge", "-json", "-details", "link", "show"]);
      return (JSON.parse(stdout) as { isolated?: boolean }[]).filter((port) => port.isolated).length;
    };
    await vm.up(args({}));
    assert.equal(await isolated(), 0);
    assert.deepEqual(await vm.up(args({ isolated: true })), ["nics: live"]);
    assert.equal(await isolated(), 1);
    assert.deepEqual(await vm.refresh(), []);
    assert.deepEqual(await vm.up(args({ isolated: false })), ["nics: live"]);
    assert.equal(await isolated(), 0);
    assert.deepEqual(await vm.refresh(), []);

    await container("c1", { mac: mac(1), network: "nat" });
    const host = { connection: kvm1.socketUri(), machine: kvm1.machine, stp: false, disruption: "reboot" };
    for (const isolatedPorts of [true, false]) {
      await made.up({ ...host, name: "nat", ipv4: "10.30.0.0/24", isolatedPorts });
      assert.equal(await isolated(), isolatedPorts ? 2 : 0, "the network's, on what runs too");
      assert.deepEqual(await vm.refresh(), [], "what is the network's is no drift of the guest");
      const told = await vm.up({ ...args({ isolated: false }), title: `isolated ${isolatedPorts}` });
      assert.deepEqual(told, ["title: live"]);
      assert.equal(await isolated(), isolatedPorts ? 2 : 0, "an update of the guest leaves it alone");
    }
  });

  it("is as slow as the port group's limit, whatever the machine could do", async function () {
    const rate = { average: "64KiB", burst: "16KiB" };
    const portGroups = [{ name: "slow", bandwidth: { inbound: rate, outbound: rate } }];
    await network({ name: "limited", mode: "isolated", ipv4: "10.37.0.0/24", portGroups });
    const nic = { mac: mac(1), network: "limited", portGroup: "slow" };
    const guest = await container("c1", nic).catch((error: Error) => {
      if (/qdisc kind is unknown/.test(error.message)) skip(this, "the kernel has no sch_sfq");
      throw error;
    });
    await guest.address("10.37.0.10/24");
    await guest.reach("10.37.0.1");
    const server = kvm1.spawn(guest.argv(["nc", "-l", "9000"]), { stdio: "ignore" });
    const send = 'until head -c 262144 /dev/zero | nc -N "$0" 9000; do sleep 0.02; done';
    const begun = performance.now();
    await kvm1.run(["sh", "-c", send, "10.37.0.10"]);
    assert.ok(performance.now() - begun > 3000, "256 KiB at 64 KiB a second take 3.75 s after the burst");
    server.kill("SIGKILL");
  });

  it("stays what it was over edits and restarts of the network", async () => {
    const args = { name: "nat", ipv4: "10.30.0.0/24", disruption: "reboot" };
    const made = await network(args);
    const guest = await container("c1", { mac: mac(1), network: "nat" });
    const address = await guest.dhcp();
    const host = { connection: kvm1.socketUri(), machine: kvm1.machine, stp: false };
    const [reason] = await made.preview({ ...args, ...host, mtu: 1400, disruption: undefined });
    assert.match(reason!, /mtu unset -> 1400 \(reboot: .*plugged in: c1 \(vnet\d+\); allowed while guests run: live\./);
    assert.deepEqual(await made.up({ ...args, ...host, mtu: 1400 }), ["mtu: reboot"]);
    await guest.reach("10.30.0.1");
    assert.equal(await guest.dhcp(), address, "the same lease");
    assert.deepEqual(await made.refresh(), []);
  });
});
