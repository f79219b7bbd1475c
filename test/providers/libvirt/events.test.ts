import assert from "node:assert/strict";
import { Connection, events } from "../../../providers/libvirt/connection";
import { ErrorCode, LibvirtError } from "../../../providers/libvirt/errors";
import { connect } from "../../../providers/libvirt/rpc/procedures-connect";
import { domains } from "../../../providers/libvirt/rpc/procedures-domain";
import { FakeLibvirtd } from "./fake-libvirtd";

const dom = { name: "web-1", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

describe("events", () => {
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

  it("are registered once for many listeners, and deregistered after the last", async () => {
    const seen: string[] = [];
    const stops = ["a", "b"].map((name) => connection.onDomainLifecycle(({ event }) => seen.push(`${name}${event}`)));
    await Promise.all(stops.map(({ ready }) => ready));
    assert.equal(fake.registered.size, 1);
    fake.emit(events.domainLifecycle, { dom, event: 2, detail: 0 });
    while (seen.length < 2) await turn();
    stops[0]!();
    fake.emit(events.domainLifecycle, { dom, event: 5, detail: 0 });
    while (seen.length < 3) await turn();
    stops[1]!();
    while (fake.registered.size > 0) await turn();
    assert.deepEqual(seen, ["a2", "b2", "b5"]);
  });

  it("of one kind do not reach the listeners of another", async () => {
    const states: number[] = [];
    let reboots = 0;
    await connection.onAgentLifecycle(({ state }) => states.push(state)).ready;
    await connection.onReboot(() => reboots++).ready;
    fake.emit(events.domainAgentLifecycle, { dom, state: 1, reason: 2 });
    fake.emit(events.domainReboot, { dom });
    while (reboots === 0) await turn();
    assert.deepEqual(states, [1]);
  });

  it("are deregistered when nobody listens any more by the time they are registered", async () => {
    const stop = connection.onReboot(() => {});
    stop();
    await stop.ready;
    while (fake.registered.size > 0) await turn();
  });

  it("are asked for again only when the daemon has stopped to report them", async () => {
    const order: string[] = [];
    fake.reply(connect.connectDomainEventCallbackRegisterAny, () => ({ callbackId: order.push("register") }));
    fake.reply(connect.connectDomainEventCallbackDeregisterAny, async () => {
      await new Promise((done) => setTimeout(done, 20));
      order.push("deregister");
      return {};
    });
    const first = connection.onDomainLifecycle(() => {});
    await first.ready;
    first();
    await connection.onDomainLifecycle(() => {}).ready;
    assert.deepEqual(order, ["register", "deregister", "register"]);
  });

  it("go on after the connection was lost, and listeners are told that they may have missed some", async () => {
    const seen: number[] = [];
    let told = 0;
    await connection.onDomainLifecycle(({ event }) => seen.push(event)).ready;
    connection.onReconnect(() => told++);
    fake.hangUp();
    while (told === 0) await turn();
    fake.emit(events.domainLifecycle, { dom, event: 4, detail: 0 });
    while (seen.length === 0) await turn();
    assert.deepEqual([seen, told], [[4], 1]);
  });

  it("that the daemon cannot report reject", async () => {
    fake.reply(connect.connectDomainEventCallbackRegisterAny, () => {
      throw new LibvirtError("unsupported event", { code: ErrorCode.INVALID_ARG });
    });
    await assert.rejects(connection.onReboot(() => {}).ready, /unsupported event/);
    await assert.rejects(connection.waitForEvent(events.domainReboot), /unsupported event/);
  });

  it("can be waited for", async () => {
    const waiting = connection.waitForEvent(events.domainLifecycle, ({ event }) => event === 5);
    while (fake.registered.size === 0) await turn();
    fake.emit(events.domainLifecycle, { dom, event: 2, detail: 0 });
    fake.emit(events.domainLifecycle, { dom, event: 5, detail: 1 });
    assert.equal((await waiting).detail, 1);
    while (fake.registered.size > 0) await turn();
  });

  it("are not waited for after the signal", async () => {
    const signal = AbortSignal.timeout(10);
    await assert.rejects(connection.waitForEvent(events.domainReboot, undefined, { signal }), /timeout/);
    await assert.rejects(
      connection.waitUntil([events.domainReboot], async () => undefined, { signal }),
      /timeout/,
    );
  });

  it("of a listener that throws do not cost the others theirs", async () => {
    let warned = 0;
    const warn = () => warned++;
    process.on("warning", warn);
    connection.onReboot(() => {
      throw new Error("a listener's mistake");
    });
    const waiting = connection.waitForEvent(events.domainReboot);
    while (fake.registered.size === 0) await turn();
    fake.emit(events.domainReboot, { dom });
    await waiting;
    await turn();
    process.off("warning", warn);
    assert.equal(warned, 1);
  });

  it("make waitUntil look again, and so does a reconnection", async () => {
    let state = 1;
    let looks = 0;
    fake.reply(domains.domainGetState, () => ({ state, reason: ++looks }));
    const off = connection.waitUntil([events.domainLifecycle], async () => {
      const found = await connection.domainGetState(dom);
      return found.state === 5 ? found : undefined;
    });
    while (looks === 0) await turn();
    fake.emit(events.domainLifecycle, { dom, event: 6, detail: 0 });
    while (looks === 1) await turn();
    state = 5;
    fake.hangUp();
    assert.equal((await off).state, 5);
    while (fake.registered.size > 0) await turn();
  });

  it("make waitUntil fail when its check does", async () => {
    const check = () => Promise.reject(new Error("gone for good"));
    await assert.rejects(connection.waitUntil([events.domainLifecycle], check), /gone for good/);
  });
});
