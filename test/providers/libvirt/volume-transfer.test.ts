import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { PassThrough, Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { Connection } from "../../../providers/libvirt/connection";
import { ConnectionLost, ErrorCode, LibvirtError } from "../../../providers/libvirt/errors";
import { PacketStatus, PacketType } from "../../../providers/libvirt/rpc/packet";
import { storage } from "../../../providers/libvirt/rpc/procedures-storage";
import { FakeLibvirtd } from "./fake-libvirtd";

const vol = { pool: "images", name: "disk", key: "/images/disk" };
const hash = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

describe("a volume transfer", () => {
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

  const data = Buffer.concat([Buffer.alloc(700_001, "ab"), Buffer.alloc(300_000), Buffer.from("end")]);

  it("sends a buffer, a stream and a sparse buffer to the last byte", async () => {
    const received: Buffer[] = [];
    fake.receive(storage.storageVolUpload, (_, all) => received.push(all));
    const progress: number[] = [];
    await connection.storageVolUpload(vol, data, { onProgress: (bytes) => progress.push(bytes) });
    await connection.storageVolUpload(vol, Readable.from([data.subarray(0, 5), data.subarray(5)]), { offset: 512 });
    await connection.storageVolUpload(vol, data, { sparse: true });
    assert.deepEqual(received.map(hash), [data, data, data].map(hash));
    assert.equal(progress.at(-1), data.length);
    assert.deepEqual(
      fake.calls.map(({ args }) => [args.offset, args.flags]),
      [
        [0, 0],
        [512, 0],
        [0, 1],
      ],
    );
  });

  it("sends and receives whatever the data and the chunks are", async () => {
    let stored: Buffer = Buffer.alloc(0);
    fake.receive(storage.storageVolUpload, (_, all) => (stored = all)).send(storage.storageVolDownload, () => stored);
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc.nat({ max: 200_000 }).map((length) => new Uint8Array(length)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 5 }), fc.boolean(), async (chunks, sparse) => {
        await connection.storageVolUpload(vol, Readable.from(chunks), { sparse });
        assert.equal(hash(stored), hash(Buffer.concat(chunks)));
        const sink = new PassThrough();
        const [back] = await Promise.all([buffer(sink), connection.storageVolDownload(vol, sink)]);
        assert.equal(hash(back), hash(stored));
      }),
      { numRuns: 20 },
    );
  });

  it("reports what libvirt says in the middle of it", async () => {
    fake.raw(storage.storageVolUpload, (client, call) => {
      client.answer(call, PacketStatus.OK, Buffer.alloc(0));
      client.streams.set(call.serial, (packet) => client.answer(packet, PacketStatus.ERROR, full, PacketType.STREAM));
    });
    const full = errorBytes(ErrorCode.SYSTEM_ERROR, "No space left on device");
    await assert.rejects(connection.storageVolUpload(vol, data), (error) => {
      return error instanceof LibvirtError && error.is(ErrorCode.SYSTEM_ERROR) && /No space left/.test(error.message);
    });
  });

  it("reports what libvirt says at once", async () => {
    await assert.rejects(connection.storageVolUpload(vol, data), LibvirtError);
    await assert.rejects(connection.storageVolDownload(vol, new PassThrough()), LibvirtError);
  });

  it("fails when the daemon goes away, when the source fails and when the sink fails", async () => {
    fake.raw(storage.storageVolUpload, (client, call) => {
      client.answer(call, PacketStatus.OK, Buffer.alloc(0));
      client.streams.set(call.serial, () => client.socket.destroy());
    });
    await assert.rejects(connection.storageVolUpload(vol, data), ConnectionLost);

    fake.receive(storage.storageVolUpload, () => assert.fail("a failed upload must not be finished"));
    const broken = (async function* () {
      yield data;
      throw new Error("disk gone");
    })();
    await assert.rejects(connection.storageVolUpload(vol, broken), /disk gone/);

    fake.send(storage.storageVolDownload, () => data);
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error("sink full")) });
    await assert.rejects(connection.storageVolDownload(vol, full), /sink full/);
  });

  it("stops when its signal says so, and aborts on libvirt's side", async () => {
    const aborted = new Promise<void>((resolve) => {
      fake.raw(storage.storageVolUpload, (client, call) => {
        client.answer(call, PacketStatus.OK, Buffer.alloc(0));
        client.streams.set(call.serial, (packet) => {
          if (packet.status !== PacketStatus.ERROR) return;
          client.answer(packet, PacketStatus.OK, Buffer.alloc(0), PacketType.STREAM);
          resolve();
        });
      });
    });
    const abort = new AbortController();
    const endless = (async function* () {
      for (;;) {
        yield Buffer.alloc(1000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const upload = connection.storageVolUpload(vol, endless, {
      signal: abort.signal,
      onProgress: (bytes) => bytes > 5000 && abort.abort(new Error("enough")),
    });
    await assert.rejects(upload, /enough/);
    await aborted;
  });

  it("reads no faster than the sink takes", async () => {
    const big = Buffer.alloc(32 * 1024 * 1024, 7);
    fake.send(storage.storageVolDownload, () => big);
    let go = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    let got = 0;
    const slow = new Writable({
      highWaterMark: 65536,
      write: (chunk: Buffer, _encoding, done) => {
        got += chunk.length;
        void gate.then(() => done());
      },
    });
    const transfer = connection.storageVolDownload(vol, slow);
    const held = () => [...fake.clients].reduce((sum, client) => sum + client.writableLength, 0);
    // Until nothing moves any more.
    for (let before = -1; got === 0 || before !== held();) {
      before = held();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert(held() > big.length / 2, `only ${held()} bytes were held back by the daemon`);
    go();
    await transfer;
    assert.equal(got, big.length);
  });
});

function errorBytes(code: number, message: string): Buffer {
  const text = Buffer.alloc(Math.ceil(message.length / 4) * 4);
  text.write(message);
  const words = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => bytes.writeInt32BE(value, index * 4));
    return bytes;
  };
  return Buffer.concat([words(code, 0, 1, message.length), text, words(2, 0, 0, 0, 0, 0, 0, 0)]);
}
