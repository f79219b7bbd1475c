import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ImageDownload, type DownloadRequest } from "../../../providers/image/image-download";
import { LocalMachine } from "../../../providers/machine/local-machine";
import { skip } from "../../skip";
import { FileServer } from "./file-server";

const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");

describe("image download", function () {
  this.timeout(60_000);
  let folder: string;
  let server: FileServer;
  let image: Buffer;
  let digest: string;
  const progress: string[] = [];

  const made = (name: string, ...args: string[]) => {
    const path = join(tmpdir(), `pulumi-kvm-test-${process.pid}-${name}`);
    execFileSync("qemu-img", ["create", "-q", ...args.slice(0, -1), path, ...args.slice(-1)], { stdio: "pipe" });
    const content = readFileSync(path);
    rmSync(path);
    return content;
  };
  const download = (request: DownloadRequest) => {
    progress.length = 0;
    return new ImageDownload(new LocalMachine()).download(request, folder, {
      patience: 1,
      progress: (message) => progress.push(message),
    });
  };
  const files = () => readdirSync(folder).sort();

  before(async function () {
    for (const tool of ["curl", "qemu-img", "xz", "zstd", "gzip"])
      if (!existsSync(`/usr/bin/${tool}`)) skip(this, `needs ${tool}`);
    // A header and incompressible data that looks like no other kind of file.
    image = Buffer.concat([made("base.qcow2", "-f", "qcow2", "64M"), createHash("sha512").update("x").digest()]);
    digest = sha256(image);
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-download-"));
    server = await new FileServer(image).listen();
  });

  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it("keeps an image under the name of its content, and asks no one for it twice", async () => {
    const request = { url: server.url("/images/debian-12.qcow2"), checksum: `sha256:${digest}` };
    const got = await download(request);
    assert.deepEqual(got, {
      path: join(folder, `debian-12-${digest.slice(0, 12)}.qcow2`),
      format: "qcow2",
      capacity: 64 * 2 ** 20,
      digest: `sha256:${digest}`,
    });
    assert.deepEqual(readFileSync(got.path), image);
    assert.deepEqual(await download(request), got);
    assert.equal(server.ranges.length, 1);
    assert.deepEqual(files(), [`debian-12-${digest.slice(0, 12)}.qcow2`]);
  });

  it("takes the checksum from a checksums file", async () => {
    server.texts["/SHA256SUMS"] = `${"0".repeat(64)}  other.qcow2\n${digest} *disk.qcow2\n`;
    const got = await download({ url: server.url("/disk.qcow2"), checksum: server.url("/SHA256SUMS") });
    assert.equal(got.digest, `sha256:${digest}`);
    server.texts["/SHA256SUMS"] = `${"0".repeat(64)}  other.qcow2\n`;
    await assert.rejects(download({ url: server.url("/disk.qcow2"), checksum: server.url("/SHA256SUMS") }), {
      name: "OperatorError",
      message: /no line for disk\.qcow2, only for other\.qcow2/,
    });
  });

  it("follows redirects", async () => {
    server.behaviours = [{ redirect: "/mirror/disk.qcow2" }, "whole"];
    assert.ok(await download({ url: server.url("/disk.qcow2"), checksum: digest }));
    assert.equal(server.ranges.length, 2);
  });

  it("goes on after a connection that broke", async () => {
    server.behaviours = ["half", "whole"];
    assert.ok(await download({ url: server.url("/disk.qcow2"), checksum: digest }));
    assert.deepEqual(server.ranges, [undefined, `bytes=${Math.floor(image.length / 2)}-`]);
  });

  it("goes on after a server that sent nothing more", async () => {
    server.behaviours = ["stall", "whole"];
    assert.ok(await download({ url: server.url("/disk.qcow2"), checksum: digest }));
    assert.deepEqual(server.ranges, [undefined, `bytes=${Math.floor(image.length / 2)}-`]);
    assert.match(progress.join("\n"), /trying again: .*too slow/i);
  });

  it("starts again where the server knows no ranges", async () => {
    server.behaviours = ["half", "no-ranges"];
    assert.ok(await download({ url: server.url("/disk.qcow2"), checksum: digest }));
    assert.deepEqual(server.ranges, [undefined, `bytes=${Math.floor(image.length / 2)}-`, undefined]);
  });

  it("tries again when the server is busy", async () => {
    server.behaviours = [{ status: 503 }, "whole"];
    assert.ok(await download({ url: server.url("/disk.qcow2"), checksum: digest }));
  });

  it("refuses another content, and leaves nothing", async () => {
    await assert.rejects(download({ url: server.url("/disk.qcow2"), checksum: `sha256:${"1".repeat(64)}` }), {
      name: "OperatorError",
      message: new RegExp(`is not what the checksum says: got sha256:${digest}, expected sha256:1+`),
    });
    assert.equal(server.ranges.length, 1);
    assert.deepEqual(files(), []);
  });

  it("starts again, once, where a broken download does not fit together", async () => {
    writeFileSync(
      join(
        folder,
        `.kvm-download.${createHash("sha256")
          .update(`${server.url("/disk.qcow2")}\n${digest}`)
          .digest("hex")
          .slice(0, 12)}`,
      ),
      "of another version",
    );
    assert.ok(await download({ url: server.url("/disk.qcow2"), checksum: digest }));
    assert.deepEqual(server.ranges, ["bytes=18-", undefined]);
  });

  it("says what the server said, and leaves nothing", async () => {
    server.behaviours = [{ status: 404 }];
    await assert.rejects(
      download({ url: server.url("/disk.qcow2?token=secret"), checksum: digest }),
      (error: Error) => {
        assert.match(
          error.message,
          /cannot download .*\/disk\.qcow2\?\.\.\.: The requested URL returned error: 404.* Fix: check the URL/,
        );
        assert.doesNotMatch(error.stack!, /secret/);
        return true;
      },
    );
    assert.deepEqual(files(), []);
  });

  it("says that nothing answers", async () => {
    const { port } = new URL(server.url("/"));
    await server.close();
    server = await new FileServer(image).listen();
    await assert.rejects(download({ url: `http://127.0.0.1:${port}/disk.qcow2`, checksum: digest }), {
      message: /cannot download .*[Cc]onnect.* Fix: check that the server runs/,
    });
  });

  for (const [tool, ending] of [
    ["xz", "xz"],
    ["zstd", "zst"],
    ["gzip", "gz"],
  ] as const)
    it(`unpacks ${tool}`, async () => {
      server.content = execFileSync(tool, ["-c"], { input: image });
      const got = await download({ url: server.url(`/disk.qcow2.${ending}`), checksum: sha256(server.content) });
      assert.deepEqual(readFileSync(got.path), image);
      assert.equal(got.path, join(folder, `disk-${sha256(server.content).slice(0, 12)}.qcow2`));
      assert.equal(files().length, 1);
    });

  it("converts a raw image", async () => {
    server.content = Buffer.alloc(2 ** 20, "\x01");
    const got = await download({ url: server.url("/disk.img"), checksum: sha256(server.content) });
    assert.equal(got.capacity, 2 ** 20);
    assert.equal(readFileSync(got.path).subarray(0, 3).toString(), "QFI");
  });

  const hostile: [string, () => Buffer, RegExp][] = [
    [
      "an overlay",
      () => made("o.qcow2", "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/passwd", "64M"),
      /an overlay of another file/,
    ],
    [
      "an overlay by relative name",
      () => made("o.qcow2", "-f", "qcow2", "-u", "-F", "raw", "-b", "secret", "64M"),
      /an overlay of another file/,
    ],
    [
      "an external data file",
      () => {
        const data = join(tmpdir(), `pulumi-kvm-test-${process.pid}.data`);
        try {
          return made("d.qcow2", "-f", "qcow2", "-o", `data_file=${data}`, "64M");
        } finally {
          rmSync(data, { force: true });
        }
      },
      /whose data is in another file/,
    ],
    ["a VMware disk", () => made("v.vmdk", "-f", "vmdk", "64M"), /a VMware disk/],
    ["a VirtualBox disk", () => made("v.vdi", "-f", "vdi", "64M"), /a VirtualBox disk/],
    ["a web page", () => Buffer.from("<!DOCTYPE html>".padEnd(512)), /a web page/],
    [
      "a tar archive",
      () => execFileSync("tar", ["-cf", "-", "/etc/hostname"], { stdio: ["pipe", "pipe", "pipe"] }),
      /a tar archive/,
    ],
    ["half a sector", () => Buffer.alloc(700, "x"), /not whole sectors/],
    ["nothing", () => Buffer.alloc(0), /not whole sectors/],
  ];
  for (const [what, content, message] of hostile)
    it(`refuses ${what}, and leaves nothing`, async () => {
      server.content = content();
      server.behaviours = ["no-ranges"];
      if (server.content.length === 0) server.texts["/disk.img"] = "";
      await assert.rejects(download({ url: server.url("/disk.img") }), { name: "OperatorError", message });
      assert.deepEqual(files(), []);
    });

  it("takes any content unverified, and names it by its digest", async () => {
    const got = await download({ url: server.url("/disk.qcow2") });
    assert.equal(got.digest, `sha256:${digest}`);
    assert.match(got.path, new RegExp(`/disk-${digest.slice(0, 12)}\\.qcow2$`));
  });

  it("leaves nothing when it is stopped, and when the process that asked is killed", async () => {
    server.behaviours = ["stall"];
    const controller = new AbortController();
    const stopped = new ImageDownload(new LocalMachine()).download(
      { url: server.url("/disk.qcow2"), checksum: digest },
      folder,
      {
        signal: controller.signal,
        progress: () => {},
      },
    );
    while (files().length === 0) await sleep(50);
    controller.abort();
    await assert.rejects(stopped, /was stopped/);
    assert.deepEqual(files(), []);

    const program = `
      const { LocalMachine } = require("./providers/machine/local-machine");
      const { ImageDownload } = require("./providers/image/image-download");
      const [, url, checksum, folder] = process.argv;
      new ImageDownload(new LocalMachine()).download({ url, checksum }, folder, { progress() {} });`;
    const args = ["-r", "ts-node/register", "-e", program, server.url("/disk.qcow2"), digest, folder];
    const child = spawn(process.execPath, args, { stdio: "ignore" });
    while (files().length === 0) await sleep(50);
    child.kill("SIGKILL");
    for (let i = 0; i < 100 && files().length > 0; i++) await sleep(100);
    assert.deepEqual(files(), []);
  });

  it("downloads once when two ask at the same time", async () => {
    const request = { url: server.url("/disk.qcow2"), checksum: digest };
    const [one, other] = await Promise.all([download(request), download(request)]);
    assert.deepEqual(one, other);
    assert.equal(server.ranges.length, 1);
    assert.equal(files().length, 1);
  });

  it("copies a file of the host", async () => {
    const source = join(folder, "source.qcow2");
    writeFileSync(source, image);
    const got = await download({ url: `file://${source}`, checksum: digest });
    assert.deepEqual(readFileSync(got.path), image);
  });
});
