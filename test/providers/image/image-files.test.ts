import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImageFiles } from "../../../providers/image/image-files";
import { LocalMachine } from "../../../providers/machine/local-machine";

describe("users of an image", () => {
  let folder: string;
  let image: ImageFiles;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kvmtest-"));
    for (const name of ["one", "two"]) mkdirSync(join(folder, name));
    symlinkSync(join(folder, "one"), join(folder, "link"));
    image = new ImageFiles(new LocalMachine(), join(folder, "one"), "base", [".qcow2"]);
    qcow2("one/base.qcow2");
    qcow2("two/base.qcow2");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** A qcow2 file that is all header. */
  function qcow2(file: string, backing = ""): string {
    const header = Buffer.alloc(1024);
    header.write("QFI\xfb", "latin1");
    header.writeUInt32BE(3, 4);
    if (backing) header.writeBigUInt64BE(600n, 8);
    header.writeUInt32BE(backing.length, 16);
    header.write(backing, 600);
    const path = join(folder, file);
    writeFileSync(path, header);
    return path;
  }

  it("are the overlays of this very file, by whatever path they name it", async () => {
    const users = [
      qcow2("one/absolute", join(folder, "one/base.qcow2")),
      qcow2("one/linked", join(folder, "link/base.qcow2")),
      qcow2("one/relative", "base.qcow2"),
      qcow2("one/with a blank", `json:{"file":{"filename":"${join(folder, "one/base.qcow2")}"}}`),
    ];
    qcow2("one/of the other", join(folder, "two/base.qcow2"));
    qcow2("one/empty");
    assert.deepEqual(await image.users(), users);
    assert.deepEqual(await image.discard(), users);
    assert.ok(existsSync(image.path(".qcow2")));
  });

  it("are not the overlays of an image of the same name in another folder", async () => {
    qcow2("one/of the other", "../two/base.qcow2");
    assert.deepEqual(await image.discard(), []);
    assert.ok(!existsSync(image.path(".qcow2")));
  });
});
