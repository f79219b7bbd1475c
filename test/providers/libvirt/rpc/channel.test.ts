import assert from "node:assert/strict";
import { Connection } from "../../../../providers/libvirt/connection";
import {
  CallTimeout,
  ConnectError,
  ConnectionLost,
  ErrorCode,
  LibvirtError,
  OutcomeUnknown,
  ProtocolError,
} from "../../../../providers/libvirt/errors";
import {
  HEADER_LENGTH,
  type Packet,
  PacketStatus,
  PacketType,
  packetBytes,
} from "../../../../providers/libvirt/rpc/packet";
import { connect } from "../../../../providers/libvirt/rpc/procedures-connect";
import { domains } from "../../../../providers/libvirt/rpc/procedures-domain";
import { encode } from "../../../../providers/libvirt/rpc/xdr";
import { type FakeClient, FakeLibvirtd } from "../fake-libvirtd";

const dom = { name: "web-1", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };

describe("a channel", () => {
  let fake: FakeLibvirtd;
  let connection: Connection;

  beforeEach(async () => {
    fake = await FakeLibvirtd.start();
    connection = Connection.to(fake.uri);
  });

  afterEach(async () => {
    connection.close();
    await fake.stop();
  });

  /** Answers the hostname with what `write` makes of the call, and expects `error`; a pending call must fail as well. */
  async function failsWith(write: (client: FakeClient, call: Packet) => void, message: RegExp): Promise<void> {
    fake.raw(connect.connectGetHostname, write);
    fake.raw(domains.domainGetState, () => {});
    await connection.connect();
    const pending = assert.rejects(connection.domainGetState(dom), ProtocolError);
    await assert.rejects(connection.connectGetHostname(), (error) => {
      assert(error instanceof ProtocolError, String(error));
      assert.match(error.message, message);
      return true;
    });
    await pending;
  }

  it("matches replies with calls in whatever order they come", async () => {
    const held: (() => void)[] = [];
    fake.reply(domains.domainLookupByID, async ({ id }) => {
      await new Promise<void>((resolve) => held.push(resolve));
      return { dom: { ...dom, id } };
    });
    const looked = [1, 2, 3].map((id) => connection.domainLookupByID(id));
    while (held.length < 3) await new Promise((resolve) => setImmediate(resolve));
    for (const answer of held.reverse()) answer();
    assert.deepEqual(
      (await Promise.all(looked)).map(({ id }) => id),
      [1, 2, 3],
    );
  });

  it("hands on libvirt's error with its numbers", async () => {
    fake.reply(domains.domainLookupByName, () => {
      throw new LibvirtError("Domain not found", { code: ErrorCode.NO_DOMAIN, domain: 10 });
    });
    await assert.rejects(connection.domainLookupByName("x"), (error) => {
      assert(error instanceof LibvirtError && error.is(ErrorCode.NO_DOMAIN));
      assert.deepEqual([error.domain, error.level, error.call], [10, 2, "domainLookupByName"]);
      return true;
    });
  });

  it("refuses arguments that do not fit before anything is sent", async () => {
    await assert.rejects(connection.domainSetMemoryFlags(dom, -5, 0), /domainSetMemoryFlags\.memory: .* got -5/);
    assert.deepEqual(fake.called, []);
  });

  it("fails on a reply that is cut short", () =>
    failsWith(
      (client, call) => client.answer(call, PacketStatus.OK, Buffer.from("00000009aabb", "hex")),
      /malformed: hostname/,
    ));

  it("fails on a reply that has more than it should", () =>
    failsWith(
      (client, call) => client.answer(call, PacketStatus.OK, Buffer.from("0000000000000000", "hex")),
      /left over/,
    ));

  it("fails on a malformed error", () =>
    failsWith((client, call) => client.answer(call, PacketStatus.ERROR, Buffer.alloc(3)), /error is malformed/));

  it("fails on a reply with an unknown status", () =>
    failsWith((client, call) => client.answer(call, 9, Buffer.alloc(4)), /status 9/));

  it("fails on a reply that nobody waits for", () =>
    failsWith(
      (client, call) => client.answer({ ...call, serial: 4711 }, PacketStatus.OK, Buffer.alloc(0)),
      /call 4711/,
    ));

  it("fails on a reply for another procedure", () =>
    failsWith(
      (client, call) => client.answer({ ...call, procedure: 8 }, PacketStatus.OK, Buffer.alloc(0)),
      /procedure 8/,
    ));

  it("fails on a stream that was not asked for", () =>
    failsWith(
      (client, call) => client.answer(call, PacketStatus.CONTINUE, Buffer.alloc(9), PacketType.STREAM),
      /no stream/,
    ));

  it("fails on a packet of a type that no daemon sends", () =>
    failsWith((client, call) => client.answer(call, PacketStatus.OK, Buffer.alloc(0), PacketType.CALL), /type 0/));

  it("fails on a malformed event", async () => {
    connection.onDomainLifecycle(() => {});
    await failsWith((client, call) => client.answer({ ...call, procedure: 318 }, 0, Buffer.alloc(5), 2), /event 318/);
  });

  it("fails on a packet that is announced as huge, without waiting for it", () =>
    failsWith(
      (client) => client.socket.write(Buffer.from("7fffffff00000000", "hex")),
      /2147483647 bytes was announced/,
    ));

  it("fails on a packet shorter than its header", () =>
    failsWith((client) => client.socket.write(Buffer.from("00000008ffffffff", "hex")), /8 bytes was announced/));

  it("fails on something that is not libvirt", () =>
    failsWith((client) => client.socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"), /was announced/));

  it("says so when it is cut off within a packet", async () => {
    fake.raw(domains.domainCreateWithFlags, (client, call) => {
      const whole = packetBytes({ ...call, type: 1, status: 0 }, encode(domains.domainCreateWithFlags.result, { dom }));
      client.socket.end(whole.subarray(0, HEADER_LENGTH + 3));
    });
    await assert.rejects(connection.domainCreateWithFlags(dom), (error) => {
      assert(error instanceof OutcomeUnknown && error.cause instanceof ConnectionLost);
      return /domainCreateWithFlags was sent.*cut off within a packet.*Fix: read the object's state/.test(
        error.message,
      );
    });
  });

  it("ignores events that it does not know", async () => {
    fake.raw(connect.connectGetHostname, (client, call) => {
      client.answer({ ...call, procedure: 9999, serial: 0 }, 0, Buffer.alloc(7), PacketType.EVENT);
      client.answer(call, 0, encode(connect.connectGetHostname.result, { hostname: "kvm1" }));
    });
    assert.equal(await connection.connectGetHostname(), "kvm1");
  });

  it("answers pings", async () => {
    const ping = { program: 0x6b656570, version: 1, procedure: 1, type: PacketType.EVENT, serial: 0, status: 0 };
    fake.raw(connect.connectGetHostname, (client, call) => {
      client.socket.write(packetBytes(ping, Buffer.alloc(0)));
      setImmediate(() => client.answer(call, 0, encode(connect.connectGetHostname.result, { hostname: "kvm1" })));
    });
    await connection.connectGetHostname();
    while (fake.pongs === 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it("gives up on a call when its signal says so, and stays usable", async () => {
    const abort = new AbortController();
    fake.raw(domains.domainGetState, () => abort.abort(new Error("enough")));
    fake.reply(connect.connectGetHostname, () => ({ hostname: "kvm1" }));
    await assert.rejects(connection.with({ signal: abort.signal }).domainGetState(dom), /enough/);
    assert.equal(await connection.connectGetHostname(), "kvm1");
    await assert.rejects(connection.with({ signal: abort.signal }).connectGetHostname(), /enough/);
  });

  it("gives up on a call that is not answered in time", async () => {
    fake.raw(domains.domainGetState, () => {});
    fake.raw(domains.domainReset, () => {});
    await assert.rejects(connection.with({ timeout: 20 }).domainGetState(dom), CallTimeout);
    await assert.rejects(connection.with({ timeout: 20 }).domainReset(dom), OutcomeUnknown);
  });

  it("refuses a daemon that wants a password", async () => {
    fake.reply(connect.authList, () => ({ types: [1] }));
    await assert.rejects(
      connection.connect(),
      (error) => error instanceof ConnectError && /requires SASL/.test(error.message),
    );
  });

  it("does what polkit asks", async () => {
    fake.reply(connect.authList, () => ({ types: [2] })).reply(connect.authPolkit, () => ({ complete: true }));
    await connection.connect();
    assert.deepEqual(fake.called, ["authList", "authPolkit"]);
  });

  it("tells what to do when polkit says no", async () => {
    fake
      .reply(connect.authList, () => ({ types: [2] }))
      .reply(connect.authPolkit, () => {
        throw new LibvirtError("authentication unavailable: no polkit agent", { code: ErrorCode.AUTH_FAILED });
      });
    await assert.rejects(connection.connect(), /no polkit agent. Fix: run as root, join the group libvirt/);
  });

  it("rejects pending and later calls when it is closed", async () => {
    fake.raw(domains.domainGetState, () => connection.close());
    await assert.rejects(connection.domainGetState(dom), ConnectionLost);
    await assert.rejects(connection.domainGetState(dom), ConnectionLost);
  });
});
