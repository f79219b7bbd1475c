import assert from "node:assert/strict";
import { findDigest } from "../../../providers/image/checksums";

const short = "0a".repeat(32);
const long = "0b".repeat(64);

describe("checksums files", () => {
  const forms: [string, string][] = [
    ["GNU's", `${short}  disk.qcow2\n`],
    ["GNU's binary mode", `${short} *disk.qcow2\n`],
    ["with folders", `${short}  ./images/disk.qcow2\n`],
    ["with Windows line ends", `${short}  disk.qcow2\r\n${long.slice(0, 64)}  other\r\n`],
    ["in upper case", `${short.toUpperCase()}  disk.qcow2\n`],
    ["BSD's", `SHA256 (disk.qcow2) = ${short}\n`],
    [
      "signed",
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# disk.qcow2: 5 bytes\nSHA256 (disk.qcow2) = ${short}\n-----BEGIN PGP SIGNATURE-----\niQ==\n`,
    ],
    ["one digest alone", `${short}\n`],
  ];
  for (const [what, text] of forms)
    it(`reads the form: ${what}`, () => {
      assert.deepEqual(findDigest(text, "disk.qcow2"), { algorithm: "sha256", digest: short });
    });

  it("takes the strongest of several", () => {
    const text = `MD5 (disk.qcow2) = ${"0".repeat(32)}\nSHA256 (disk.qcow2) = ${short}\nSHA512 (disk.qcow2) = ${long}\n`;
    assert.deepEqual(findDigest(text, "disk.qcow2"), { algorithm: "sha512", digest: long });
  });

  it("does not take a name that only ends alike", () => {
    assert.throws(() => findDigest(`${short}  my-disk.qcow2\n`, "disk.qcow2"), {
      name: "OperatorError",
      message:
        'the checksums file has no line for disk.qcow2, only for my-disk.qcow2. Fix: check both URLs, or give the checksum itself: "sha256:..."',
    });
  });

  it("does not take weak checksums, nor a web page", () => {
    for (const text of [`${"0".repeat(32)}  disk.qcow2\n`, `${"0".repeat(40)}  disk.qcow2\n`, "<html></html>", ""])
      assert.throws(() => findDigest(text, "disk.qcow2"), { message: /has no SHA-256, SHA-384 or SHA-512 checksum/ });
  });
});
