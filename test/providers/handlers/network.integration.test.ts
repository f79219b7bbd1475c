import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { NetworkHandler } from "../../../providers/handlers/network";
import type { Connection } from "../../../providers/libvirt/connection";
import { VIR_NETWORK_XML_INACTIVE } from "../../../providers/libvirt/constants";
import type { Domain, Network } from "../../../providers/libvirt/handles";
import { isMissing } from "../../../providers/libvirt/errors";
import { networkXML, parseNetwork } from "../../../providers/libvirt/xml/network";
import { skip } from "../../skip";
import { pausedGuest } from "./local-libvirt";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const name = "net";

/** One question to one DNS server: this runs where the network is. */
const asking = `
  const [server, method, question] = process.argv.slice(1);
  const resolver = new (require("node:dns").promises.Resolver)({ timeout: 1000, tries: 5 });
  resolver.setServers([server]);
  resolver[method](question).then((answer) => console.log(JSON.stringify(answer)));
`;

describe("networks on libvirt", function () {
  this.timeout(120_000);
  let libvirt: OwnLibvirt;
  let connection: Connection;
  let args: { [field: string]: unknown };
  let played: Played;
  let guest: Domain | undefined;

  before(async function () {
    libvirt = await OwnLibvirt.start(this);
    connection = libvirt.connection;
    args = { connection: libvirt.uri, name, ipv4: "10.213.1.0/24", ipv6: "fd00:213:1::/64", domain: "kvm.test" };
  });

  after(() => libvirt?.stop());

  beforeEach(() => {
    played = new Played(new NetworkHandler());
  });

  afterEach(async () => {
    if (guest) await connection.domainDestroyFlags(guest).catch(ignoreMissing);
    guest = undefined;
    const network = await connection?.networkLookupByName(name).catch(ignoreMissing);
    if (!network) return;
    if (await connection.networkIsActive(network)) await connection.networkDestroy(network);
    await connection.networkUndefine(network).catch(ignoreMissing);
  });

  function ignoreMissing(error: unknown): undefined {
    if (!isMissing(error)) throw error;
    return undefined;
  }

  const lookup = (): Promise<Network> => connection.networkLookupByName(name);
  const interfaces = (...filter: string[]): { ifname: string; mtu: number }[] =>
    JSON.parse(libvirt.run("ip", "-json", "link", "show", ...filter));
  const ports = (bridge: string) => interfaces("master", bridge).map(({ ifname }) => ifname);
  const exists = (bridge: string) => interfaces().some(({ ifname }) => ifname === bridge);
  const ask = (method: string, question: string): unknown =>
    JSON.parse(libvirt.run(process.execPath, "-e", asking, "10.213.1.1", method, question));

  async function plugGuest(): Promise<void> {
    guest = await pausedGuest(
      connection,
      "guest",
      `<interface type="network"><source network="${name}"/><model type="virtio"/></interface>`,
    );
  }

  it("come up whole, show no change, and leave nothing", async () => {
    await played.up(args);
    const { bridge, uuid } = played.state;
    assert.equal((await lookup()).uuid, uuid);
    assert.ok(exists(bridge));
    assert.equal(await connection.networkGetAutostart(await lookup()), true);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args), []);
    await played.destroy();
    await assert.rejects(lookup, isMissing);
    assert.ok(!exists(bridge));
    await new Played(new NetworkHandler()).destroy();
  });

  it("show no change where the program says no", async () => {
    await played.up({ ...args, natIpv6: false, dhcp6: false, hosts: [], dnsTxt: [], dnsForwarders: [] });
    assert.deepEqual(await played.refresh(), []);
  });

  it("begin without spanning tree, and have it where and while the program says so", async () => {
    const spanning = async () => parseNetwork(await connection.networkGetXMLDesc(await lookup())).stp;
    await played.up(args);
    assert.equal(await spanning(), false);
    await played.up({ ...args, stp: true });
    assert.equal(await spanning(), true);
    await played.up(args);
    assert.equal(await spanning(), false);
    assert.deepEqual(await played.refresh(), []);
  });

  it("come up several at a time, each on a bridge of its own", async () => {
    const many = Array.from({ length: 8 }, (_, at) => ({ name: `many-${at}`, ipv4: `10.213.${100 + at}.0/24` }));
    const handler = new NetworkHandler();
    const made = many.map((one) => ({ one, played: new Played(handler) }));
    await Promise.all(made.map(({ one, played }) => played.up({ connection: libvirt.uri, ...one })));
    assert.equal(new Set(made.map(({ played }) => played.state["bridge"])).size, many.length);
    await Promise.all(made.map(({ played }) => played.destroy()));
  });

  it("change leases, ranges and names while a guest runs, and the names are really answered", async () => {
    await played.up(args);
    await plugGuest();
    const { uuid, bridge } = played.state;
    const before = ports(bridge);
    const more = {
      ...args,
      hosts: [
        { ip: "10.213.1.10", mac: "52:54:00:00:00:0a", name: "web-1" },
        { ip: "fd00:213:1::10", name: "web-1" },
      ],
      dhcpRange: { start: "10.213.1.100", leaseTime: "12h" },
      dnsHosts: [{ ip: "10.213.1.1", hostnames: ["gateway"] }],
      dnsTxt: [{ name: "motto", value: "it works" }],
      dnsSrv: [{ service: "ldap", protocol: "tcp", domain: "kvm.test", target: "web-1.kvm.test", port: 389 }],
    };
    assert.deepEqual(await played.up(more), [
      "dhcpRange: live",
      "hosts: live",
      "dnsHosts: live",
      "dnsTxt: live",
      "dnsSrv: live",
    ]);
    assert.equal((await lookup()).uuid, uuid);
    assert.deepEqual(ports(bridge), before, "the guest kept its link");
    assert.deepEqual(await played.refresh(), []);

    assert.deepEqual(ask("resolve4", "gateway.kvm.test"), ["10.213.1.1"]);
    assert.deepEqual(ask("resolveTxt", "motto"), [["it works"]]);
    assert.deepEqual(ask("resolveSrv", "_ldap._tcp.kvm.test"), [
      { name: "web-1.kvm.test", port: 389, priority: 0, weight: 0 },
    ]);
    const leases = libvirt.run("cat", `/var/lib/libvirt/dnsmasq/${name}.hostsfile`);
    assert.match(leases, /52:54:00:00:00:0a,10\.213\.1\.10,web-1/);

    const changed = [{ ip: "10.213.1.10", mac: "52:54:00:00:00:0b", name: "web-1" }];
    await played.up({ ...more, hosts: changed, dnsTxt: [{ name: "motto", value: "still" }] });
    assert.deepEqual(ask("resolveTxt", "motto"), [["still"]]);
    assert.deepEqual(await played.refresh(), []);
    await played.up(args);
    assert.deepEqual(ports(bridge), before);
    const model = parseNetwork(await connection.networkGetXMLDesc(await lookup()));
    assert.deepEqual(
      [model.hosts, model.dnsHosts, model.dnsTxt, model.dnsSrv],
      [undefined, undefined, undefined, undefined],
    );
  });

  it("switch DHCP off and on while they run", async () => {
    await played.up(args);
    assert.deepEqual(await played.up({ ...args, dhcp: false, dhcp6: false }), [
      "dhcp: live",
      "dhcpRange: live",
      "dhcp6: live",
      "dhcp6Range: live",
    ]);
    assert.deepEqual(await played.refresh(), []);
    await played.up(args);
    assert.deepEqual(await played.refresh(), []);
  });

  it("restart only when the program allows it, and plug the guests in again", async () => {
    await played.up(args);
    await plugGuest();
    const { bridge } = played.state;
    const [reason] = await played.preview({ ...args, mtu: 1400 });
    assert.match(reason!, /mtu unset -> 1400 \(reboot: .*plugged in: guest \(vnet\d+\)/);
    assert.match(reason!, /Fix: .*disruption: "reboot"$/);

    const before = ports(bridge);
    assert.deepEqual(await played.up({ ...args, mtu: 1400, disruption: "reboot" }), ["mtu: reboot"]);
    assert.equal(interfaces("dev", bridge)[0]!.mtu, 1400);
    assert.deepEqual(ports(bridge), before, "the guest is on the bridge again");
    assert.deepEqual(await played.refresh(), []);
    await assert.rejects(played.destroy(), /cannot delete: running guests are plugged into it: .* Fix: stop them/);
  });

  it("restart freely while nobody is plugged in", async () => {
    await played.up(args);
    assert.deepEqual(await played.up({ ...args, mtu: 1400, mode: "isolated" }), [
      "mode: reboot",
      "natIpv6: reboot",
      "mtu: reboot",
    ]);
    assert.deepEqual(await played.refresh(), []);
  });

  it("are started, defined and made again when that was undone behind our back", async () => {
    await played.up(args);
    await connection.networkDestroy(await lookup());
    assert.deepEqual(await played.refresh(), ["active"]);
    await played.up(args);
    assert.ok(await connection.networkIsActive(await lookup()));

    await connection.networkUndefine(await lookup());
    assert.deepEqual(await played.refresh(), ["autostart"]);
    await played.up(args);
    assert.ok(await connection.networkIsPersistent(await lookup()));
    assert.deepEqual(await played.refresh(), []);

    await connection.networkSetAutostart(await lookup(), false);
    assert.deepEqual(await played.refresh(), ["autostart"]);
    await played.up(args);

    await connection.networkDestroy(await lookup());
    await connection.networkUndefine(await lookup());
    assert.deepEqual(await played.refresh(), ["gone"]);
    await played.up(args);
    assert.deepEqual(await played.refresh(), []);
  });

  it("show what was edited behind our back, where the program set it", async () => {
    await played.up({ ...args, mtu: 1400 });
    const config = await connection.networkGetXMLDesc(await lookup(), VIR_NETWORK_XML_INACTIVE);
    const edited = config
      .replace("size='1400'", "size='1300'")
      .replace("<ip ", "<bandwidth><inbound average='1000'/></bandwidth><ip ");
    await connection.networkDefineXML(edited);
    assert.deepEqual(await played.refresh(), ["mtu"]);
    await played.up({ ...args, mtu: 1400 });
    assert.deepEqual(await played.refresh(), []);
    const after = await connection.networkGetXMLDesc(await lookup(), VIR_NETWORK_XML_INACTIVE);
    assert.match(after, /size='1400'/);
    assert.match(after, /<inbound average='1000'\/>/, "what the program does not know stays");
  });

  it("are adopted without a change, and let go", async () => {
    const existing = await connection.networkDefineXML(
      `<network><name>${name}</name><forward mode="nat"/><ip address="10.213.1.1" netmask="255.255.255.0"><dhcp><range start="10.213.1.50" end="10.213.1.60"/></dhcp></ip></network>`,
    );
    await connection.networkCreate(existing);
    const { bridge } = parseNetwork(await connection.networkGetXMLDesc(existing));
    const found = {
      connection: libvirt.uri,
      name,
      ipv4: args.ipv4,
      dhcpRange: { start: "10.213.1.50", end: "10.213.1.60" },
      autostart: false,
    };
    assert.match((await played.preview(found))[0]!, /already exists\. Fix: set adopt/);
    await played.up({ ...found, adopt: existing.uuid });
    assert.equal(played.recorded!.id, existing.uuid);
    assert.equal(played.state["bridge"], bridge);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up({ ...found, adopt: existing.uuid, dnsTxt: [{ name: "a", value: "b" }] }), [
      "dnsTxt: live",
    ]);
    await played.destroy();
    assert.ok(await connection.networkIsActive(await lookup()));
  });

  it("are adopted as libvirt brings them along, edited in place, and restarted with their guests named", async function () {
    const file = "/usr/share/libvirt/networks/default.xml";
    if (!existsSync(file)) skip(this, `needs ${file}`);
    const existing = await connection.networkDefineXML(
      readFileSync(file, "utf8").replace("<name>default<", `<name>${name}<`),
    );
    await connection.networkSetAutostart(existing, true);
    await connection.networkCreate(existing);
    await plugGuest();
    const documents = () =>
      Promise.all([0, VIR_NETWORK_XML_INACTIVE].map((flags) => connection.networkGetXMLDesc(existing, flags)));
    const before = await documents();
    const declared = { connection: libvirt.uri, name, adopt: name, ipv4: "192.168.122.0/24" };
    await played.up(declared);
    assert.deepEqual(await documents(), before, "nothing was touched");
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(declared), [], "the first preview is empty");

    const hosts = [{ ip: "192.168.122.10", mac: "52:54:00:00:00:0a", name: "db" }];
    assert.deepEqual(await played.up({ ...declared, hosts }), ["hosts: live"]);
    assert.deepEqual(await played.refresh(), []);
    const [reason] = await played.preview({ ...declared, hosts, domain: "kvm.test" });
    assert.match(
      reason!,
      /domain unset -> .*kvm\.test.* \(reboot: the network restarts; .*; plugged in: guest \(vnet\d+\)/,
    );
    const { bridge } = played.state;
    const plugged = ports(bridge);
    await played.up({ ...declared, hosts, domain: "kvm.test", disruption: "reboot" });
    assert.deepEqual(ports(bridge), plugged, "the guest is on the bridge again");
    assert.deepEqual(await played.refresh(), []);
  });

  it("are not adopted under running guests where that would need a restart", async () => {
    await played.up(args);
    await plugGuest();
    const other = new Played(new NetworkHandler());
    await assert.rejects(other.up({ ...args, adopt: name, mtu: 1300 }), /what runs differs in mtu, and running guests/);
    assert.match((await other.preview({ ...args, adopt: "nothing" }))[0]!, /there is no network ".*" to adopt/);
    assert.match(
      (await other.preview({ ...args, name: "other", adopt: name }))[0]!,
      /libvirt renames none\. Fix: set name/,
    );
  });

  it("refuse a subnet that is taken, and name who has it", async () => {
    await played.up(args);
    const other = new Played(new NetworkHandler());
    const [reason] = await other.preview({ connection: libvirt.uri, name: "clash", ipv4: "10.213.1.128/25" });
    assert.match(reason!, /ipv4: 10\.213\.1\.128\/25 overlaps network net \(10\.213\.1\.0\/24\)/);
  });

  it("leave nothing when libvirt refuses to start them", async () => {
    await played.up(args);
    const handler = new NetworkHandler();
    const context = { signal: new AbortController().signal, progress: () => {} };
    const inputs = { ...played.recorded!.inputs, name: "clash", bridge: played.state["bridge"] } as never;
    await assert.rejects(handler.create(inputs, context));
    await assert.rejects(connection.networkLookupByName("clash"), isMissing);
  });

  it("go on with what an interrupted run of the same resource left", async () => {
    const model = { name, mode: "nat", ipv4: "10.213.1.0/24", ipv4Address: "10.213.1.1" };
    const left = await connection.networkCreateXML(networkXML(model, "project/stack/net"));
    const declared = { ...args, owner: "project/stack/net" };
    assert.match((await played.preview({ ...args, owner: "project/other/net" }))[0]!, /already exists/);
    await played.up(declared);
    assert.equal(played.recorded!.id, left.uuid);
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
    await assert.rejects(lookup, isMissing);
  });
});
