import assert from "node:assert/strict";
import { declare } from "../../../providers/dynamic/declared";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { unknownValue } from "../../../providers/dynamic/unknown";
import { NetworkHandler } from "../../../providers/handlers/network";
import type { NetworkModel } from "../../../providers/libvirt/xml/network";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import type { FakeForwardHost } from "../host-network/port-forward/fake-forward-host";
import { FakeContext } from "./fake-context";
import { ForwardingProgram } from "./forwarding-program";

describe("a preview of port forwards", () => {
  let program: ForwardingProgram;
  let host: FakeForwardHost;
  let args: ForwardingProgram["args"];

  beforeEach(() => {
    program = new ForwardingProgram();
    ({ host, args } = program);
  });

  const says = (field: string, text: string) => [`port forward web on this machine: ${field}: ${text}`];

  it("asks nothing while something is not known", async () => {
    assert.deepEqual(await program.refusals({ to: unknownValue }), []);
    assert.equal(host.looks, 0);
  });

  it("refuses hosts that cannot", async () => {
    const problem = (section: string, text: string | undefined) => {
      host.sections[section] = text;
      return program.refusals({});
    };
    assert.deepEqual(
      await problem("firewalld", "nftables\nStrictForwardPorts=yes\n"),
      says(
        "machine",
        "firewalld rejects every port forward that is not its own. Fix: StrictForwardPorts=no in /etc/firewalld/firewalld.conf, and firewall-cmd --reload",
      ),
    );
    host.sections["firewalld"] = undefined;
    assert.deepEqual(
      await problem("knobs", "/proc/sys/net/ipv4/ip_forward:0\n/proc/sys/net/ipv6/conf/all/forwarding:1\n"),
      says(
        "machine",
        "net.ipv4.ip_forward is 0: this machine forwards nothing to 192.168.150.10. Fix: sysctl -w net.ipv4.ip_forward=1",
      ),
    );
    assert.deepEqual(
      await problem("libvirt", "libvirtd (libvirt) 6.0.0\n"),
      says(
        "machine",
        "libvirt 6.0.0 cannot restore port forwards when the host boots: it runs no scripts of /etc/libvirt/hooks/network.d. Allowed: libvirt 6.5 or later",
      ),
    );
    assert.deepEqual(
      await problem("programs", "nft\n"),
      says("machine", "flock is not installed on this machine. Fix: install util-linux there"),
    );
    assert.deepEqual(
      await problem("programs", ""),
      says(
        "machine",
        "nft is not installed on this machine, and port forwards are rules of nftables. Fix: apt-get install nftables (dnf, zypper: nftables, too)",
      ),
    );
    assert.deepEqual(
      await problem("user", "1000\n"),
      says("machine", "only root sets up port forwards. Fix: reach this machine as root, or with sudo: true"),
    );
  });

  it("refuses guests that nothing can be forwarded to", async () => {
    assert.deepEqual(
      await program.refusals({ to: ["192.168.151.10"] }),
      says(
        "to",
        '192.168.151.10 is on network backend, which is isolated: what its guests send stays there. Allowed: guests on networks with mode "nat", "route" or "open"',
      ),
    );
    assert.deepEqual(
      await program.refusals({ to: ["192.168.155.40"] }),
      says(
        "to",
        "192.168.155.40 is in the host's LAN (eth0): the guest answers past the host, and can be reached there as it is. Allowed: guests on networks of the host's own",
      ),
    );
    assert.deepEqual(
      await program.refusals({ to: ["192.168.150.1"] }),
      says("to", "192.168.150.1 is the host's own (virbr1). Allowed: an address of a guest"),
    );
    const nowhere =
      "10.9.8.7 is on none of the host's running networks. There: 192.168.150.1/24 (virbr1). Fix: start its network first (dependsOn), or correct the address";
    assert.deepEqual(await program.refusals({ to: ["10.9.8.7"] }), says("to", nowhere));
    declare("Network", { connection: "qemu+ssh://other/system", name: "elsewhere", ipv4: "10.9.8.0/24" });
    assert.deepEqual(
      await program.refusals({ to: ["10.9.8.7"] }),
      says("to", nowhere),
      "the network is another host's",
    );
    await dispatch(new NetworkHandler(async () => Promise.reject(new Error("not asked")))).check(
      {},
      { name: "later", ipv4: "10.9.8.0/24", connection: unknownValue },
    );
    assert.deepEqual(await program.refusals({ to: ["10.9.8.7"] }), [], "the program makes its network");
    await assert.rejects(
      program.anew().up({ ...args, to: ["10.9.8.7"] }),
      new RegExp(`cannot create: ${escaped(nowhere)}`),
    );
  });

  function escaped(text: string): string {
    return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  }

  it("refuses addresses and interfaces that the host has not", async () => {
    assert.deepEqual(
      await program.refusals({ ports: [{ host: 80, address: "192.168.155.99" }] }),
      says(
        "ports",
        "192.168.155.99 is no address of the host. There: 192.168.155.32 (eth0), fd00:155::32 (eth0), 192.168.150.1 (virbr1), fd00:150::1 (virbr1). Fix: use one of them, or leave address out for all",
      ),
    );
    assert.deepEqual(
      await program.refusals({ ports: [{ host: 80, interface: "br1" }] }),
      says("ports", 'the host has no interface "br1". There: eth0, virbr1. Fix: correct the name'),
    );
  });

  it("refuses ports that a program of the host listens on", async () => {
    host.sections["sockets"] = [
      'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=141,fd=3))',
      "tcp LISTEN 0 32 192.168.150.1:53 0.0.0.0:*",
      'tcp LISTEN 0 511 [::]:443 [::]:* users:(("nginx",pid=7,fd=6),("nginx",pid=8,fd=6))',
      "tcp LISTEN 0 511 127.0.0.1:5432 0.0.0.0:*",
      "udp UNCONN 0 0 0.0.0.0%virbr1:67 0.0.0.0:*",
      "",
    ].join("\n");
    const taken = (port: object) => program.refusals({ ports: [port] });
    const fix =
      "of the host, and would not be reached any more. Fix: publish another port, or at an address where it does not listen";
    assert.deepEqual(
      await taken({ host: "20-30" }),
      says("ports", `20-30/tcp: sshd (pid 141) listens on 0.0.0.0:22/tcp ${fix}`),
    );
    assert.deepEqual(
      await taken({ host: 53 }),
      says("ports", `53/tcp: a program listens on 192.168.150.1:53/tcp ${fix}`),
    );
    assert.deepEqual(
      await taken({ host: 443, address: "192.168.155.32" }),
      says("ports", `192.168.155.32:443/tcp: nginx (pid 7) listens on [::]:443/tcp ${fix}`),
    );
    assert.deepEqual(
      await taken({ host: 67, protocol: "udp" }),
      says("ports", `67/udp: a program listens on 0.0.0.0:67/udp ${fix}`),
    );
    for (const free of [
      { host: 53, address: "192.168.155.32" },
      { host: 53, protocol: "udp" },
      { host: 5432 },
      { host: 22, address: "fd00:155::32" },
      { host: 67, protocol: "udp", interface: "eth0" },
    ])
      assert.deepEqual(await taken(free), [], JSON.stringify(free));
  });

  it("does not refuse what is published already", async () => {
    const played = program.resource();
    await played.up(args);
    host.sections["sockets"] = "tcp LISTEN 0 128 *:8080 *:*\n";
    const next = program.anew(played);
    assert.deepEqual(await next.up({ ...args, ports: [{ host: 8080, guest: 80 }, { host: 8081 }] }), ["ports: live"]);
  });

  it("asks nothing of a host that is away", async () => {
    host.away = new UnreachableError("this machine", "no route to host");
    assert.deepEqual(await program.refusals({}), []);
  });

  it("warns of an address that DHCP lends", async () => {
    const range = { start: "192.168.150.2", end: "192.168.150.254" };
    const context = new FakeContext();
    const inputs = { ...args, to: ["192.168.150.10"], active: true } as never;
    const ask = async (more: Partial<NetworkModel>) => {
      program.networks = [{ ...program.networks[0]!, ...more }];
      context.said.length = 0;
      assert.deepEqual(await program.handler.problems(inputs, undefined, [], context), []);
      return [...context.said];
    };
    assert.deepEqual(await ask({ dhcp: true, dhcpRange: range }), [
      "warning: 192.168.150.10 is lent by network lab and may change; the forward then follows at the next refresh and up. Fix: reserve it (hosts of the network)",
    ]);
    assert.deepEqual(await ask({ dhcpRange: range, hosts: [{ ip: "192.168.150.10", name: "web" }] }), []);
    assert.deepEqual(await ask({ hosts: undefined, dhcpRange: { ...range, start: "192.168.150.100" } }), []);
  });

  it("warns where a reload of firewalld would close it", async () => {
    host.sections["firewalld"] = "iptables\n";
    const context = new FakeContext();
    assert.deepEqual(await program.handler.problems({ ...args, to: [] } as never, undefined, [], context), []);
    assert.deepEqual(context.said, []);
    assert.deepEqual(await program.handler.problems({ ...args, active: true } as never, undefined, [], context), []);
    assert.deepEqual(context.said, [
      "warning: a reload of firewalld, which uses iptables here, closes the forward until the next refresh and up. Fix: FirewallBackend=nftables in firewalld.conf",
    ]);
  });
});
