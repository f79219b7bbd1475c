import assert from "node:assert/strict";
import { portForwardSchema } from "../../../providers/schema/port-forward";
import { complaints, parsed } from "./parse";

const web = { machine: { kind: "local" }, name: "web", to: ["192.168.150.10"] };

function ports(...given: object[]): unknown[] {
  return parsed(portForwardSchema, { ...web, ports: given }).ports;
}

function complaint(raw: object): string {
  const found = complaints(portForwardSchema, { ...web, ports: [{ host: 8080 }], ...raw });
  assert.equal(found.length, 1, found.join("\n"));
  return found[0]!;
}

const ofPort = (port: object) => complaint({ ports: [port] });

describe("port forward inputs", () => {
  it("say the same in one way", () => {
    assert.deepEqual(
      parsed(portForwardSchema, { ...web, to: ["FD00:150:0::10", "192.168.150.10"], ports: [{ host: "80" }] }),
      {
        ...web,
        to: ["192.168.150.10", "fd00:150::10"],
        ports: [{ host: 80, guest: 80, protocol: "tcp" }],
        active: true,
      },
    );
    assert.deepEqual(
      ports({ host: 443 }, { host: "80-80", guest: "8080" }, { host: "5000-5001", protocol: "udp" }).map((port) =>
        Object.values(port as object).join(" "),
      ),
      ["80 8080 tcp", "443 443 tcp", "5000-5001 5000-5001 udp"],
    );
  });

  it("name sources once, as subnets, and none that lies in another", () => {
    const sources = ["192.168.155.10", "2001:DB8::/32", "10.1.0.0/16", "10.0.0.0/8", "192.168.155.10/32"];
    assert.deepEqual(ports({ host: 80, sources }), [
      { host: 80, guest: 80, protocol: "tcp", sources: ["10.0.0.0/8", "192.168.155.10/32", "2001:db8::/32"] },
    ]);
  });

  it("refuse what is no port, and ranges that do not fit", () => {
    for (const [host, text] of [
      [0, "0"],
      [65536, "65536"],
      [80.5, "80.5"],
      ["http", '"http"'],
      ["80,443", '"80,443"'],
    ])
      assert.equal(
        ofPort({ host }),
        `ports.0.host: ${text} is not a port. Allowed: 1 to 65535, or a range as in "8000-8010"`,
      );
    assert.equal(
      ofPort({ host: "8010-8000" }),
      'ports.0.host: "8010-8000" ends before it begins. Allowed: a range as in "8000-8010"',
    );
    assert.equal(
      ofPort({ host: "8000-8010", guest: "9000-9005" }),
      'ports.0.guest: "9000-9005" is 6 ports, host "8000-8010" is 11 ports. Allowed: as many on both sides',
    );
    assert.equal(
      ofPort({ host: "8000-8010", guest: 80 }),
      'ports.0.guest: 80 is 1 port, host "8000-8010" is 11 ports. Allowed: as many on both sides',
    );
    assert.equal(
      ofPort({ host: "10000-12000", guest: "20000-22000" }),
      'ports.0.guest: "20000-22000" for host "10000-12000" gives 2001 ports other numbers. Allowed: at most 1000, or the same numbers on both sides',
    );
    assert.equal(ports({ host: "10000-60000" }).length, 1);
  });

  it("refuse addresses that nobody can be reached at", () => {
    assert.equal(
      ofPort({ host: 80, address: "127.0.0.1" }),
      "ports.0.address: \"127.0.0.1\" is the host's own loopback: forwarding from there would let guests reach what listens on it (net.ipv4.conf.*.route_localnet). Allowed: an address of the host's interfaces; the host reaches its guests there, too",
    );
    assert.equal(
      ofPort({ host: 80, address: "::" }),
      'ports.0.address: "::" stands for every address. Fix: leave address out',
    );
    assert.equal(
      complaint({ to: ["fe80::1"] }),
      'to.0: "fe80::1" is no address of a guest. Allowed: e.g. "192.168.122.10" or "fd00:122::10"',
    );
    assert.equal(
      complaint({ to: [] }),
      "to: the guest has no address that libvirt knows. Fix: ready: { addresses: true } on the guest lets it wait for one; a fixed lease (hosts of its network) keeps it the same",
    );
    assert.equal(
      complaint({ to: ["192.168.150.10", "192.168.150.11"] }),
      'to: got ["192.168.150.10","192.168.150.11"]. Allowed: one address, or one IPv4 and one IPv6 address of a guest',
    );
  });

  it("refuse sources that are none, and families that do not meet", () => {
    assert.equal(
      ofPort({ host: 80, sources: ["office"] }),
      'ports.0.sources.0: "office" is not a source. Allowed: an address or CIDR notation, e.g. "192.168.155.0/24" or "2001:db8::/32"',
    );
    assert.equal(
      ofPort({ host: 80, sources: ["192.168.155.10/24"] }),
      'ports.0.sources.0: "192.168.155.10/24" has host bits set: the subnet is "192.168.155.0/24"',
    );
    assert.equal(
      ofPort({ host: 80, sources: [] }),
      "ports.0.sources: is empty: nobody could connect. Fix: leave it out for everybody, or name who may",
    );
    assert.equal(
      ofPort({ host: 80, address: "192.168.155.32", sources: ["2001:db8::/32"] }),
      "ports.0.sources: has none of the family of address 192.168.155.32: nobody could connect",
    );
    assert.equal(
      ofPort({ host: 80, address: "fd00:155::32" }),
      "ports.0: [fd00:155::32]:80/tcp leads nowhere: the guest is 192.168.150.10, and address is fd00:155::32. Fix: use one family on both sides",
    );
    assert.equal(
      ofPort({ host: 80, sources: ["2001:db8::/32"] }),
      "ports.0: 80/tcp leads nowhere: the guest is 192.168.150.10, and sources are 2001:db8::/32. Fix: use one family on both sides",
    );
  });

  it("refuse one place twice, and an empty list", () => {
    assert.equal(
      complaint({ ports: [{ host: "8000-8010" }, { host: 8005, address: "192.168.155.32" }] }),
      "ports: 8000-8010/tcp and 192.168.155.32:8005/tcp are the same place. Fix: leave one out",
    );
    const apart = [
      { host: 53 },
      { host: 53, protocol: "udp" },
      { host: 80, address: "192.168.155.32" },
      { host: 80, address: "192.168.155.33" },
      { host: 443, interface: "br0" },
      { host: 443, interface: "br1" },
    ];
    assert.equal(ports(...apart).length, apart.length);
    assert.equal(
      complaint({ ports: [] }),
      "ports: is empty. Allowed: at least one port, e.g. [{ host: 8080, guest: 80 }]",
    );
  });

  it("refuse interface names that are more than a name in the host's rules", () => {
    for (const name of ['eth0" accept', "eth*", "a/b", "much-too-long-name"])
      assert.equal(
        ofPort({ host: 80, interface: name }),
        `ports.0.interface: ${JSON.stringify(name)} is not an interface name. Allowed: 1 to 15 letters, digits, "_", ".", "@" and "-"`,
      );
  });

  it("name what is misspelt", () => {
    assert.match(ofPort({ host: 80, guset: 8080 }), /^ports\.0\.guset: unknown field "guset"; did you mean "guest"\?/);
  });
});
