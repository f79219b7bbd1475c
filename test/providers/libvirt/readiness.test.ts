import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { events, type Connection } from "../../../providers/libvirt/connection";
import {
  VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED,
  VIR_DOMAIN_EVENT_STOPPED,
  VIR_DOMAIN_PAUSED,
  VIR_DOMAIN_PAUSED_IOERROR,
  VIR_DOMAIN_RUNNING,
  VIR_DOMAIN_SHUTOFF,
} from "../../../providers/libvirt/constants";
import { ErrorCode, LibvirtError } from "../../../providers/libvirt/errors";
import { closeAll, open } from "../../../providers/libvirt/open";
import { Readiness, type ReadinessGoal, type ReadinessOptions } from "../../../providers/libvirt/readiness";
import { domains } from "../../../providers/libvirt/rpc/procedures-domain";
import { networks } from "../../../providers/libvirt/rpc/procedures-network";
import { qemu } from "../../../providers/libvirt/rpc/procedures-qemu";
import { FakeLibvirtd } from "./fake-libvirtd";

const dom = { name: "web-1", uuid: "6f1c3d5e-0000-4000-8000-000000000001", id: 1 };
const nic = { mac: "52:54:00:00:00:01", label: "network lan", network: "lan" };

describe("readiness", () => {
  let fake: FakeLibvirtd;
  let connection: Connection;
  let channel: "connected" | "disconnected";
  let state: { state: number; reason: number };
  let addresses: string[];
  let leases: { ipaddr: string; expirytime: bigint }[];
  let network: string;

  beforeEach(async () => {
    channel = "disconnected";
    state = { state: VIR_DOMAIN_RUNNING, reason: 1 };
    addresses = [];
    leases = [];
    network = "";
    fake = await FakeLibvirtd.start();
    fake.reply(domains.domainGetState, () => state);
    fake.reply(domains.domainGetXMLDesc, () => ({
      xml: `<domain><devices><channel><target name="org.qemu.guest_agent.0" state="${channel}"/></channel></devices></domain>`,
    }));
    fake.reply(qemu.domainQemuAgentCommand, ({ cmd }) => ({ result: agentAnswer(String(cmd)) }));
    fake.reply(domains.domainInterfaceAddresses, () => ({
      ifaces: [
        { name: "lo", hwaddr: "00:00:00:00:00:00", addrs: [{ type: 0, addr: "127.0.0.1", prefix: 8 }] },
        {
          name: "eth0",
          hwaddr: nic.mac,
          addrs: ["fe80::1", ...addresses].map((addr) => ({ type: addr.includes(":") ? 1 : 0, addr, prefix: 24 })),
        },
      ],
    }));
    fake.reply(networks.networkLookupByName, () => ({ net: { name: "lan", uuid: dom.uuid } }));
    fake.reply(networks.networkGetXMLDesc, () => ({ xml: `<network><name>lan</name>${network}</network>` }));
    fake.reply(networks.networkGetDHCPLeases, () => {
      const common = { iface: "virbr0", type: 0, mac: nic.mac, iaid: null, prefix: 24, hostname: null, clientid: null };
      return { leases: leases.map((lease) => ({ ...common, ...lease })), count: leases.length };
    });
    fake.reply(domains.domainOpenConsole, () => {
      throw new LibvirtError("no console", { code: ErrorCode.OPERATION_FAILED });
    });
    connection = await open(fake.uri);
  });

  afterEach(async () => {
    closeAll();
    await fake.stop();
  });

  function agentAnswer(cmd: string): string {
    if (cmd.includes("guest-file-open")) return '{"return":1}';
    if (cmd.includes("guest-file-read"))
      return JSON.stringify({ return: { "buf-b64": Buffer.from("boot-1\n").toString("base64") } });
    return '{"return":{}}';
  }

  const wait = (goal: ReadinessGoal, options: Partial<ReadinessOptions> = {}) =>
    new Readiness(connection, dom, goal, [nic]).wait({ timeout: 2000, ...options });

  function agentComesUp(): void {
    channel = "connected";
    const connected = VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED;
    fake.emit(events.domainAgentLifecycle, { dom, state: connected, reason: 2 });
  }

  /** Until the wait has asked for the guest's state so many times. */
  async function rounds(count: number): Promise<void> {
    while (fake.called.filter((name) => name === "domainGetState").length < count)
      await new Promise((done) => setTimeout(done, 2));
  }

  it("comes with the agent's event, and is not polled for", async () => {
    const waiting = wait({ agent: true });
    await rounds(1);
    await new Promise((done) => setTimeout(done, 300));
    assert.equal(fake.called.filter((name) => name === "domainGetState").length, 1);
    agentComesUp();
    assert.equal((await waiting).bootId, "boot-1");
  });

  it("is there at once when the agent is", async () => {
    channel = "connected";
    addresses = ["10.0.0.5", "fd00::5"];
    assert.deepEqual(await wait({ agent: true, addresses: true }), {
      addresses: [{ nic: 0, mac: nic.mac, ipv4: ["10.0.0.5"], ipv6: ["fd00::5"] }],
      bootId: "boot-1",
    });
  });

  it("counts only addresses that mean something beyond their link", async () => {
    channel = "connected";
    addresses = ["169.254.1.1"];
    const waiting = wait({ addresses: true });
    await rounds(2);
    addresses = ["10.0.0.5"];
    assert.deepEqual((await waiting).addresses[0]!.ipv4, ["10.0.0.5"]);
  });

  const subnets = {
    ipv4: '<ip address="10.0.0.1" prefix="24"><dhcp><range start="10.0.0.2" end="10.0.0.9"/></dhcp></ip>',
    ipv6: '<ip family="ipv6" address="fd00::1" prefix="64"><dhcp><range start="fd00::2" end="fd00::9"/></dhcp></ip>',
  };

  it("wants an IPv4 address where the network hands them out, however long IPv6 was there before", async () => {
    channel = "connected";
    network = subnets.ipv4 + subnets.ipv6;
    addresses = ["fd00::5"];
    await assert.rejects(
      wait({ addresses: true }, { timeout: 4000 }),
      /not ready after 4 s: .*addresses by agent: fd00::5/,
    );
    const waiting = wait({ addresses: true });
    await rounds(2);
    addresses = ["10.0.0.5", "fd00::5"];
    assert.deepEqual((await waiting).addresses[0]!.ipv4, ["10.0.0.5"]);
  });

  it("gives IPv6 a moment where the network has it, and does without when it does not come", async () => {
    channel = "connected";
    network = subnets.ipv4 + subnets.ipv6;
    addresses = ["10.0.0.5"];
    const late = wait({ addresses: true });
    await rounds(2);
    addresses = ["10.0.0.5", "fd00::5"];
    assert.deepEqual((await late).addresses[0]!.ipv6, ["fd00::5"]);
    addresses = ["10.0.0.5"];
    const never = await wait({ addresses: true }, { timeout: 30_000 });
    assert.deepEqual(never.addresses[0], { nic: 0, mac: nic.mac, ipv4: ["10.0.0.5"], ipv6: [] });
  });

  it("waits for no address that only others have reserved, and for those that the program gives", async () => {
    channel = "connected";
    network = `<ip address="10.0.0.1" prefix="24"><dhcp><host mac="52:54:00:00:00:99" ip="10.0.0.9"/></dhcp></ip>`;
    addresses = ["fd00::5"];
    const one = await wait({ addresses: true }, { timeout: 30_000 });
    assert.deepEqual(one.addresses[0]!.ipv6, ["fd00::5"]);
    network = subnets.ipv4;
    const given = new Readiness(connection, dom, { addresses: true }, [{ ...nic, given: ["fd00::5/64"] }]);
    assert.deepEqual((await given.wait({ timeout: 2000 })).addresses[0]!.ipv6, ["fd00::5"]);
    addresses = ["10.0.0.77", "fd00::5"];
    const other = new Readiness(connection, dom, { addresses: true }, [{ ...nic, given: ["10.0.0.5/24"] }]);
    await assert.rejects(other.wait({ timeout: 100 }), /addresses by agent: 10\.0\.0\.77, fd00::5/);
  });

  it("believes the program where a guest has no channel for an agent, and no lease", async () => {
    fake.reply(domains.domainGetXMLDesc, () => ({ xml: "<domain><devices/></domain>" }));
    const given = ["10.0.0.5/24", "fd00::5/64"];
    const nics = [{ ...nic, given }];
    const facts = await new Readiness(connection, dom, { addresses: true }, nics).wait({ timeout: 2000 });
    assert.deepEqual(facts.addresses, [{ nic: 0, mac: nic.mac, ipv4: ["10.0.0.5"], ipv6: ["fd00::5"] }]);
  });

  it("takes the leases' word for a guest without agent, but not that of old ones", async () => {
    leases = [{ ipaddr: "10.0.0.9", expirytime: 100n }];
    assert.deepEqual((await wait({ addresses: true })).addresses[0]!.ipv4, ["10.0.0.9"]);
    const waiting = wait({ addresses: true }, { fresh: true });
    fake.calls.length = 0;
    await rounds(2);
    leases = [{ ipaddr: "10.0.0.9", expirytime: 160n }];
    assert.deepEqual((await waiting).addresses[0]!.ipv4, ["10.0.0.9"]);
  });

  it("does not wait for a NIC whose cable is out", async () => {
    const readiness = new Readiness(connection, dom, { addresses: true }, [{ ...nic, down: true }]);
    assert.deepEqual((await readiness.wait({ timeout: 2000 })).addresses[0]!.ipv4, []);
  });

  it("is given up at once when the guest stops, is removed, or its disk fails", async () => {
    const stopped = wait({ agent: true }, { timeout: 60_000 });
    await rounds(1);
    state = { state: VIR_DOMAIN_SHUTOFF, reason: 3 };
    fake.emit(events.domainLifecycle, { dom, event: VIR_DOMAIN_EVENT_STOPPED, detail: 2 });
    await assert.rejects(stopped, /stopped while it was waited for/);
    state = { state: VIR_DOMAIN_PAUSED, reason: VIR_DOMAIN_PAUSED_IOERROR };
    await assert.rejects(wait({ agent: true }), /was paused by an error of its disk; is the pool full\?/);
    fake.reply(domains.domainGetState, () => {
      throw new LibvirtError("Domain not found", { code: ErrorCode.NO_DOMAIN });
    });
    await assert.rejects(wait({ agent: true }), /was removed while it was waited for/);
  });

  it("does not mind what happens to other guests", async () => {
    const waiting = wait({ agent: true });
    await rounds(1);
    const other = { ...dom, uuid: "6f1c3d5e-0000-4000-8000-000000000002" };
    fake.emit(events.domainLifecycle, { dom: other, event: VIR_DOMAIN_EVENT_STOPPED, detail: 0 });
    agentComesUp();
    await waiting;
  });

  it("tells on time-out what each source said", async () => {
    await assert.rejects(
      wait({ agent: true, addresses: true }, { timeout: 50 }),
      /^OperatorError: is not ready after 0\.05 s: agent: channel disconnected$/,
    );
    await assert.rejects(
      wait({ addresses: true }, { timeout: 50 }),
      /leases: none for 52:54:00:00:00:01 \(network lan\)$/,
    );
    channel = "connected";
    fake.reply(qemu.domainQemuAgentCommand, () => {
      throw new LibvirtError("Guest agent is not responding", { code: ErrorCode.AGENT_UNRESPONSIVE });
    });
    await assert.rejects(wait({ agent: true }, { timeout: 50 }), /agent: Guest agent is not responding$/);
  });

  it("ends with the operation it belongs to", async () => {
    const abort = new AbortController();
    const waiting = wait({ agent: true }, { signal: abort.signal });
    await rounds(1);
    abort.abort(new Error("interrupted"));
    await assert.rejects(waiting, /^Error: interrupted$/);
  });

  it("outlives a lost connection", async () => {
    const waiting = wait({ agent: true }, { timeout: 5000 });
    await rounds(1);
    channel = "connected";
    fake.hangUp();
    await waiting;
  });

  describe("of a page", () => {
    let server: Server;
    let port: number;
    let status: number;

    beforeEach(async () => {
      status = 200;
      leases = [{ ipaddr: "127.0.0.1", expirytime: 100n }];
      server = createServer((_request, answer) => answer.writeHead(status).end("x"));
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
      port = (server.address() as AddressInfo).port;
    });

    afterEach(() => {
      server.close();
    });

    it("is a connection, or an answer with a status that says so", async () => {
      await wait({ port: { port } });
      await wait({ http: { port, path: "/" } });
      status = 404;
      await wait({ http: { port, path: "/", status: 404 } });
      await assert.rejects(
        wait({ http: { port, path: "/healthz" } }, { timeout: 100 }),
        new RegExp(`http :${port}/healthz: 127\\.0\\.0\\.1: status 404$`),
      );
    });

    it("is looked for until it is there", async () => {
      status = 503;
      const waiting = wait({ http: { port, path: "/" } });
      await rounds(2);
      status = 200;
      await waiting;
    });

    it("tells why a port cannot be reached", async () => {
      await new Promise((closed) => server.close(closed));
      await assert.rejects(
        wait({ port: { port } }, { timeout: 100 }),
        new RegExp(`port ${port}: 127\\.0\\.0\\.1: connection refused$`),
      );
      await assert.rejects(wait({ port: { port, nic: 3 } }, { timeout: 100 }), /no address to try$/);
    });
  });
});
