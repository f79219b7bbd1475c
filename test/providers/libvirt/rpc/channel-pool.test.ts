import assert from "node:assert/strict";
import { Connection } from "../../../../providers/libvirt/connection";
import { ConnectError, OutcomeUnknown } from "../../../../providers/libvirt/errors";
import { closeAll, open } from "../../../../providers/libvirt/open";
import { connect } from "../../../../providers/libvirt/rpc/procedures-connect";
import { domains } from "../../../../providers/libvirt/rpc/procedures-domain";
import { qemu } from "../../../../providers/libvirt/rpc/procedures-qemu";
import { FakeLibvirtd } from "../fake-libvirtd";

const dom = { name: "web-1", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

describe("a connection", () => {
  let fake: FakeLibvirtd;
  let connection: Connection;

  beforeEach(async () => {
    fake = await FakeLibvirtd.start();
    fake.reply(connect.connectGetHostname, () => ({ hostname: "kvm1" }));
    connection = Connection.to(fake.uri);
  });

  afterEach(async () => {
    connection.close();
    closeAll();
    await fake.stop();
  });

  it("is shared by all who open the same URI", async () => {
    const [one, two] = await Promise.all([open(fake.uri), open(fake.uri)]);
    assert.equal(one, two);
    assert.equal(fake.clients.size, 1);
  });

  it("that was closed is not handed out again", async () => {
    (await open(fake.uri)).close();
    assert.equal(await (await open(fake.uri)).connectGetHostname(), "kvm1");
  });

  it("that failed is not remembered", async () => {
    await fake.stopListening();
    await assert.rejects(open(fake.uri), ConnectError);
    await fake.listen();
    assert.equal(await (await open(fake.uri)).connectGetHostname(), "kvm1");
  });

  it("tells what to do when nobody listens", async () => {
    const missing = Connection.to("qemu:///system?socket=/nonexistent/sock");
    await assert.rejects(missing.connectGetHostname(), /there is no socket \/nonexistent\/sock.*Fix: start it with/);
  });

  it("rejects all that wait when it cannot be made, after one attempt", async () => {
    let attempts = 0;
    fake.raw(connect.connectOpen, (client) => {
      attempts++;
      client.socket.destroy();
    });
    const results = await Promise.allSettled([1, 2, 3].map(() => connection.connectGetHostname()));
    assert(results.every((result) => result.status === "rejected" && result.reason instanceof ConnectError));
    assert.equal(attempts, 1);
  });

  it("that was lost while idle is made anew", async () => {
    await connection.connectGetHostname();
    fake.hangUp();
    while (fake.clients.size > 0) await turn();
    assert.equal(await connection.connectGetHostname(), "kvm1");
  });

  it("that is lost under a call that reads sends it again, once", async () => {
    let calls = 0;
    fake.reply(domains.domainGetState, () => {
      if (++calls === 1) fake.hangUp();
      return { state: 1, reason: 0 };
    });
    assert.equal((await connection.domainGetState(dom)).state, 1);
    assert.equal(calls, 2);
    fake.reply(domains.domainGetInfo, () => {
      calls++;
      fake.hangUp();
      throw new Error("never sent");
    });
    calls = 0;
    await assert.rejects(connection.domainGetInfo(dom), /connection to libvirt lost/);
    assert.equal(calls, 2);
  });

  it("that is lost under a call that changes something says that the outcome is unknown, and does not repeat it", async () => {
    fake.reply(domains.domainDestroyFlags, () => {
      fake.hangUp();
      return {};
    });
    await assert.rejects(connection.domainDestroyFlags(dom), OutcomeUnknown);
    assert.deepEqual(fake.called, ["domainDestroyFlags"]);
  });

  it("never has more than four calls under way on one socket, nor more than four sockets", async () => {
    const answers: (() => void)[] = [];
    let most = 0;
    const underWay = new Map<object, number>();
    fake.raw(domains.domainGetState, (client, call) => {
      const count = (underWay.get(client.socket) ?? 0) + 1;
      underWay.set(client.socket, count);
      most = Math.max(most, count);
      answers.push(() => {
        underWay.set(client.socket, underWay.get(client.socket)! - 1);
        client.answer(call, 0, Buffer.alloc(8));
      });
    });
    const all = Promise.all(Array.from({ length: 40 }, () => connection.domainGetState(dom)));
    while (answers.length < 16) await turn();
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.deepEqual([answers.length, fake.clients.size, most], [16, 4, 4]);
    const pump = setInterval(() => answers.splice(0).forEach((answer) => answer()), 1);
    assert.equal((await all).length, 40);
    clearInterval(pump);
    assert.equal(most, 4);
  });

  it("keeps places for quick calls while slow ones are under way", async () => {
    fake.raw(qemu.domainQemuAgentCommand, () => {});
    const slow = Array.from({ length: 30 }, () => connection.domainQemuAgentCommand(dom, "{}", -2).catch(() => {}));
    assert.equal(await connection.connectGetHostname(), "kvm1");
    connection.close();
    await Promise.all(slow);
  });

  it("asks once whether network-update's order is right, and swaps it for an old libvirt", async () => {
    const { networks } = await import("../../../../providers/libvirt/rpc/procedures-network");
    const net = { name: "default", uuid: dom.uuid };
    const updates: number[][] = [];
    fake.reply(networks.networkUpdate, ({ command, section }) => {
      updates.push([command, section]);
      return {};
    });
    await connection.networkUpdate(net, 3, 4, -1, "<host/>", 0);
    const old = Connection.to(fake.uri);
    fake.reply(connect.connectSupportsFeature, ({ feature }) => ({ supported: feature !== 16 }));
    await old.networkUpdate(net, 3, 4, -1, "<host/>", 0);
    await old.networkUpdate(net, 3, 4, -1, "<host/>", 0);
    old.close();
    assert.deepEqual(updates, [
      [3, 4],
      [4, 3],
      [4, 3],
    ]);
    assert.equal(fake.calls.filter(({ args }) => args.feature === 16).length, 1);
  });
});
