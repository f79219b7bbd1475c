import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as v from "valibot";
import { recipeOf } from "../../../providers/image/recipe";
import { bootstrapImageSchema } from "../../../providers/schema/bootstrap-image";

const base = { machine: { kind: "local" }, directory: "/images" };
const recipe = (args: object) => recipeOf(v.parse(bootstrapImageSchema, { ...base, ...args }));
const member = (args: object, name: string) =>
  execFileSync("tar", ["-x", "-O", name], { input: recipe(args).archive }).toString();

describe("recipe", () => {
  it("is named after its content", () => {
    const { name, hash, size } = recipe({});
    assert.match(hash, /^[0-9a-f]{12}$/);
    assert.equal(name, `debian-bookworm-${hash}`);
    assert.equal(size, 4 * 2 ** 30);
    assert.match(recipe({ suite: "noble" }).name, /^ubuntu-noble-/);
  });

  it("is the same for what means the same", () => {
    const { hash } = recipe({ packages: ["nginx", "curl"], files: { "/b": "2", "/a": "1" } });
    const same = [
      { packages: ["curl", "nginx", "curl"], files: { "/a": "1", "/b": "2" } },
      {
        packages: ["nginx", "curl"],
        files: { "/a": { content: "1", mode: "0644" }, "/b": { content: "2", mode: "644" } },
      },
      { packages: ["nginx", "curl"], files: { "/b": "2", "/a": "1" }, machine: { kind: "ssh", host: "kvm1" } },
      { packages: ["nginx", "curl"], files: { "/b": "2", "/a": "1" }, directory: "/elsewhere", retain: "keep" },
      { packages: ["nginx", "curl"], files: { "/b": "2", "/a": "1" }, size: 4 * 2 ** 30, suite: "bookworm" },
    ];
    for (const args of same) assert.equal(recipe(args).hash, hash, JSON.stringify(args));
  });

  it("is another one for everything that makes another image", () => {
    const different = [
      {},
      { format: "directory" },
      { suite: "trixie" },
      { architecture: "arm64" },
      { components: ["main", "contrib"] },
      { mirror: "http://mirror.example.org/debian" },
      { packages: ["nginx"] },
      { kernelPackage: "linux-image-amd64" },
      { size: "8GiB" },
      { files: { "/a": "1" } },
      { files: { "/a": "2" } },
      { files: { "/a": { content: "1", mode: "0600" } } },
      { files: { "/b": "1" } },
      { services: { nginx: true } },
      { services: { nginx: false } },
      { sshAuthorizedKeys: ["ssh-ed25519 AAAA"] },
      { serial: "2" },
    ];
    const hashes = different.map((args) => recipe(args).hash);
    assert.equal(new Set(hashes).size, different.length);
  });

  it("of a folder has no kernel, no agent and no device manager", () => {
    const folder = { format: "directory" };
    assert.equal(recipe(folder).size, 0);
    assert.doesNotMatch(member(folder, "packages"), /qemu-guest-agent|udev|busybox/);
    assert.match(member({}, "packages"), /^qemu-guest-agent$/m);
    assert.doesNotMatch(member(folder, "files"), /fstab|udev/);
    assert.doesNotMatch(member(folder, "customise"), /vmlinuz/);
    assert.doesNotMatch(member(folder, "enable"), /udev/);
  });

  it("takes mirrors as URLs and as lines", () => {
    const line = "deb [signed-by=/k.gpg] http://m/debian-security bookworm-security main";
    const mirror = ["http://m/debian", line];
    assert.equal(
      member({ mirror, components: ["main", "contrib"] }, "sources"),
      `deb http://m/debian bookworm contrib main\n${line}\n`,
    );
    assert.equal(member({}, "sources"), "");
  });

  it("brings the ssh server in with keys only", () => {
    assert.doesNotMatch(member({}, "packages"), /openssh/);
    const args = { sshAuthorizedKeys: ["ssh-ed25519 AAAA me"] };
    assert.match(member(args, "packages"), /^openssh-server$/m);
    const [, number] = /^(\d+) 0600 \/root\/\.ssh\/authorized_keys$/m.exec(member(args, "files"))!;
    assert.equal(member(args, `files.${number}`), "ssh-ed25519 AAAA me\n");
  });

  it("lets a file of the program's win over ours", () => {
    const args = { files: { "/etc/hosts": "mine\n" } };
    const [, number] = /^(\d+) 0644 \/etc\/hosts$/m.exec(member(args, "files"))!;
    assert.equal(member(args, `files.${number}`), "mine\n");
  });
});
