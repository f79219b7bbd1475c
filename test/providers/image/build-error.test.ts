import assert from "node:assert/strict";
import { explain, ranOutOfSpace } from "../../../providers/image/build-error";
import { CommandError } from "../../../providers/machine/command-error";

const failed = (stderr: string, rest: object = {}) =>
  new CommandError({ argv: ["unshare"], machine: "ssh kvm1", exitCode: 1, stdout: "", stderr, ...rest });
const message = (stderr: string) => (explain(failed(stderr), "ssh kvm1") as Error).message;

describe("build errors", () => {
  const known: [string, RegExp][] = [
    [
      "kvm-image: missing: mmdebstrap qemu-img",
      /^mmdebstrap, qemu-img are not installed on ssh kvm1\. Fix: apt-get install mmdebstrap qemu-utils/,
    ],
    ["sh: 1: unshare: not found", /^unshare is not installed on ssh kvm1\. Fix: apt-get install util-linux/],
    [
      "unshare: unshare failed: Operation not permitted",
      /^ssh kvm1 may not mount .* Fix: use a machine that works as root/,
    ],
    ["kvm-image: folder: /images does not exist", /^\/images does not exist\. Fix: declare the pool/],
    ["kvm-image: service ngnix: cannot enable", /^ngnix: cannot enable\. Fix: correct files and services/],
    ["E: Unable to locate package ngnix\nE: mmdebstrap failed", /^there is no package ngnix\. Fix: check its spelling/],
    ["E: Package 'vim' has no installation candidate", /^there is no package vim\./],
    ["E: Version '1' for 'vim' was not found", /^there is no package vim\./],
    [
      "E: The repository 'http://m bokworm Release' does not have a Release file.",
      /^the mirror does not have the suite\./,
    ],
    ["Err:1 http://m bookworm InRelease\n  Could not resolve 'm'", /^ssh kvm1 cannot reach the package mirror\./],
    ["W: GPG error: ... NO_PUBKEY 0E98404D386FA1D9", /^the mirror's signature cannot be verified\./],
    [
      "__populate_fs: Could not allocate block in ext2 filesystem while writing file",
      /do not fit into the image\. Fix: give it a larger size/,
    ],
    ["qemu-img: error while writing: No space left on device", /^no space is left on ssh kvm1\./],
  ];
  for (const [stderr, expected] of known)
    it(`explains: ${stderr.split("\n")[0]}`, () => {
      assert.match(message(stderr), expected);
      assert.match(message(stderr), /The last lines were:/);
    });

  it("shows the last lines of what it does not know", () => {
    const lines = [...Array(50).keys()].map((number) => `line ${number}`).join("\n");
    assert.match(message(lines), /^it failed on ssh kvm1\nThe last lines were:\n {2}line 30\n[^]*line 49$/);
  });

  it("passes other errors on", () => {
    const error = new Error("other");
    assert.equal(explain(error, "x"), error);
    assert.equal(ranOutOfSpace(error), false);
    assert.equal(ranOutOfSpace(failed("tar: No space left on device")), true);
  });
});
