import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { Connection } from "../../../providers/libvirt/connection";
import { ConsoleTail } from "../../../providers/libvirt/readiness-console";

const domain = { name: "a", uuid: "", id: 1 };

describe("the tail of a console", () => {
  let folder: string;
  let stream: PassThrough;
  let opened: number;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "console-"));
    stream = new PassThrough();
    opened = 0;
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function connection(uri: string): Connection {
    return { uri, domainOpenConsole: async () => (opened++, stream) } as unknown as Connection;
  }

  it("is read from the log on this machine, when it is asked for", async () => {
    const log = join(folder, "log");
    writeFileSync(log, "early\n");
    const tail = await ConsoleTail.open(connection("qemu:///system"), domain, log);
    writeFileSync(log, `${"x".repeat(20_000)}\n\x1b[1mone\x1b[0m\r\n\r\ntwo\x07\r\nthree`);
    assert.deepEqual(await tail.lines(2), ["two", "three"]);
    assert.deepEqual((await tail.lines(20)).slice(1), ["one", "two", "three"]);
    assert.equal(opened, 0);
    rmSync(log);
    assert.deepEqual(await tail.lines(20), []);
  });

  it("is listened to on another machine, and behind a socket of its own", async () => {
    const log = join(folder, "log");
    writeFileSync(log, "of another guest with this name\n");
    for (const uri of ["qemu+ssh://kvm1/system", "qemu:///system?socket=/run/x"]) {
      stream = new PassThrough();
      const tail = await ConsoleTail.open(connection(uri), domain, log);
      stream.write("one\n");
      stream.write("y".repeat(40_000));
      stream.write("\ntwo\nth");
      stream.write("ree");
      assert.deepEqual((await tail.lines(20)).slice(1), ["two", "three"]);
      tail.close();
      assert.equal(stream.destroyed, true);
    }
  });

  it("is empty where the console is taken", async () => {
    const busy = { uri: "qemu+ssh://kvm1/system", domainOpenConsole: async () => Promise.reject(new Error("busy")) };
    const tail = await ConsoleTail.open(busy as unknown as Connection, domain, undefined);
    assert.deepEqual(await tail.lines(20), []);
    tail.close();
  });
});
