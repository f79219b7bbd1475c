import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { ConnectionLost } from "../../../../providers/libvirt/errors";
import { Channel } from "../../../../providers/libvirt/rpc/channel";
import { type Packet, packetBytes } from "../../../../providers/libvirt/rpc/packet";
import { PacketParser } from "../../../../providers/libvirt/rpc/packet-parser";
import { connect } from "../../../../providers/libvirt/rpc/procedures-connect";

/** A channel whose peer is the test. */
function pair(answer: (packet: Packet, reply: (bytes: Buffer) => void) => void): Channel {
  const parser = new PacketParser();
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      for (const packet of parser.push(chunk)) answer(packet, (bytes) => stream.push(bytes));
      done();
    },
  });
  return new Channel({ stream, reason: () => undefined, ref: () => {}, unref: () => {} });
}

const pong = packetBytes(
  { program: 0x6b656570, version: 1, procedure: 2, type: 2, serial: 0, status: 0 },
  Buffer.alloc(0),
);

describe("keepalive", () => {
  it("ends a connection whose peer is silent, and with it every call", async () => {
    let pings = 0;
    const channel = pair(({ program }) => program === 0x6b656570 && pings++);
    channel.keepalive.start(2, 3, () => channel.close(new ConnectionLost("no sign of life")));
    await assert.rejects(channel.call(connect.connectGetHostname, Buffer.alloc(0)), /no sign of life/);
    assert.equal(pings, 3);
  });

  it("leaves a connection alone whose peer answers, however slow the call", async () => {
    let pings = 0;
    const channel = pair(({ program }, reply) => {
      if (program !== 0x6b656570) return;
      pings++;
      reply(pong);
    });
    channel.keepalive.start(1, 2, () => assert.fail("the peer has answered"));
    const call = channel.call(connect.connectGetHostname, Buffer.alloc(0));
    while (pings < 10) await new Promise((resolve) => setTimeout(resolve, 1));
    channel.close(new ConnectionLost("the test is over"));
    await assert.rejects(call, /the test is over/);
  });

  it("does not take half a packet for an answer", async () => {
    let fed = false;
    const channel = pair((_packet, reply) => {
      if (!fed) reply(Buffer.from("0000", "hex"));
      fed = true;
    });
    channel.keepalive.start(2, 3, () => channel.close(new ConnectionLost("no sign of life")));
    await assert.rejects(channel.call(connect.connectGetHostname, Buffer.alloc(0)), /no sign of life/);
  });
});
