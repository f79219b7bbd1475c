import assert from "node:assert/strict";
import * as v from "valibot";
import { bootstrapImageSchema } from "../../../providers/schema/bootstrap-image";
import { cloudImageSchema } from "../../../providers/schema/cloud-image";

const place = { machine: { kind: "local" }, directory: "/images" };
const digest = "a".repeat(64);

function complaints(schema: v.GenericSchema, args: object): string {
  const result = v.safeParse(schema, { ...place, ...args });
  return (result.issues ?? []).map((issue) => `${v.getDotPath(issue)}: ${issue.message}`).join("\n");
}

describe("bootstrap image arguments", () => {
  it("are completed", () => {
    assert.deepEqual(v.parse(bootstrapImageSchema, { ...place, directory: "/images/", size: "4096MiB" }), {
      ...place,
      format: "qcow2",
      distribution: "debian",
      suite: "bookworm",
      components: ["main"],
      packages: [],
      size: "4GiB",
      retain: "delete",
    });
    assert.equal(v.parse(bootstrapImageSchema, { ...place, format: "directory" }).size, undefined);
    const ubuntu = v.parse(bootstrapImageSchema, { ...place, suite: "jammy" });
    assert.deepEqual([ubuntu.distribution, ubuntu.components], ["ubuntu", ["main", "universe"]]);
  });

  const wrong: [object, RegExp][] = [
    [{ machine: { kind: "agent", uri: "qemu:///system", domain: "x" } }, /machine: .*keeps no images/],
    [{ directory: "images" }, /directory: "images" is not an absolute path/],
    [{ directory: "/dev/shm" }, /directory: \/dev\/shm cannot hold images/],
    [{ suite: "../etc" }, /suite: "\.\.\/etc" is not a suite/],
    [{ packages: ["--no-install"] }, /packages\.0: "--no-install" is not a package/],
    [{ packages: ["a,b"] }, /packages\.0: "a,b" is not a package/],
    [{ packages: ["?true"] }, /packages\.0: "\?true" is not a package/],
    [{ mirror: "deb.example.org" }, /mirror.*is not a mirror/],
    [{ mirror: "http://m/debian\ndeb http://evil" }, /mirror.*is not a mirror/],
    [{ format: "tar" }, /format: Allowed: "qcow2" or "directory"/],
    [{ format: "directory", size: "4GiB" }, /^size: a folder has no size\. Fix: leave it out$/],
    [
      { format: "directory", kernelPackage: "linux-image-amd64" },
      /^kernelPackage: a container has its host's kernel\. Fix: leave it out$/,
    ],
    [{ size: "100MiB" }, /size: 100MiB is too small/],
    [{ files: { "etc/x": "" } }, /"etc\/x" is not an absolute path/],
    [{ files: { "/etc/../x": "" } }, /is not an absolute path/],
    [{ files: { "/etc/a\nb": "" } }, /is not a file's path/],
    [{ files: { "/x": { content: "", mode: "77777" } } }, /mode: "77777" is not a mode/],
    [{ services: { "a b": true } }, /"a b" is not a unit/],
    [{ sshAuthorizedKeys: ["hunter2"] }, /is not a public key/],
    [{ pakages: [] }, /unknown field "pakages"; did you mean "packages"/],
  ];
  for (const [args, expected] of wrong)
    it(`refuse ${JSON.stringify(args)}`, () => assert.match(complaints(bootstrapImageSchema, args), expected));
});

describe("cloud image arguments", () => {
  it("are completed", () => {
    const url = "https://example.org/a.qcow2";
    for (const checksum of [`sha256:${digest}`, digest, `sha512:${digest}${digest}`, "https://example.org/SHA256SUMS"])
      assert.deepEqual(v.parse(cloudImageSchema, { ...place, url, checksum }), {
        ...place,
        url,
        checksum,
        unverified: false,
        retain: "delete",
      });
    assert.ok(v.parse(cloudImageSchema, { ...place, url, unverified: true }));
  });

  const url = "https://example.org/a.qcow2";
  const wrong: [object, RegExp][] = [
    [{ url }, /checksum: is required/],
    [{ url, unverified: true, checksum: digest }, /unverified: true contradicts checksum/],
    [{ url, checksum: "md5:d41d8cd98f00b204e9800998ecf8427e" }, /is not a checksum/],
    [{ url, checksum: `sha512:${digest}` }, /is not a checksum/],
    [{ url: "ftp://example.org/a", checksum: digest }, /is not the URL of an image/],
    [{ url: 'https://example.org/"\noutput = "/etc/passwd', checksum: digest }, /is not the URL of an image/],
    [{ url: "file://etc/passwd", checksum: digest }, /is not the URL of an image/],
  ];
  for (const [args, expected] of wrong)
    it(`refuse ${JSON.stringify(args).slice(0, 90)}`, () => assert.match(complaints(cloudImageSchema, args), expected));
});
