import assert from "node:assert/strict";
import fc from "fast-check";
import { ProtocolError } from "../../../../providers/libvirt/errors";
import { PACKET_MAX, type PacketHeader, packetBytes } from "../../../../providers/libvirt/rpc/packet";
import { PacketParser } from "../../../../providers/libvirt/rpc/packet-parser";

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const header: fc.Arbitrary<PacketHeader> = fc.record(
  {
    program: word,
    version: word,
    procedure: fc.integer(),
    type: fc.integer(),
    serial: word,
    status: fc.integer(),
  },
  { noNullPrototype: true },
);
const packets = fc.array(fc.record({ header, payload: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 8 });

/** `bytes` cut at the given places. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

describe("the packet parser", () => {
  it("finds the same packets however the bytes arrive", () => {
    fc.assert(
      fc.property(packets, fc.array(fc.nat(), { maxLength: 30 }), (sent, places) => {
        const parser = new PacketParser();
        const bytes = Buffer.concat(sent.map(({ header, payload }) => packetBytes(header, payload)));
        const received = cut(bytes, places).flatMap((chunk) => [...parser.push(chunk)]);
        assert.deepEqual(
          received.map(({ payload, ...rest }) => ({ header: rest, payload: Uint8Array.from(payload) })),
          sent.map(({ header, payload }) => ({ header, payload })),
        );
        assert.equal(parser.pending, 0);
      }),
    );
  });

  it("finds them byte by byte", () => {
    const parser = new PacketParser();
    const head = { program: 1, version: 2, procedure: 3, type: 4, serial: 5, status: 6 };
    const bytes = packetBytes(head, Buffer.from("payload!"));
    const received = [...bytes].flatMap((byte) => [...parser.push(Buffer.from([byte]))]);
    assert.deepEqual(received, [{ ...head, payload: Buffer.from("payload!") }]);
  });

  it("refuses lengths that no packet has, as soon as it sees them", () => {
    for (const length of [0, 4, 27, PACKET_MAX + 1, 0xffffffff]) {
      const announced = Buffer.alloc(4);
      announced.writeUInt32BE(length);
      assert.throws(() => [...new PacketParser().push(announced)], ProtocolError, String(length));
    }
  });

  it("holds what came of a huge packet, not what was announced", () => {
    const parser = new PacketParser();
    const announced = Buffer.alloc(1000);
    announced.writeUInt32BE(PACKET_MAX);
    assert.deepEqual([...parser.push(announced)], []);
    assert.equal(parser.pending, 1000);
  });

  it("does not write packets that are too long", () => {
    const head = { program: 1, version: 1, procedure: 1, type: 0, serial: 1, status: 0 };
    assert.throws(() => packetBytes(head, Buffer.alloc(PACKET_MAX)), /over libvirt's limit/);
  });
});
