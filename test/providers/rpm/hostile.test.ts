import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { treeArchive } from "../../../providers/rpm/archive";
import { readPackage } from "../../../providers/rpm/package-file";
import { layer, type TreeOptions } from "../../../providers/rpm/tree";
import { madeRpm, type MadeRpm } from "./made-rpm";

const options: TreeOptions = { conflicts: "error", devices: false, setuid: true, users: {}, groups: {} };
const none = "Fix: do not use this package: rpm makes none like it";
const again = "Fix: fetch it again";

const link = (path: string, target: string) => ({ path, target, mode: 0o120777 });

const refusals: [what: string, made: MadeRpm, message: string][] = [
  [
    "a path with ..",
    { files: [{ path: "/usr/../../etc/passwd" }] },
    `evil.rpm has /usr/../../etc/passwd, which would leave the image or name a place in it ambiguously. ${none}`,
  ],
  [
    "a path that begins nowhere",
    { files: [{ path: "../etc/passwd" }] },
    `evil.rpm has ../etc/passwd, which would leave the image or name a place in it ambiguously. ${none}`,
  ],
  [
    "another name in the payload than in the header",
    { files: [{ path: "/etc/a", payloadName: "../../etc/passwd" }] },
    `evil.rpm is damaged: its payload has ../../etc/passwd, which its header does not list. ${again}`,
  ],
  [
    "an absolute name in the payload",
    { files: [{ path: "/etc/a", payloadName: "/etc/passwd" }] },
    `evil.rpm is damaged: its payload has /etc/passwd, which its header does not list. ${again}`,
  ],
  [
    "a file below a link that it plants itself",
    { files: [link("/a", "/etc"), { path: "/a/passwd" }] },
    `evil.rpm has /a/passwd below /a, which in the package itself is a symbolic link. ${none}`,
  ],
  [
    "a file below a file",
    { files: [{ path: "/a" }, { path: "/a/b" }] },
    `evil.rpm has /a/b below /a, which in the package itself is no folder. ${none}`,
  ],
  [
    "a link and a file of one path",
    { files: [link("/a", "/etc/passwd"), { path: "/a", content: "x" }] },
    `evil.rpm has /a twice. ${none}`,
  ],
  [
    "a link that leads elsewhere in the payload",
    { files: [{ ...link("/a", "bbbb"), payloadContent: "/etc" }] },
    `evil.rpm is damaged: /a leads elsewhere in its payload than in its header. ${again}`,
  ],
  [
    "a device",
    { files: [{ path: "/dev/sda", mode: 0o060600 }] },
    "device nodes are not unpacked: /dev/sda in evil.rpm. Fix: set devices: true where they are wanted; hosts and containers make their own /dev",
  ],
  [
    "a socket",
    { files: [{ path: "/s", mode: 0o140600 }] },
    "evil.rpm has /s, which is of a kind that is not unpacked (mode 140600)",
  ],
  [
    "more content than the header says",
    { files: [{ path: "/a", content: "ab", size: 1 }] },
    `evil.rpm is damaged: /a has 2 bytes in its payload, and 1 in its header. ${again}`,
  ],
  [
    "another content than the header says",
    { files: [{ path: "/a", content: "ab", payloadContent: "ba" }] },
    `evil.rpm is damaged: the content of /a does not have the digest that its header says. ${again}`,
  ],
  [
    "a file that is not in the payload",
    { files: [{ path: "/a" }, { path: "/b", absent: true }] },
    `evil.rpm is damaged: its payload lacks /b. ${again}`,
  ],
  [
    "a payload that ends early",
    { cut: 30, noPayloadDigest: true },
    `evil.rpm is damaged: its payload cannot be unpacked: unexpected end of file. ${again}`,
  ],
  [
    "a header that was changed",
    { headerDigest: "0".repeat(64) },
    `evil.rpm is damaged: its header does not have the digest that it says. ${again}`,
  ],
  [
    "a compression that nobody knows",
    { compressor: "lrzip" },
    "evil.rpm has a payload that is packed with lrzip. Fix: give one packed with gzip, xz, zstd, bzip2 or lzma",
  ],
  ["a source package", { source: true }, "evil.rpm is a source package. Fix: give the package that is built from it"],
  [
    "an owner without a number",
    { files: [{ path: "/a", user: "nginx" }] },
    'files belong to owners whose numbers are not known: user nginx (/a in evil.rpm). Fix: say their numbers in the image, e.g. users: { "nginx": 990 }',
  ],
];

describe("RPMs that are refused", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-rpm-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const unpack = async (...made: MadeRpm[]) => {
    const packages = await Promise.all(
      made.map((each, at) => {
        const label = at === 0 ? "evil.rpm" : `other${at}.rpm`;
        return readPackage(madeRpm(join(folder, label), each), label);
      }),
    );
    const tree = layer(packages, options);
    const feed = treeArchive(tree);
    let length = 0;
    for await (const chunk of feed.chunks) length += chunk.length;
    assert.equal(length, feed.length);
    return [...tree.nodes.keys()];
  };

  for (const [what, made, message] of refusals)
    it(what, async () => {
      await assert.rejects(unpack(made), { message });
    });

  it("nothing of one that is sound", async () => {
    assert.deepEqual(await unpack({}), ["/", "/etc", "/etc/made"]);
  });

  it("nothing of one whose payload has absolute names, which stay inside", async () => {
    const files = [{ path: "/etc/made", content: "a", payloadName: "/etc/made" }];
    assert.deepEqual(await unpack({ files }), ["/", "/etc", "/etc/made"]);
  });

  it("what is no RPM, and what ends early", async () => {
    const path = join(folder, "a.rpm");
    writeFileSync(path, "no package");
    await assert.rejects(readPackage(path, "a.rpm"), { message: "a.rpm is no RPM. Fix: name an RPM" });
    madeRpm(path);
    truncateSync(path, statSync(path).size - 10);
    await assert.rejects(readPackage(path, "a.rpm"), {
      message: /^a\.rpm ends early: \d+ of \d+ bytes are there\. Fix/,
    });
    madeRpm(path);
    await assert.rejects(readPackage(path, "a.rpm", "0".repeat(64)), {
      message: /^a\.rpm has the SHA-256 digest [0-9a-f]{64}, not 0{64}\. Fix: fetch it again, or correct sha256$/,
    });
  });

  it("packages that do not go together, with all that is wrong", async () => {
    const first = { files: [{ path: "/etc/motd", content: "a" }, { path: "/x" }, link("/loop", "loop")] };
    const second = { files: [{ path: "/etc/motd", content: "b" }, { path: "/x/y" }, { path: "/loop/z" }] };
    await assert.rejects(unpack(first, second), {
      message: `packages do not go together:
  /etc/motd is in evil.rpm and other1.rpm with another content
  /loop/z in other1.rpm lies below /loop, a link that leads in a circle
  /x/y in other1.rpm lies below /x, which is a file in evil.rpm. Fix: leave a package out, change their order, or set conflicts: "last" to take files of the one given last`,
    });
  });

  it("no file below the link of a package before, which never leads out", async () => {
    const first = { files: [link("/bin", "usr/bin"), link("/out", "../../../../tmp")] };
    const second = { files: [{ path: "/bin/sh" }, { path: "/out/x" }] };
    assert.deepEqual((await unpack(first, second)).sort(), [
      "/",
      "/bin",
      "/out",
      "/tmp",
      "/tmp/x",
      "/usr",
      "/usr/bin",
      "/usr/bin/sh",
    ]);
  });
});
