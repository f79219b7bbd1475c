import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readContent } from "../../../providers/content/folder";
import { isReleaseOf, Releases } from "../../../providers/content/release";
import { LocalMachine } from "../../../providers/machine/local-machine";
import { FakeContext } from "../handlers/fake-context";

describe("releases of a content on this machine", function () {
  this.timeout(60_000);
  let folder: string;
  let releases: Releases;
  let context: FakeContext;
  const source = (path: string) => join(folder, "source", path);
  const served = (path: string) => join(releases.current, path);
  const send = async () => {
    const { digest } = readContent(source(""));
    const name = await releases.send(source(""), digest, context);
    assert.ok(isReleaseOf(name, { digest }));
    return name;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kvm-content-"));
    mkdirSync(source("a long folder's name/".repeat(6)), { recursive: true });
    writeFileSync(source("index.html"), "one");
    writeFileSync(source("kept.css"), "kept");
    writeFileSync(source(`${"a long folder's name/".repeat(6)}deep.txt`), "deep");
    writeFileSync(source("tool"), "#!/bin/sh\n", { mode: 0o755 });
    releases = new Releases(new LocalMachine(), join(folder, "base"));
    context = new FakeContext();
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("are sent whole the first time, then only what changed", async () => {
    const first = await send();
    assert.ok(!existsSync(releases.current));
    await releases.serve(first);
    execFileSync("diff", ["-r", source(""), releases.current]);
    assert.equal(statSync(served("tool")).mode & 0o777, 0o755);
    writeFileSync(source("index.html"), "two, longer");
    rmSync(source("tool"));
    chmodSync(source("kept.css"), 0o600);
    const second = await send();
    assert.match(context.said[1]!, /: sending 1 of 3 files, 1 KiB$/);
    assert.equal(readFileSync(served("index.html"), "utf8"), "one");
    await releases.serve(second);
    execFileSync("diff", ["-r", source(""), releases.current]);
    assert.equal(statSync(served("kept.css")).nlink, 2);
    assert.deepEqual(await releases.inspect(), { name: second, wrong: [] });
  });

  it("go back to one that is there without sending anything", async () => {
    await releases.serve(await send());
    writeFileSync(source("index.html"), "two");
    await releases.serve(await send());
    writeFileSync(source("index.html"), "one");
    context.said.length = 0;
    await releases.serve(await send());
    assert.deepEqual(context.said, []);
    assert.equal(readFileSync(served("index.html"), "utf8"), "one");
  });

  it("tell what was changed by hand, and are sent again beside what is served", async () => {
    const first = await send();
    await releases.serve(first);
    writeFileSync(served("index.html"), "hacked");
    writeFileSync(served("extra"), "");
    rmSync(served("tool"));
    chmodSync(served("kept.css"), 0o600);
    assert.deepEqual((await releases.inspect()).wrong, ["extra", "index.html", "kept.css", "tool"]);
    const again = await send();
    assert.equal(again, `${first}-1`);
    assert.match(context.said[1]!, /: sending 3 of 4 files/);
    await releases.serve(again);
    assert.deepEqual(await releases.inspect(), { name: again, wrong: [] });
    execFileSync("diff", ["-r", source(""), releases.current]);
  });

  it("are kept in number, and the one that is served in any case", async () => {
    const names: string[] = [];
    for (const text of ["1", "2", "3", "4"]) {
      writeFileSync(source("index.html"), text);
      names.push(await send());
      if (text === "1") await releases.serve(names[0]!);
    }
    await releases.prune(2);
    assert.deepEqual(
      names.map((name) => existsSync(join(folder, "base/releases", name))),
      [true, false, true, true],
    );
  });

  it("refuse what changed meanwhile, and what cannot be sent", async () => {
    const { digest } = readContent(source(""));
    writeFileSync(source("index.html"), "changed");
    await assert.rejects(
      releases.send(source(""), digest, context),
      /changed while pulumi ran\. Fix: run pulumi up again/,
    );
    assert.throws(() => readContent(source("none")), /^OperatorError: folder \S+none does not exist \(looked in /);
    assert.throws(() => readContent(source("tool")), /^OperatorError: folder \S+tool is not a folder \(looked in /);
    execFileSync("ln", ["-s", "/etc/passwd", source("link")]);
    assert.throws(() => readContent(source("")), /link in \S+ is a symbolic link\. Fix: put the file itself there/);
  });
});
