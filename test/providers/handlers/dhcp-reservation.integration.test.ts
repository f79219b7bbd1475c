import assert from "node:assert/strict";
import { DhcpReservationHandler } from "../../../providers/handlers/dhcp-reservation";
import { NetworkHandler } from "../../../providers/handlers/network";
import { VIR_NETWORK_XML_INACTIVE } from "../../../providers/libvirt/constants";
import { parseNetwork } from "../../../providers/libvirt/xml/network";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const mac = "52:54:00:00:00:14";
const owned = { ip: "10.213.8.10", mac: "52:54:00:00:00:0a" };

describe("DHCP reservations on libvirt", function () {
  this.timeout(120_000);
  let libvirt: OwnLibvirt;
  let network: Played;
  let lease: Played;
  let networkArgs: { [field: string]: unknown };
  let args: { [field: string]: unknown };

  before(async function () {
    libvirt = await OwnLibvirt.start(this);
    const named = { connection: libvirt.uri, name: "lan" };
    networkArgs = { ...named, mode: "isolated", ipv4: "10.213.8.0/24", ipv6: "fd00:213:8::/64", hosts: [owned] };
    args = { connection: libvirt.uri, network: "lan", mac, name: "db", ipv4: "10.213.8.20", ipv6: "fd00:213:8::20" };
  });

  after(() => libvirt?.stop());

  beforeEach(async () => {
    network = new Played(new NetworkHandler());
    lease = new Played(new DhcpReservationHandler());
    await network.up(networkArgs);
  });

  afterEach(async () => {
    await lease.destroy();
    await network.destroy();
  });

  async function hosts(flags: number): Promise<string[]> {
    const there = await libvirt.connection.networkLookupByName("lan");
    const { hosts: found = [] } = parseNetwork(await libvirt.connection.networkGetXMLDesc(there, flags));
    return found.map((host) => [host.ip, host.mac, host.name].filter(Boolean).join(" "));
  }
  const everywhere = async () => {
    const [live, config] = [await hosts(0), await hosts(VIR_NETWORK_XML_INACTIVE)];
    assert.deepEqual(live, config);
    return live;
  };
  const [ours, four, six] = [`10.213.8.10 ${owned.mac}`, `10.213.8.20 ${mac} db`, "fd00:213:8::20 db"];

  it("come, change, and go while the network runs, and its DHCP server knows", async () => {
    await lease.up(args);
    assert.deepEqual(await everywhere(), [ours, four, six]);
    assert.match(libvirt.run("cat", "/var/lib/libvirt/dnsmasq/lan.hostsfile"), /52:54:00:00:00:14,10\.213\.8\.20,db/);
    assert.deepEqual(await lease.refresh(), []);
    assert.deepEqual(await lease.up(args), []);
    assert.deepEqual(await lease.up({ ...args, ipv4: "10.213.8.21", ipv6: undefined }), ["ipv4: live", "ipv6: live"]);
    assert.deepEqual(await everywhere(), [ours, `10.213.8.21 ${mac} db`]);
    await lease.destroy();
    assert.deepEqual(await everywhere(), [ours]);
    await lease.destroy();
  });

  it("are no drift of the network, and outlive its edits and restarts", async () => {
    await lease.up(args);
    assert.deepEqual(await network.refresh(), []);
    const other = { ip: "10.213.8.11", mac: "52:54:00:00:00:0b" };
    assert.deepEqual(await network.up({ ...networkArgs, hosts: [other] }), ["hosts: live"]);
    assert.deepEqual(await everywhere(), [`10.213.8.11 ${other.mac}`, four, six]);
    assert.deepEqual(await network.up({ ...networkArgs, hosts: [owned], mtu: 1400 }), ["mtu: reboot", "hosts: live"]);
    assert.deepEqual(await everywhere(), [ours, four, six]);
    assert.deepEqual([await network.refresh(), await lease.refresh()], [[], []]);
    assert.deepEqual(await network.up({ ...networkArgs, hosts: undefined, mtu: 1400 }), ["hosts: live"]);
    assert.deepEqual(await everywhere(), [four, six]);
  });

  it("show when they are gone, in part or as a whole, and come back", async () => {
    await lease.up(args);
    await new Played(new DhcpReservationHandler()).up({ ...args, ipv6: undefined });
    const taken = new Played(new DhcpReservationHandler());
    await taken.up({ ...args, ipv4: undefined });
    await taken.destroy();
    assert.deepEqual(await lease.refresh(), ["ipv6"]);
    await lease.up(args);
    assert.deepEqual(await everywhere(), [ours, four, six]);
    const there = await libvirt.connection.networkLookupByName("lan");
    await libvirt.connection.networkDestroy(there);
    assert.deepEqual(await lease.refresh(), [], "a network that is off keeps them in its settings");
    await libvirt.connection.networkUndefine(there);
    assert.deepEqual(await lease.refresh(), ["gone"]);
  });

  it("are refused where they do not fit", async () => {
    const say = `DHCP reservation of ${mac} in network lan on ${libvirt.uri}: `;
    const refused = async (more: object) =>
      (await lease.preview({ ...args, ...more })).map((one) => one.replace(say, ""));
    assert.deepEqual(await refused({ ipv4: "10.213.9.20" }), [
      "ipv4: 10.213.9.20 is outside 10.213.8.0/24. Allowed: 10.213.8.1 to 10.213.8.254",
    ]);
    assert.deepEqual(await refused({ ipv6: "fd00:213:8::1" }), [
      "ipv6: fd00:213:8::1 is the bridge's own address. Fix: choose another of fd00:213:8::/64",
    ]);
    assert.deepEqual(await refused({ ipv4: owned.ip, ipv6: undefined }), [
      `ipv4: 10.213.8.10 is in the way of hosts of network lan (10.213.8.10 ${owned.mac}). Fix: give each guest one address, and each address to one guest`,
    ]);
    const [missing] = await lease.preview({ ...args, network: "lam" });
    assert.match(
      missing!,
      /network: there is no network "lam"; did you mean "lan"\? On the host: "lan"\. Fix: declare/,
    );
    const other = { ...args, mac: "52:54:00:00:00:15", name: "web" };
    await lease.up(args);
    const [clash] = await new Played(new DhcpReservationHandler()).preview({ ...other, ipv6: undefined });
    assert.match(
      clash!,
      /ipv4: 10\.213\.8\.20 is in the way of the reservation of 52:54:00:00:00:14 \(10\.213\.8\.20 /,
    );
  });
});
