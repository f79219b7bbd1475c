import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { treeArchive } from "../../../providers/rpm/archive";
import { ByteReader } from "../../../providers/rpm/byte-reader";
import { payloadEntries } from "../../../providers/rpm/cpio";
import { readPackage } from "../../../providers/rpm/package-file";
import { treeOf } from "../../../providers/rpm/rpm-image";
import { rpmImageSchema } from "../../../providers/schema/rpm-image";
import { skip } from "../../skip";
import { cpio, madeRpm, type MadeRpm } from "./made-rpm";

const packages = [{ path: "bomb.rpm", sha256: "0".repeat(64) }];

describe("RPMs that would fill a disk or memory", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-rpm-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const unpack = async (made: MadeRpm, more: object = {}) => {
    const read = await readPackage(madeRpm(join(folder, "bomb.rpm"), made), "bomb.rpm");
    const place = { machine: { kind: "local" }, directory: folder, packages };
    const feed = treeArchive(treeOf([read], v.parse(rpmImageSchema, { ...place, ...more })));
    let length = 0;
    for await (const chunk of feed.chunks) length += chunk.length;
    return length;
  };

  it("are refused where their headers say more than maxSize", async () => {
    const file = (path: string) => ({ path, size: 2 ** 32 - 1 });
    await assert.rejects(unpack({ files: ["/a", "/b", "/c", "/d", "/e"].map(file) }), {
      message: "the packages unpack to 20481MiB, more than maxSize 16GiB. Fix: set a larger maxSize, if that is meant",
    });
  });

  it("are refused for more empty files than maxSize has room for", async () => {
    const files = Array.from({ length: 300 }, (_, at) => ({ path: `/${at}` }));
    await assert.rejects(unpack({ files }, { maxSize: "1MiB" }), {
      message: /^the packages unpack to 2MiB, more than maxSize 1MiB\. Fix/,
    });
    assert.ok((await unpack({ files }, { maxSize: "2MiB" })) > 300 * 512);
  });

  it("are refused where a file is larger than its header says, before it is read", async () => {
    const files = [{ path: "/a", content: "ab", payloadSize: 2 ** 32 - 1 }];
    await assert.rejects(unpack({ files }), {
      message: "bomb.rpm is damaged: /a has 4294967295 bytes in its payload, and 2 in its header. Fix: fetch it again",
    });
  });

  it("are refused where a file is smaller than its header says", async () => {
    const files = [{ path: "/a", content: "ab", size: 2 ** 31 }];
    await assert.rejects(unpack({ files }), {
      message: "bomb.rpm is damaged: /a has 2 bytes in its payload, and 2147483648 in its header. Fix: fetch it again",
    });
  });

  it("are refused for a name that is longer than any", async () => {
    await assert.rejects(unpack({ files: [{ path: "/a", payloadNameSize: 2 ** 32 - 1 }] }), {
      message: "bomb.rpm is damaged: its payload has a name of 4294967295 bytes. Fix: fetch it again",
    });
  });

  it("are refused for a header that is larger than any", async () => {
    const path = madeRpm(join(folder, "bomb.rpm"));
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(2 ** 31, 96 + 12); // the signatures' length, behind the lead
    writeFileSync(path, bytes);
    await assert.rejects(readPackage(path, "bomb.rpm"), {
      message:
        /^bomb\.rpm is damaged: a header says that it has \d+ entries and 2147483648 bytes\. Fix: fetch it again$/,
    });
  });

  it("are read no further than their last file", async () => {
    async function* endless() {
      yield cpio([]);
      assert.fail("read on");
    }
    for await (const entry of payloadEntries(new ByteReader(endless()), [])) assert.fail(entry.file.path);
  });

  it("are refused where unpacking takes more memory than the hardest compression does", async function () {
    if (!existsSync("/usr/bin/xz")) skip(this, "needs xz");
    const payload = execFileSync("xz", ["--format=lzma", "-c"], { input: cpio([]) });
    payload.writeUInt32LE(2 ** 31, 1); // the dictionary
    await assert.rejects(unpack({ files: [{ path: "/a" }], payload, compressor: "lzma" }), {
      message: /^bomb\.rpm is damaged: its payload cannot be unpacked: .*Memory usage limit reached/s,
    });
  });
});
