import assert from "node:assert/strict";
import { DomainHandler } from "../../../providers/handlers/domain";
import { NetworkFilterHandler } from "../../../providers/handlers/network-filter";
import { isMissing } from "../../../providers/libvirt/errors";
import { skip } from "../../skip";
import { GuestNetwork } from "./guest-network";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const mac = "52:54:00:00:00:01";

describe("network filters on libvirt", function () {
  this.timeout(120_000);
  let libvirt: OwnLibvirt;
  let network: GuestNetwork;
  let filter: Played;
  let guest: Played;
  let args: { [field: string]: unknown };
  let guestArgs: { [field: string]: unknown };

  before(async function () {
    libvirt = await OwnLibvirt.start(this);
    try {
      libvirt.run("ebtables", "-t", "nat", "-L");
    } catch (error) {
      skip(this, `needs ebtables: ${(error as Error).message}`);
    }
    network = await GuestNetwork.create(libvirt.connection, "lan", 7);
  });

  after(() => libvirt?.stop());

  beforeEach(() => {
    filter = new Played(new NetworkFilterHandler());
    guest = new Played(new DomainHandler());
    args = {
      connection: libvirt.uri,
      name: "no-mail",
      rules: [{ action: "drop", direction: "out", protocol: "ip", ipProtocol: "tcp", dstPort: 25 }],
    };
    guestArgs = {
      ...{
        connection: libvirt.uri,
        name: "guest",
        memory: "16MiB",
        state: "paused",
        accelerator: "tcg",
        autostart: false,
      },
      ...{ consoleLog: false, agent: false },
      nics: [{ network: network.name, mac, filter: "no-mail" }],
    };
  });

  afterEach(async () => {
    await guest.destroy();
    await filter.destroy();
  });

  const rules = () =>
    libvirt
      .run("ebtables-save")
      .split("\n")
      .filter((line) => /^-A libvirt-/.test(line));
  const lookup = () => libvirt.connection.nwfilterLookupByName("no-mail");

  it("come up, show no change, and leave nothing", async () => {
    await filter.up(args);
    assert.equal((await lookup()).uuid, filter.state["uuid"]);
    assert.deepEqual(await filter.refresh(), []);
    assert.deepEqual(await filter.up(args), []);
    await filter.destroy();
    await assert.rejects(lookup, isMissing);
    await new Played(new NetworkFilterHandler()).destroy();
  });

  it("show no change whatever their rules look at", async () => {
    await filter.up({
      ...args,
      chain: "ipv4-mine",
      priority: -650,
      rules: [
        { action: "drop", direction: "out", priority: -900, protocol: "mac", match: false, srcMac: "$MAC" },
        {
          action: "drop",
          protocol: "mac",
          etherType: 0x88a8,
          dstMac: "01:00:5E:00:00:00",
          dstMacMask: "ff:ff:ff:80:00:00",
        },
        {
          action: "accept",
          direction: "out",
          protocol: "arp",
          arpOpcode: 2,
          arpSrcIp: "192.0.2.0/24",
          gratuitous: true,
        },
        { action: "accept", direction: "in", protocol: "ipv6", ipProtocol: 58, icmpType: 134, srcIp: "fe80::/10" },
        { action: "accept", direction: "in", protocol: "ip", ipProtocol: 112, dscp: 16 },
        { action: "return", protocol: "ip", ipProtocol: "udp", srcIp: "$IP", srcPort: "$PORT" },
        {
          action: "drop",
          stateMatch: false,
          protocol: "tcp",
          state: "established,new",
          tcpFlags: "SYN,ACK/SYN",
          comment: "a <b>",
        },
        { action: "drop", protocol: "tcp", srcIp: "192.0.2.1-192.0.2.9", dstPort: "80-90", connLimitAbove: 5 },
        { action: "drop", protocol: "udp-ipv6", dstIp: "2001:db8::/32" },
        { action: "drop", protocol: "icmp", icmpType: 8, icmpCode: 0 },
        { action: "drop", protocol: "vlan", vlanId: 3 },
        { action: "continue", priority: 1000 },
      ],
    });
    assert.deepEqual(await filter.refresh(), []);
  });

  it("are told by whose addresses they let through and what may be reached, and come back from changes by hand", async () => {
    const { rules: _rules, ...bare } = args;
    const antiSpoofing = { ipv4: { allowed: ["10.0.0.0/24"], gateway: "10.0.0.1" } };
    await filter.up({ ...bare, antiSpoofing, allow: [22, "53/udp", "vrrp"] });
    assert.deepEqual(await filter.refresh(), []);
    await guest.up(guestArgs);
    const before = rules();
    assert.match(before.join("\n"), /-s ! 52:54:00:00:00:01 -j DROP/, "the interface's own address");
    assert.match(before.join("\n"), /--ip-proto udp --ip-dport 53 -j ACCEPT/);
    const uuid = (await lookup()).uuid;
    await libvirt.connection.nwfilterDefineXML(`<filter name="no-mail"><uuid>${uuid}</uuid></filter>`);
    assert.deepEqual((await filter.refresh()).sort(), ["allow", "antiSpoofing", "rules"]);
    await filter.up({ ...bare, antiSpoofing, allow: [22, "53/udp", "vrrp"] });
    assert.deepEqual(rules(), before);
    assert.deepEqual(await filter.up({ ...bare, antiSpoofing, allow: [22] }), ["allow: live"]);
    assert.doesNotMatch(rules().join("\n"), /--ip-dport 53 /);
    assert.deepEqual(await filter.refresh(), []);
  });

  it("hold on a running guest, and change there at once", async () => {
    await filter.up(args);
    await guest.up(guestArgs);
    assert.match(rules().join("\n"), /--ip-proto tcp --ip-dport 25 -j DROP/);
    const news = { ...args, rules: [{ action: "drop", direction: "out", protocol: "mac", match: false, srcMac: mac }] };
    assert.deepEqual(await filter.up(news), ["rules: live"]);
    assert.deepEqual(rules().length, 1);
    assert.match(rules()[0]!, /-s ! 52:54:00:00:00:01 -j DROP/);
    assert.deepEqual(await guest.refresh(), []);
  });

  it("are given to and taken from a running NIC", async () => {
    await filter.up(args);
    const bare = { ...guestArgs, nics: [{ network: network.name, mac }] };
    await guest.up(bare);
    assert.deepEqual(rules(), []);
    assert.deepEqual(await guest.up(guestArgs), ["nics: live"]);
    assert.equal(rules().length, 1);
    assert.deepEqual(await guest.refresh(), []);
    assert.deepEqual(await guest.up(bare), ["nics: live"]);
    assert.deepEqual(rules(), []);
    assert.deepEqual(await guest.refresh(), []);
  });

  it("take values from the NIC", async () => {
    const allow = { action: "accept", direction: "out", protocol: "ip", srcIp: "$IP" };
    await filter.up({ ...args, rules: [allow, { action: "drop", direction: "out", priority: 600, protocol: "ip" }] });
    const valued = (...IP: string[]) => ({
      ...guestArgs,
      nics: [{ network: network.name, mac, filter: { name: "no-mail", parameters: { IP } } }],
    });
    await guest.up(valued("10.213.7.10"));
    assert.deepEqual(rules().length, 2);
    assert.deepEqual(await guest.up(valued("10.213.7.10", "10.213.7.99")), ["nics: live"]);
    assert.match(rules().join("\n"), /--ip-src 10\.213\.7\.10 -j ACCEPT[^]*--ip-src 10\.213\.7\.99 -j ACCEPT/);
    assert.deepEqual(await guest.refresh(), []);
  });

  it("show what was changed behind our back, and are repaired", async () => {
    await filter.up(args);
    const { uuid } = await lookup();
    await libvirt.connection.nwfilterDefineXML(`<filter name="no-mail" chain="root"><uuid>${uuid}</uuid></filter>`);
    assert.deepEqual(await filter.refresh(), ["rules"]);
    await filter.up(args);
    assert.deepEqual(await filter.refresh(), []);
    await libvirt.connection.nwfilterUndefine(await lookup());
    assert.deepEqual(await filter.refresh(), ["gone"]);
    await filter.up(args);
    assert.equal((await lookup()).uuid, uuid, "the same one again");
  });

  it("stay while a guest names them, also one that is off, or another filter does", async () => {
    await filter.up(args);
    await guest.up({ ...guestArgs, state: "shutoff" });
    await assert.rejects(
      filter.destroy(),
      /^Error: network filter no-mail on \S+: cannot delete: it is used by guest guest\. Fix: take it out of their filters first$/,
    );
    await guest.destroy();
    const other = new Played(new NetworkFilterHandler());
    await other.up({ connection: libvirt.uri, name: "other", filters: ["no-mail"] });
    await assert.rejects(filter.destroy(), /it is used by filter other\./);
    await other.destroy();
  });

  it("are adopted as they are, changed where the program says so, and let go", async () => {
    const xml = `<filter name="no-mail" chain="root"><rule action="drop" direction="in"><ip/></rule><filterref filter="x"/></filter>`;
    const { uuid } = await libvirt.connection.nwfilterDefineXML(xml);
    assert.match((await filter.preview(args))[0]!, /a network filter named "no-mail" already exists\. Fix: set adopt/);
    const adopted = { connection: libvirt.uri, name: "no-mail", adopt: "no-mail" };
    await filter.up(adopted);
    assert.deepEqual(await filter.refresh(), []);
    assert.deepEqual(await filter.up({ ...args, ...adopted }), ["rules: live"]);
    assert.match(await libvirt.connection.nwfilterGetXMLDesc(await lookup()), /<filterref filter='x'\/>/);
    await filter.destroy();
    assert.equal((await lookup()).uuid, uuid);
    await libvirt.connection.nwfilterUndefine(await lookup());
  });

  it("go on where an interrupted run of the same resource ended", async () => {
    const owned = { ...args, owner: "project/stack/no-mail" };
    const interrupted = new Played(new NetworkFilterHandler());
    await interrupted.up(owned);
    assert.match((await filter.preview({ ...args, owner: "project/other/no-mail" }))[0]!, /already exists/);
    await filter.up({ ...owned, rules: [] });
    assert.deepEqual(await filter.refresh(), []);
  });

  it("are refused where they name what is not there", async () => {
    assert.deepEqual(await filter.preview({ ...args, filters: ["claen-traffic"] }), [
      `network filter no-mail on ${libvirt.uri}: filters.0: there is no network filter "claen-traffic". On the host: none. Fix: declare it as a NetworkFilter and use that one's name, or correct the name`,
    ]);
    const nics = [{ network: network.name, mac, filter: "other-one" }];
    const [reason] = await guest.preview({ ...guestArgs, nics });
    assert.match(
      reason!,
      /nics\.0\.filter: there is no network filter "other-one"\. On the host: none\. Fix: declare it/,
    );
  });

  it("are refused by connections that have none", async () => {
    const session = libvirt.uri.replace("qemu:///system", "test:///default");
    const [reason] = await filter.preview({ ...args, connection: session });
    assert.match(reason!, /connection: test:\/\/\/default\S* has no network filters\. Fix: use a system connection/);
  });
});
