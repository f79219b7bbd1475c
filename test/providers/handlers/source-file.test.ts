import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectSource } from "../../../providers/handlers/source-file";
import { scratch } from "./local-libvirt";

describe("source file", () => {
  const folder = scratch();
  after(() => folder.done());

  const path = join(folder.path, "image");
  const inspect = (content: Buffer) => {
    writeFileSync(path, content);
    return inspectSource(path);
  };

  function qcow2({ version = 3, backing = 0n, size = 10n * 2n ** 30n, incompatible = 0n }): Buffer {
    const header = Buffer.alloc(104);
    header.write("QFI\xfb", "latin1");
    header.writeUInt32BE(version, 4);
    header.writeBigUInt64BE(backing, 8);
    header.writeBigUInt64BE(size, 24);
    header.writeBigUInt64BE(incompatible, 72);
    return header;
  }

  it("is known by its header, whatever its name", async () => {
    assert.deepEqual(await inspect(qcow2({})), { format: "qcow2", length: 104, capacity: 10 * 2 ** 30 });
    assert.deepEqual(await inspect(qcow2({ version: 2 }).subarray(0, 72)), {
      format: "qcow2",
      length: 72,
      capacity: 10 * 2 ** 30,
    });
    assert.deepEqual(await inspect(Buffer.alloc(513, 1)), { format: "raw", length: 513, capacity: 1024 });
  });

  const refused: [content: Buffer, message: RegExp][] = [
    [Buffer.alloc(0), /is empty\. Fix: name a disk image$/],
    [qcow2({}).subarray(0, 60), /ends within its qcow2 header\. Fix: fetch it again$/],
    [qcow2({ backing: 104n }), /is an overlay of another file\. Fix: flatten it: qemu-img convert -O qcow2$/],
    [qcow2({ incompatible: 4n }), /keeps its data in another file\. Fix: convert it/],
    [Buffer.from("1f8b0800", "hex"), /is compressed with gzip\. Fix: gunzip it first$/],
    [Buffer.from("KDMV...."), /is a VMDK image\. Fix: convert it: qemu-img convert -O qcow2$/],
  ];
  for (const [content, message] of refused)
    it(`is refused: ${message.source.split("\\.")[0]}`, async () => {
      await assert.rejects(inspect(content), message);
    });

  it("must be there, and be a file", async () => {
    await assert.rejects(inspectSource("/nonexistent"), /does not exist on this machine\. Fix: correct the path/);
    await assert.rejects(inspectSource(folder.path), /is not a file/);
  });
});
