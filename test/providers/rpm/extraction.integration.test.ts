import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RpmImageHandler } from "../../../providers/handlers/rpm-image";
import { skip } from "../../skip";
import { Played } from "../handlers/played";
import { builtRpm, payloads } from "./built-rpm";
import { madeRpm } from "./made-rpm";
import { ownersIn, placesByCpio, placesIn } from "./unpacked-tree";

const install = `
mkdir -p usr/bin etc/demo/empty usr/share/demo var/log
printf '#!/bin/sh\\necho hello\\n' >usr/bin/hello
head -c 3000000 /dev/urandom >usr/share/demo/random
head -c 5000000 /dev/zero >usr/share/demo/zeros
: >usr/share/demo/nothing
echo name >"usr/share/demo/a name with blanks"
echo long >usr/share/demo/$(printf 'long%.0s' $(seq 40))
ln usr/share/demo/random usr/share/demo/random.link
ln -s ../usr/share/demo etc/demo.link
ln -s /etc/passwd etc/absolute.link
touch -d '2001-02-03 04:05:06 UTC' usr/share/demo/nothing
chmod 700 etc/demo
touch var/log/demo
cp usr/bin/hello usr/bin/ping
mkfifo var/pipe`;

const files = `
%attr(0755,root,root) /usr/bin/hello
%attr(4755,root,root) /usr/share/demo/zeros
/usr/share/demo/random*
/usr/share/demo/nothing
/usr/share/demo/a*
/usr/share/demo/long*
/etc/demo
/etc/*.link
%caps(cap_net_admin,cap_net_raw=ep) /usr/bin/ping
%attr(0640,daemon,games) /var/pipe
%dev(c,1,3) %attr(0666,root,root) /srv/null
%dev(b,7,200) %attr(0660,root,disk) /srv/loop
%ghost /var/log/demo`;

