import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { readWar } from "../../../providers/content/war";

describe("a WAR", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "kvm-war-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is a file as it is", () => {
    writeFileSync(join(folder, "a.war"), "bytes");
    assert.equal(readWar(join(folder, "a.war")).toString(), "bytes");
  });

  it("is a folder with all in it, whenever it was written", () => {
    mkdirSync(join(folder, "WEB-INF"));
    writeFileSync(join(folder, "WEB-INF/web.xml"), "<web-app/>");
    writeFileSync(join(folder, "index.jsp"), "page");
    const first = readWar(folder);
    const files = Object.entries(unzipSync(first)).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]);
    assert.deepEqual(files, [
      ["WEB-INF/web.xml", "<web-app/>"],
      ["index.jsp", "page"],
    ]);
    utimesSync(join(folder, "index.jsp"), 0, 1_000_000_000);
    assert.deepEqual(readWar(folder), first);
    writeFileSync(join(folder, "index.jsp"), "another");
    assert.notDeepEqual(readWar(folder), first);
  });

  it("needs files", () => {
    assert.throws(() => readWar(folder), /is empty/);
    assert.throws(() => readWar(join(folder, "no.war")), { code: "ENOENT" });
  });
});
