import assert from "node:assert/strict";
import { packagesOf, primaryOf } from "../../../providers/rpm/repository-metadata";

const sha256 = "ab".repeat(32);
const fix = "Fix: check baseurl: it is the folder that holds repodata/";

const index = (data: string) => `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>1</revision>
  <data type="filelists"><checksum type="sha256">00</checksum><location href="repodata/f.xml.gz"/><size>1</size></data>
  ${data}
</repomd>`;
const primary = (file: string, more = "") => `<data type="primary">
    <checksum type="sha256">${sha256}</checksum><open-checksum type="sha256">00</open-checksum>
    <location href="repodata/${file}"/><timestamp>1</timestamp><size>134</size><open-size>167</open-size>${more}
  </data>`;

const listed = (name: string, { arch = "x86_64", version = 'epoch="0" ver="1.0" rel="1.el9"' } = {}) => `
<package type="rpm">
  <name>${name}</name><arch>${arch}</arch><version ${version}/>
  <checksum type="sha256" pkgid="YES">${sha256}</checksum>
  <summary>a &lt;/package&gt; of a test</summary><size package="7" installed="8" archive="9"/>
  <location href="Packages/${name}.rpm"/>
  <format><rpm:license>MIT</rpm:license><rpm:requires><rpm:entry name="/bin/sh"/></rpm:requires></format>
</package>`;
const list = (...packages: string[]) =>
  `<?xml version="1.0"?>\n<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="${packages.length}">${packages.join("")}\n</metadata>\n`;

async function* inPieces(text: string, length: number) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

describe("metadata of a repository of RPMs", () => {
  for (const [file, compressor] of [
    ["primary.xml", "none"],
    ["primary.xml.gz", "gzip"],
    ["a-primary.xml.xz", "xz"],
    ["primary.xml.zst", "zstd"],
    ["primary.xml.bz2", "bzip2"],
  ] as const)
    it(`say where the list of packages is: ${file}`, () =>
      assert.deepEqual(primaryOf(index(primary(file))), { href: `repodata/${file}`, sha256, size: 134, compressor }));

  for (const [what, xml, message] of [
    [
      "another page",
      "<html><body/></html>",
      "has a repomd.xml that names no list of packages. Fix: check baseurl: it is the folder that holds repodata/",
    ],
    ["no XML", "<html><br></html>", /^has damaged metadata: repomd\.xml: malformed XML: .*\. Fix: check baseurl/],
    [
      "entities",
      `<!DOCTYPE a [<!ENTITY b "c">]>${index(primary("primary.xml.gz"))}`,
      `has damaged metadata: repomd.xml: it declares entities, which metadata never do. ${fix}`,
    ],
    [
      "a list of a kind that is not read",
      index(primary("primary.sqlite")),
      "packs its list of packages as repodata/primary.sqlite, which is not read. Fix: have createrepo_c pack it with gz, xz, zst or bz2",
    ],
    [
      "no size",
      index(primary("primary.xml.gz").replace("134", "many")),
      `has damaged metadata: repomd.xml: a file's place or size is missing. ${fix}`,
    ],
    [
      "a negative size",
      index(primary("primary.xml.gz").replace("134", "-1")),
      `has damaged metadata: repomd.xml: a file's place or size is missing. ${fix}`,
    ],
    [
      "half a digest",
      index(primary("primary.xml.gz").replace(sha256, "abcd")),
      `has damaged metadata: repomd.xml: "abcd" is no SHA-256 digest. ${fix}`,
    ],
  ] as const)
    it(`are refused: ${what}`, () => assert.throws(() => primaryOf(xml), { message }));

  for (const length of [1, 7, 100_000])
    it(`are read in pieces of ${length} bytes`, async () => {
      const version = 'epoch="2" ver="1.0~ä" rel="3"';
      const xml = list(listed("one"), listed("two", { version, arch: "noarch" }), listed("three"));
      const { packages, names } = await packagesOf(inPieces(xml, length), (name) => name !== "three");
      assert.deepEqual([...names], ["one", "two", "three"]);
      const rest = { sha256, size: 7 };
      assert.deepEqual(packages, [
        {
          name: "one",
          architecture: "x86_64",
          epoch: "0",
          version: "1.0",
          release: "1.el9",
          href: "Packages/one.rpm",
          ...rest,
        },
        {
          name: "two",
          architecture: "noarch",
          epoch: "2",
          version: "1.0~ä",
          release: "3",
          href: "Packages/two.rpm",
          ...rest,
        },
      ]);
    });

  it("are refused where a package that is wanted is told in part", async () => {
    const xml = list(listed("one", { version: 'ver="1"' }));
    await assert.rejects(
      packagesOf(inPieces(xml, 100), () => true),
      {
        message: `has damaged metadata: its list of packages: one is told in part. ${fix}`,
      },
    );
    assert.deepEqual((await packagesOf(inPieces(xml, 100), () => false)).packages, []);
  });
});