describe("images out of RPMs that rpmbuild made", function () {
  this.timeout(120_000);
  let folder: string;
  let images: string;

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root");
    for (const tool of ["bin/rpmbuild", "bin/rpm2cpio", "bin/cpio", "bin/rpmsign", "bin/gpg", "sbin/getcap"])
      if (!existsSync(`/usr/${tool}`)) skip(this, `needs ${tool}`);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-rpm-"));
    images = join(folder, "images");
    mkdirSync(images);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const sum = (path: string) => execFileSync("sha256sum", [path]).toString().slice(0, 64);
  const args = (paths: string[], more: object = {}) => ({
    machine: { kind: "local" },
    directory: images,
    packages: paths.map((path) => ({ path, sha256: sum(path) })),
    ...more,
  });

  for (const payload of Object.keys(payloads) as (keyof typeof payloads)[])
    it(`are as rpm2cpio and cpio unpack them: ${payload}`, async () => {
      const rpm = builtRpm(folder, { name: "demo", install, files, payload });
      const expected = placesByCpio(rpm, join(folder, "theirs"));
      assert.ok(Object.keys(expected).length > 16);
      const image = new Played(new RpmImageHandler());
      const inputs = args([rpm], { devices: true, ...ownersIn(rpm) });
      assert.deepEqual(await image.preview(inputs), []);
      await image.up(inputs);
      assert.deepEqual(placesIn(image.state["path"]), expected);
      assert.deepEqual(image.state["contents"], ["demo-1.0-1.noarch"]);
      assert.deepEqual(await image.up(inputs), []);
      assert.deepEqual(await image.refresh(), []);
      await image.destroy();
      assert.deepEqual(readdirSync(images), []);
    });

  it("have no devices unless they are wanted, and give nobody power where setuid is false", async () => {
    const rpm = builtRpm(folder, { name: "demo", install, files });
    const image = new Played(new RpmImageHandler());
    const owners = ownersIn(rpm);
    const [reason] = await image.preview(args([rpm], owners));
    assert.match(
      reason!,
      /: packages: device nodes are not unpacked: \/srv\/loop in demo\.rpm, \/srv\/null in demo\.rpm\. Fix: set devices: true/,
    );
    await assert.rejects(image.up(args([rpm], owners)), /device nodes are not unpacked/);
    assert.deepEqual(readdirSync(images), []);
    await image.up(args([rpm], { devices: true, setuid: false, ...owners }));
    const { "/usr/bin/ping": ping, "/usr/share/demo/zeros": zeros } = placesIn(image.state["path"]);
    assert.deepEqual([ping!.capabilities, zeros!.mode], [undefined, "755"]);
    await image.destroy();
  });

  it("are layered, as a tar archive too, and say which scripts were not run and what none of them has", async () => {
    const one = builtRpm(folder, {
      name: "one",
      install: "mkdir etc; echo 1 >etc/motd; echo 1 >etc/one",
      files: "/etc/*",
      requires: [
        "Requires: two > 5",
        "Requires: /etc/motd",
        "Requires: libother.so.1()(64bit)",
        "Requires(post): three",
      ],
    });
    const two = builtRpm(folder, {
      name: "two",
      install: "mkdir etc; echo 2 >etc/motd",
      files: "/etc/motd",
      more: `%post\ntouch ${folder}/ran`,
    });
    const image = new Played(new RpmImageHandler());
    const [reason] = await image.preview(args([one, two]));
    assert.match(
      reason!,
      /packages: packages do not go together:\n {2}\/etc\/motd is in one\.rpm and two\.rpm with another content\. Fix: leave/,
    );
    await image.up(args([one, two], { conflicts: "last", format: "tar" }));
    const listed = execFileSync("tar", ["-xOf", image.state["path"], "etc/motd", "etc/one"], { encoding: "utf8" });
    assert.equal(listed, "2\n1\n");
    assert.deepEqual(image.state["overridden"], ["/etc/motd"]);
    assert.deepEqual(image.state["scriptlets"], ["two-1.0-1.noarch: %post"]);
    assert.deepEqual(image.state["unmet"], ["one-1.0-1.noarch: libother.so.1()(64bit)"]);
    assert.equal(existsSync(join(folder, "ran")), false);
    await image.destroy();
    assert.deepEqual(readdirSync(images), []);
  });

  it("are disks with a file system, which has what rpm2cpio and cpio unpack", async function () {
    if (!existsSync("/usr/bin/qemu-img")) skip(this, "needs qemu-img");
    const rpm = builtRpm(folder, { name: "demo", install, files });
    const image = new Played(new RpmImageHandler());
    await image.up(args([rpm], { format: "qcow2", size: "64MiB", devices: true, ...ownersIn(rpm) }));
    const raw = join(folder, "raw");
    execFileSync("qemu-img", ["convert", "-O", "raw", image.state["path"], raw]);
    const ask = (request: string) =>
      execFileSync("debugfs", ["-R", request, raw], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    assert.equal(ask("cat /usr/bin/hello"), "#!/bin/sh\necho hello\n");
    assert.match(ask("ea_list /usr/bin/ping"), /security\.capability \(20\)/);
    assert.match(ask("stat /srv/null"), /Type: character special.*Device major\/minor number: 01:03/s);
    await image.destroy();
    assert.deepEqual(readdirSync(images), []);
    const mounted = join(folder, "mounted");
    mkdirSync(mounted);
    if (spawnSync("mount", ["-o", "loop,ro", raw, mounted]).status !== 0)
      skip(this, "needs to mount a file system in a file");
    try {
      const { "/lost+found": made, ...places } = placesIn(mounted);
      assert.equal(made?.kind, "04");
      assert.deepEqual(places, placesByCpio(rpm, join(folder, "theirs")));
    } finally {
      execFileSync("umount", [mounted]);
    }
  });

  it("are checked for signatures where keys are given", async () => {
    const rpm = builtRpm(folder, { name: "demo", install: "mkdir etc; echo a >etc/a", files: "/etc/a" });
    const signed = join(folder, "signed.rpm");
    copyFileSync(rpm, signed);
    const GNUPGHOME = mkdtempSync("/tmp/gpg-");
    const gpg = (...words: string[]) =>
      execFileSync("gpg", ["--batch", "--quiet", "--passphrase", "", ...words], {
        env: { ...process.env, GNUPGHOME },
      }).toString();
    try {
      for (const name of ["right", "wrong"]) gpg("--quick-gen-key", `${name}@example.org`, "rsa2048", "sign", "never");
      const [right, wrong] = ["right", "wrong"].map((name) => gpg("--armor", "--export", `${name}@example.org`)) as [
        string,
        string,
      ];
      execFileSync(
        "rpmsign",
        ["--define", "_gpg_name right@example.org", "--define", "__gpg /usr/bin/gpg", "--addsign", signed],
        {
          env: { ...process.env, GNUPGHOME },
          stdio: "ignore",
        },
      );
      const image = new Played(new RpmImageHandler());
      const reasons = async (path: string, ...keys: string[]) =>
        (await image.preview(args([path], { keys }))).map((reason) => reason.replace(/^.*?: (?=keys|packages)/, ""));
      assert.deepEqual(await reasons(signed, right), []);
      assert.deepEqual(await reasons(signed, wrong, right), []);
      assert.deepEqual(await reasons(rpm, right), [
        "keys: demo.rpm is not signed, and keys are given. Fix: give a signed package, or leave keys out",
      ]);
      assert.match(
        (await reasons(signed, wrong))[0]!,
        /^keys: signed\.rpm is signed with the key [0-9a-f]{8,16}, which is none of keys\. Fix: add its publisher's key, if you trust it$/,
      );
      const replaced = readFileSync(signed);
      replaced[replaced.length - 20]! ^= 1;
      writeFileSync(join(folder, "replaced.rpm"), replaced);
      assert.deepEqual(await reasons(join(folder, "replaced.rpm"), right), [
        "packages: replaced.rpm is damaged: its payload does not have the digest that its header says. Fix: fetch it again",
      ]);
      await image.up(args([signed], { keys: [right] }));
      await image.destroy();
    } finally {
      execFileSync("gpgconf", ["--kill", "gpg-agent"], { env: { ...process.env, GNUPGHOME } });
      rmSync(GNUPGHOME, { recursive: true, force: true });
    }
  });

  it("come from a URL through the cache, with the digest that is given", async () => {
    const rpm = madeRpm(join(folder, "made.rpm"), { files: [{ path: `/etc/${process.pid}`, content: folder }] });
    const before = process.env["XDG_CACHE_HOME"];
    process.env["XDG_CACHE_HOME"] = join(folder, "cache");
    try {
      const image = new Played(new RpmImageHandler());
      const from = (sha256: string) => ({ ...args([]), packages: [{ url: `file://${rpm}`, sha256 }] });
      await assert.rejects(
        image.up(from("0".repeat(64))),
        /made\.rpm has the SHA-256 digest [0-9a-f]{64}, not 0{64}\. Fix: check that url/,
      );
      assert.deepEqual(readdirSync(join(folder, "cache/pulumi-kvm/rpm")), []);
      await image.up(from(sum(rpm)));
      assert.equal(readFileSync(join(image.state["path"], "etc", String(process.pid)), "utf8"), folder);
      await image.destroy();
    } finally {
      if (before === undefined) delete process.env["XDG_CACHE_HOME"];
      else process.env["XDG_CACHE_HOME"] = before;
    }
  });

  it("are not there when a package is not what it says, found midway", async () => {
    const content = "x".repeat(2_000_000);
    const bad = { path: "/z", content: "ab", payloadContent: "ba" };
    const rpm = madeRpm(join(folder, "made.rpm"), { files: [{ path: "/a", content }, bad] });
    await assert.rejects(new Played(new RpmImageHandler()).up(args([rpm])), {
      message:
        /: cannot create: made\.rpm is damaged: the content of \/z does not have the digest that its header says\. Fix: fetch it again$/,
    });
    assert.deepEqual(readdirSync(images), []);
  });

  it("hold files of over 4 GiB", async function () {
    if (!process.env["PULUMI_KVM_LARGE_TESTS"]) skip(this, "takes a minute and a half: set PULUMI_KVM_LARGE_TESTS=1");
    this.timeout(300_000);
    const free = Number(execFileSync("df", ["--output=avail", "-B1", folder]).toString().split("\n")[1]);
    if (free < 20 * 2 ** 30) skip(this, "needs 20 GiB of disk");
    const size = 4 * 2 ** 30 + 12345;
    const rpm = builtRpm(folder, {
      name: "large",
      install: `mkdir srv; truncate -s ${size} srv/large; echo end >srv/small`,
      files: "/srv/*",
      payload: "zstd",
    });
    const image = new Played(new RpmImageHandler());
    await image.up(args([rpm]));
    assert.equal(statSync(join(image.state["path"], "srv/large")).size, size);
    assert.equal(readFileSync(join(image.state["path"], "srv/small"), "utf8"), "end\n");
    await image.destroy();
  });
});
