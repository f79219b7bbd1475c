import assert from "node:assert/strict";
import { NetworkHandler } from "../../../providers/handlers/network";
import { PortForwardHandler } from "../../../providers/handlers/port-forward";
import type { Machine, MachineSpec } from "../../../providers/machine/machine";
import { open } from "../../../providers/machine/open-machine";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/lab-host";
import { NamespaceGuest } from "../../lab/namespace-guest";
import { skip } from "../../skip";
import { Played } from "./played";

/** Looks at the host anew at every step, over one connection. */
const handler = () => new PortForwardHandler((spec: MachineSpec) => Object.create(open(spec)) as Machine);

describe("port forwards of a host", function () {
  this.timeout(60_000);
  let lab: Lab;
  let host: LabHost;
  let guest: NamespaceGuest;
  let neighbour: NamespaceGuest;
  let network: Played;
  let backend: Played;
  let args: { [field: string]: unknown };
  let played: Played;
  let untouched: string;

  const owner = (name: string, stack = "lab") => `shop/${stack}/${name} of here:/shop`;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    lab = await Lab.up({ name: "test-forward" });
    host = lab.host("kvm1");
    const connection = host.socketUri();
    network = new Played(new NetworkHandler());
    await network.up({ connection, name: "lab", ipv4: "192.168.150.0/24", ipv6: "fd00:150::/64" });
    backend = new Played(new NetworkHandler());
    await backend.up({
      connection,
      name: "backend",
      mode: "isolated",
      ipv4: "192.168.151.0/24",
      ipv6: "fd00:151::/64",
    });
    await plugIn();
    untouched = await everything();
    args = {
      machine: host.machine,
      connection,
      name: "web",
      owner: owner("web"),
      to: ["192.168.150.10", "fd00:150::10"],
      ports: [{ host: 8080, guest: 80 }],
    };
  });

  after(() => lab?.down());

  beforeEach(() => (played = new Played(handler())));
  afterEach(() => played.destroy());

  async function plugIn(): Promise<void> {
    const at = (last: number) => [`192.168.150.${last}/24`, `fd00:150::${last}/64`];
    const gateways = ["192.168.150.1", "fd00:150::1"];
    const bridge = network.state["bridge"];
    guest = await NamespaceGuest.plugIn(host, { name: "web", bridge, addresses: at(10), gateways });
    neighbour = await NamespaceGuest.plugIn(host, { name: "neighbour", bridge, addresses: at(11), gateways });
  }

  /** All of the host's rules, without counters and libvirt's changing order, and everything that we might have left. */
  async function everything(): Promise<string> {
    const script = `nft -s list ruleset | sed 's/counter packets [0-9]* bytes [0-9]* //' | sort
      find /etc/pulumi-kvm /etc/libvirt/hooks /run/pulumi-kvm -type f 2>/dev/null || :`;
    return (await host.run(["sh", "-c", script])).stdout;
  }

  async function restartLibvirt(): Promise<void> {
    const script = `pid=$(cat /run/libvirtd.pid)
      kill $pid; while [ -e /proc/$pid ]; do sleep 0.05; done
      libvirtd --daemon; until virsh --quiet net-list >/dev/null 2>&1; do sleep 0.05; done`;
    await host.run(["sh", "-c", script]);
  }

  const url = (port = 8080) => [`http://${host.ipv4}:${port}/`, `http://[${host.ipv6}]:${port}/`] as const;

  async function assertOpen(): Promise<void> {
    for (const [at, address] of url().entries()) {
      assert.equal(await lab.wan.get(address), lab.wan.addresses[at], `from the WAN, ${address}`);
      assert.equal(await lab.station.get(address), lab.station.addresses[at], `from the LAN, ${address}`);
      assert.equal(await host.get(address), host.addresses[at], `from the host, ${address}`);
    }
  }

  async function assertClosed(from: { get: LabHost["get"] } = lab.wan, port = 8080): Promise<void> {
    for (const address of url(port)) await assert.rejects(from.get(address, { timeout: 2 }), /curl/, address);
  }

  it("are closed until a guest is published, then open by IPv4 and IPv6, and closed again", async () => {
    await assertClosed();
    await played.up(args);
    await assertOpen();
    for (const direct of ["http://192.168.150.10/", "http://[fd00:150::10]/"]) {
      const by = direct.includes(":150") ? ["-6", "fd00:150::/64", host.ipv6] : ["-4", "192.168.150.0/24", host.ipv4];
      await lab.station.run(["ip", by[0]!, "route", "replace", by[1]!, "via", by[2]!]);
      await assert.rejects(lab.station.get(direct, { timeout: 2 }), /curl/, "not past the published port");
    }
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args), []);
    await played.destroy();
    await assertClosed();
    assert.equal(await everything(), untouched);
  });

  it("serve guests of the same network, whose answers come back by the host, and of others, but none that is isolated", async () => {
    await played.up(args);
    for (const [at, address] of url().entries())
      assert.equal(await neighbour.get(address), ["192.168.150.1", "fd00:150::1"][at]);
    const bridge = backend.state["bridge"];
    const addresses = ["192.168.151.10/24", "fd00:151::10/64"];
    const gateways = ["192.168.151.1", "fd00:151::1"];
    const inside = await NamespaceGuest.plugIn(host, { name: "inside", bridge, addresses, gateways });
    await assertClosed(inside);
    await inside.remove();
  });

  it("outlive restarts of the network, of libvirtd and of the host", async () => {
    await played.up(args);
    const virsh = (...argv: string[]) => host.run(["virsh", "--quiet", ...argv]);
    await virsh("net-destroy", "lab");
    await virsh("net-start", "lab");
    for (const one of [guest, neighbour]) await one.plugInAgain(network.state["bridge"]);
    await assertOpen();

    await restartLibvirt();
    await assertOpen();
    assert.deepEqual(await played.refresh(), []);

    await host.reboot();
    // libvirtd listens before its networks are up.
    await host.run(["sh", "-c", "until virsh net-info lab | grep -q '^Active: *yes'; do sleep 0.05; done"]);
    await plugIn();
    await assertOpen();
    assert.deepEqual(await played.refresh(), []);
  });

  it("are found flushed, changed and out of order, and repaired", async () => {
    await played.up(args);
    const harmed = async (harm: string) => {
      await host.run(["sh", "-c", harm]);
      assert.deepEqual(await played.refresh(), ["active"], harm);
      assert.deepEqual(await played.up(args), ["active: live"], harm);
      assert.deepEqual(await played.refresh(), [], harm);
    };
    for (const harm of [
      "nft delete table inet pulumi_kvm",
      "nft flush chain inet pulumi_kvm published",
      "nft flush chain inet pulumi_kvm prerouting",
      "iptables -D FORWARD 2",
      "ip6tables -D FORWARD 1 && ip6tables -D FORWARD 1",
      "rm /etc/libvirt/hooks/network.d/*",
      "sed -i s/8080/8081/ /etc/pulumi-kvm/port-forwards/web-*.nft",
      "nft flush ruleset",
    ])
      await harmed(harm);
    await assertOpen();
    // An administrator's own rule may come first.
    await host.run(["iptables", "-I", "FORWARD", "-p", "icmp", "-j", "ACCEPT"]);
    assert.deepEqual(await played.refresh(), []);
    // libvirt puts its own rules back when it starts, before ours.
    await host.run(["nft", "flush", "ruleset"]);
    await restartLibvirt();
    await harmed("true");
    await assertOpen();

    await host.run(["sh", "-c", "rm /etc/pulumi-kvm/port-forwards/web-*.nft"]);
    assert.deepEqual(await played.refresh(), ["gone"]);
    await played.up(args);
    await assertOpen();
  });

  it("follow the guest's address, and let in only whom they shall", async () => {
    await played.up(args);
    const elsewhere = { ...args, to: ["192.168.150.11"] };
    assert.deepEqual(await played.up(elsewhere), ["to: live"]);
    await host.run(["ip", "netns", "exec", "web", "ip", "link", "set", "eth0", "down"]);
    assert.equal(await lab.wan.get(url()[0]), lab.wan.ipv4);
    await assert.rejects(lab.wan.get(url()[1], { timeout: 2 }), /curl/, "the new guest has no IPv6 address");
    await guest.remove();
    await neighbour.remove();
    await plugIn();

    const station = {
      ...args,
      ports: [{ host: 8080, guest: 80, sources: [lab.station.ipv4, `${lab.station.ipv6}/128`] }],
    };
    assert.deepEqual(await played.up(station), ["to: live", "ports: live"]);
    for (const address of url()) await lab.station.get(address);
    await assertClosed();
    await played.up({ ...args, ports: [{ host: 8080, guest: 80, address: host.ipv4 }] });
    await lab.wan.get(url()[0]);
    await assert.rejects(lab.wan.get(url()[1], { timeout: 2 }), /curl/);
    await played.up({ ...args, ports: [{ host: 8080, guest: 80, interface: "eth1" }] });
    await assertClosed(lab.station);
    await played.up({ ...args, active: false });
    await assertClosed();
    assert.deepEqual(await played.refresh(), []);
    assert.equal(await everything(), untouched);
    assert.deepEqual(await played.up(args), ["active: live"]);
    await assertOpen();
  });

  it("lead ranges port by port, and datagrams", async () => {
    const echo = `use IO::Socket::IP; my $s = IO::Socket::IP->new(Proto => "udp", LocalHost => "::", LocalPort => 53, V6Only => 0);
      while ($s->recv(my $data, 100)) { $s->send("heard $data") }`;
    const server = host.spawn(["ip", "netns", "exec", "web", "perl", "-e", echo], { stdio: "ignore" });
    await guest.run(["sh", "-c", "until ss -Hlun 'sport = 53' | grep -q .; do sleep 0.02; done"]);
    await played.up({
      ...args,
      ports: [
        { host: "8070-8079", guest: "75-84" },
        { host: 5353, guest: 53, protocol: "udp" },
      ],
    });
    for (const address of url(8075)) await lab.wan.get(address);
    await assertClosed(lab.wan, 8074);
    for (const address of host.addresses) {
      const ask = ["nc", "-u", "-w", "1", address, "5353"];
      assert.equal((await lab.wan.run(ask, { stdin: "you", accept: "any" })).stdout, "heard you");
    }
    server.kill("SIGKILL");
  });

  it("of two stacks share a host, and refuse each other's ports and those of the host's programs", async () => {
    await played.up(args);
    const other = new Played(handler());
    const theirs = { ...args, owner: owner("web", "test"), ports: [{ host: 8080 }, { host: "20-30" }] };
    assert.deepEqual(await other.preview(theirs), [
      `port forward web on ssh root@kvm1: ports: 20-30/tcp: sshd (pid ${await sshd()}) listens on 0.0.0.0:22/tcp of the host, and would not be reached any more. Fix: publish another port, or at an address where it does not listen`,
      `port forward web on ssh root@kvm1: ports: 8080/tcp is published by port forward web of ${args["owner"] as string}. Fix: publish another port, or remove that one first`,
    ]);
    await other.up({ ...theirs, ports: [{ host: 8081, guest: 80 }] });
    for (const address of [...url(8080), ...url(8081)]) await lab.wan.get(address);
    await played.destroy();
    await assertClosed();
    for (const address of url(8081)) await lab.wan.get(address);
    assert.deepEqual(await other.refresh(), []);
    await other.destroy();
    assert.equal(await everything(), untouched);
  });

  async function sshd(): Promise<string> {
    return (
      await host.run(["sh", "-c", "ss -Hltnp 'sport = 22' | sed -n '1s/.*pid=\\([0-9]*\\).*/\\1/p'"])
    ).stdout.trim();
  }

  it("are refused where no guest can be reached, by name", async () => {
    const at = (to: string) => played.preview({ ...args, to: [to] });
    const prefix = "port forward web on ssh root@kvm1: to: ";
    assert.deepEqual(await at("192.168.151.10"), [
      `${prefix}192.168.151.10 is on network backend, which is isolated: what its guests send stays there. Allowed: guests on networks with mode "nat", "route" or "open"`,
    ]);
    assert.deepEqual(await at(lab.station.ipv4), [
      `${prefix}192.168.155.10 is in the host's LAN (eth0): the guest answers past the host, and can be reached there as it is. Allowed: guests on networks of the host's own`,
    ]);
    assert.deepEqual(await at("10.99.8.7"), [
      `${prefix}10.99.8.7 is on none of the host's running networks. There: 192.168.150.1/24 (virbr1), 192.168.151.1/24 (virbr2). Fix: start its network first (dependsOn), or correct the address`,
    ]);
  });

  it("stand before the tables of libvirt's nftables backend, as libvirt 11.3 makes them", async () => {
    await played.up(args);
    const [bridge, isolated] = [network.state["bridge"], backend.state["bridge"]] as [string, string];
    const tables = libvirtTables(bridge, isolated, "192.168.150.0/24", "fd00:150::/64");
    await host.run(["nft", "-f", "-"], { stdin: tables });
    await assertClosed();
    assert.deepEqual(await played.refresh(), ["active"]);
    await played.up(args);
    await assertOpen();
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
    const left = (await host.run(["nft", "list", "chain", "ip", "libvirt_network", "forward"])).stdout;
    assert.deepEqual(left.match(/(jump \w+|accept|pulumi.*)$/gm), [
      "jump guest_cross",
      "jump guest_input",
      "jump guest_output",
    ]);
    for (const family of ["ip", "ip6"]) await host.run(["nft", "delete", "table", family, "libvirt_network"]);
    assert.equal(await everything(), untouched);
  });

  it("leave the host as it was when their rules cannot be made", async () => {
    await host.run(["sh", "-c", "mv /usr/sbin/iptables-restore /usr/sbin/iptables-restore.away"]);
    await assert.rejects(played.up(args), /cannot create: .*iptables-restore: not found/s);
    await host.run(["sh", "-c", "mv /usr/sbin/iptables-restore.away /usr/sbin/iptables-restore"]);
    assert.equal(await everything(), untouched);
    await played.up(args);
    await assertOpen();
  });
});

/** What libvirt's nftables backend writes for a NAT network and an isolated one. */
function libvirtTables(nat: string, isolated: string, ...subnets: [string, string]): string {
  return (["ip", "ip6"] as const)
    .map(
      (family, at) => `
        table ${family} libvirt_network {
          chain guest_output {
            iif "${isolated}" counter reject
            ${family} saddr ${subnets[at]} iif "${nat}" counter accept
            iif "${nat}" counter reject
          }
          chain guest_input {
            oif "${isolated}" counter reject
            oif "${nat}" ${family} daddr ${subnets[at]} ct state established,related counter accept
            oif "${nat}" counter reject
          }
          chain guest_cross {
            iif "${isolated}" oif "${isolated}" counter accept
            iif "${nat}" oif "${nat}" counter accept
          }
          chain forward {
            type filter hook forward priority filter; policy accept;
            counter jump guest_cross
            counter jump guest_input
            counter jump guest_output
          }
        }`,
    )
    .join("\n");
}
