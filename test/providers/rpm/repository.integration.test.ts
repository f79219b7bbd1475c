import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RpmImageHandler } from "../../../providers/handlers/rpm-image";
import { lookUp } from "../../../providers/rpm/repository";
import { skip } from "../../skip";
import { Played } from "../handlers/played";
import { MadeRepository } from "./made-repository";

describe("packages of a repository", function () {
  this.timeout(240_000);
  let folder: string;
  let repository: MadeRepository;
  const cache = process.env["XDG_CACHE_HOME"];

  beforeEach(async function () {
    if (process.getuid?.() !== 0) skip(this, "needs root");
    for (const tool of MadeRepository.tools) if (!existsSync(tool)) skip(this, `needs ${tool}`);
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-repository-"));
    process.env["XDG_CACHE_HOME"] = join(folder, "cache");
    mkdirSync(join(folder, "images"));
    repository = await MadeRepository.make(folder);
  });
  afterEach(async () => {
    if (cache === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = cache;
    await repository?.dispose();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const args = (names: string[], more: object = {}, image: object = {}) => ({
    machine: { kind: "local" },
    directory: join(folder, "images"),
    packages: names.map((name) => ({ name })),
    repositories: { base: { baseurl: repository.url, gpgkey: [repository.key("right")], ...more } },
    architecture: "x86_64",
    ...image,
  });
  const contents = async (...given: Parameters<typeof args>) => {
    const image = new Played(new RpmImageHandler());
    await image.up(args(...given));
    const { contents } = image.state;
    await image.destroy();
    return contents;
  };
  /** What a preview says, without the image's name before it. */
  const refusal = async (...given: Parameters<typeof args>) => {
    const reasons = await new Played(new RpmImageHandler()).preview(args(...given)).catch((error) => [error.message]);
    return reasons.join("\n").replace(/^image of .*?: (cannot check: )?/, "");
  };

  it("are the newest when the image is made, and stay until it is to be another", async () => {
    repository.add("one", "2.0~rc1-1");
    repository.add("one", "1.10-1");
    repository.add("one", "1.9-5");
    repository.add("two", "9-9");
    repository.add("two", "1:1-1");
    repository.add("two", "1:1-2", { architecture: "aarch64" });
    repository.publish();
    const names = ["one", "two"];
    const image = new Played(new RpmImageHandler());
    assert.deepEqual(await image.preview(args(names)), []);
    await image.up(args(names));
    assert.deepEqual(image.state["contents"], ["one-2.0~rc1-1.noarch", "two-1-1.noarch"]);
    assert.deepEqual(
      image.state["packages"].map(({ found, href }: { found: string; href: string }) => [found, href]),
      [
        ["one-2.0~rc1-1.noarch", "packages/one-2.0~rc1-1.noarch.rpm"],
        ["two-1:1-1.noarch", "packages/two-1-1.noarch.rpm"],
      ],
    );
    assert.equal(readFileSync(join(image.state["path"], "etc/two"), "utf8"), "1:1-1\n");

    repository.add("one", "2.0-1");
    repository.publish();
    repository.asked.splice(0);
    assert.deepEqual(await image.up(args(names)), []);
    assert.deepEqual(await image.refresh(), []);
    assert.deepEqual(await image.up(args(names, {}, { retain: "keep" })), ["retain: live"]);
    assert.equal(repository.asked.join(), "");
    await assert.rejects(image.up(args(names, {}, { serial: "2" })), /would be replaced/);
    assert.ok(repository.asked.includes("/repodata/repomd.xml.asc"));
    await image.up(args(names));
    await image.up(args(names, {}, { retain: "delete" }));
    await image.destroy();

    const base = { gpgkey: [repository.key("right")], gpgcheck: true, repo_gpgcheck: true };
    const all = { base: { ...base, baseurl: `${repository.url}/` } };
    const found = async (spec: string, architecture = "x86_64") =>
      (await lookUp([spec], all, architecture, { progress: () => {} })).get(spec)?.found;
    assert.equal(await found("one"), "one-2.0-1.noarch");
    assert.equal(await found("one-1.9"), "one-1.9-5.noarch");
    assert.equal(await found("two-9-9.noarch"), "two-9-9.noarch");
    assert.equal(await found("two-1:1-2.aarch64"), "two-1:1-2.aarch64");
    assert.equal(await found("two", "aarch64"), "two-1:1-2.aarch64");
  });

  it("are found in lists of every packing", async () => {
    repository.add("one", "1.0-1");
    for (const packing of ["gz", "xz", "bz2"]) {
      repository.publish("--general-compress-type", packing);
      assert.deepEqual(await contents(["one"]), ["one-1.0-1.noarch"], packing);
      assert.ok(
        repository.asked.some((path) => path.endsWith(`-primary.xml.${packing}`)),
        packing,
      );
    }
    repository.publishEdited((primary) => primary);
    assert.deepEqual(await contents(["one"]), ["one-1.0-1.noarch"]);
    assert.ok(repository.asked.includes("/repodata/primary.xml.zst"));
  });

  it("are named with what is near, when there is none of the name", async () => {
    repository.add("nginx", "1.0-1");
    repository.add("nginx", "1.1-1", { architecture: "aarch64" });
    repository.publish();
    const fix = ". Fix: correct the name, or add the repository that has it";
    assert.equal(
      await refusal(["ngnix"]),
      `there is no package "ngnix" for x86_64 in base; near it: nginx (base)${fix}`,
    );
    assert.equal(
      await refusal(["nginx-2.0", "postgresql"]),
      `there is no package "nginx-2.0" for x86_64 in base; there is nginx-1.1-1.aarch64 (base), nginx-1.0-1.noarch (base); there is no package "postgresql" for x86_64 in base, nor one of a similar name${fix}`,
    );
    await repository.close();
    assert.match(
      await refusal(["nginx"]),
      /^repository base: cannot download http:\/\/127\.0\.0\.1:\d+\/repodata\/repomd\.xml: .*Fix: check that the server runs/,
    );
  });

  it("are refused where metadata are not what their keeper signed", async () => {
    repository.add("one", "1.0-1");
    repository.publish();
    const index = join(repository.folder, "repodata/repomd.xml");
    repository.sign("wrong");
    assert.match(
      await refusal(["one"]),
      /^repository base: has a repomd\.xml that is signed with the key [0-9a-f]{16}, which is none of gpgkey\. Fix: add its publisher's key, if you trust it$/,
    );
    repository.sign("right");
    appendFileSync(index, "\n");
    assert.equal(
      await refusal(["one"]),
      "repository base: has a repomd.xml that is not what was signed. Fix: try again later: a mirror may be in the middle of an update; else do not use this one",
    );
    assert.deepEqual(await contents(["one"], { repo_gpgcheck: false }), ["one-1.0-1.noarch"]);
    repository.publish();
    const gpgkey = [repository.key("right"), repository.signInThePast()];
    assert.match(
      await refusal(["one"], { gpgkey }),
      /^repository base: has a repomd\.xml whose signature, or its key [0-9a-f]{16}, has expired or was revoked\. Fix: get the publisher's present key$/,
    );
    rmSync(`${index}.asc`);
    assert.match(
      await refusal(["one"]),
      /^repository base: its metadata are not signed, as far as can be seen: cannot download .*repomd\.xml\.asc: .*404.* Fix: or set repo_gpgcheck: false, where its packages alone are signed$/,
    );
    repository.answers["/repodata/repomd.xml.asc"] = (response) => response.end("nothing");
    assert.equal(
      await refusal(["one"]),
      "repository base: has a repomd.xml.asc that is no detached signature. Fix: ask who keeps the repository",
    );
  });

  it("are refused where a list is not what repomd.xml says, or leads elsewhere, or has no end", async () => {
    repository.add("one", "1.0-1");
    repository.publishEdited((primary) => primary);
    const edited = (from: RegExp, to: string) => {
      repository.publish();
      repository.editIndex((index) =>
        index.replace(/<data type="primary">[^]*?<\/data>/, (data) => data.replace(from, to)),
      );
      return refusal(["one"]);
    };
    assert.match(
      await edited(/(<checksum type="sha256">)[^<]*/, `$1${"0".repeat(64)}`),
      /^repository base: http:.*-primary\.xml\.gz has the SHA-256 digest [0-9a-f]{64}, not 0{64}/,
    );
    assert.match(
      await edited(/<checksum type="sha256">/, '<checksum type="md5">'),
      /^repository base: has checksums of the kind md5 for repomd\.xml, and sha256 is what is checked/,
    );
    for (const href of [
      "../evil.xml.gz",
      "http://192.0.2.1/evil.xml.gz",
      "/evil.xml.gz",
      "a/%2e%2e/evil.xml.gz",
      "a\\evil.gz",
    ])
      assert.equal(
        await edited(/href="[^"]*"/, `href="${href}"`),
        `repository base: says that repomd.xml is at ${JSON.stringify(href)}, which may lead out of its base URL. Fix: do not use this repository, or ask who keeps it`,
      );
    assert.match(await edited(/<size>\d+/, "<size>10"), /-primary\.xml\.gz has more than 10B, which is not read$/);
    assert.match(await edited(/<size>\d+/, "<size>99999999999"), /256MiB is the most that is read$/);

    repository.publishEdited((primary) => primary.replace(/href="[^"]*"/, 'href="../../etc/passwd"'));
    assert.match(
      await refusal(["one"]),
      /^repository base: says that one is at "\.\.\/\.\.\/etc\/passwd", which may lead/,
    );
    repository.publishEdited((primary) => primary.replace(/<location /, '<location xml:base="http://192.0.2.1/" '));
    assert.match(
      await refusal(["one"]),
      /^repository base: says that one is at "http:\/\/192\.0\.2\.1\/", which may lead/,
    );
    repository.publishEdited((primary) => primary.replace("<package ", `<package ${" ".repeat(17 * 2 ** 20)}`));
    assert.match(await refusal(["one"]), /^repository base: has a package in its list that takes more than 16MiB/);

    const flood = Buffer.alloc(2 ** 20);
    repository.answers["/repodata/repomd.xml"] = (response) => {
      const pour = () => {
        while (response.write(flood));
      };
      response.on("drain", pour);
      pour();
    };
    assert.match(await refusal(["one"]), /repomd\.xml has more than 1MiB, which is not read$/);
  });

  it("are refused where they are not what the list says, or not signed", async () => {
    const build = (names: string[], more: object = {}) => contents(names, more);
    repository.add("one", "1.0-1");
    repository.add("bare", "1.0-1", { signer: "nobody" });
    repository.add("foreign", "1.0-1", { signer: "wrong" });
    repository.publish();
    await assert.rejects(build(["bare"]), {
      message:
        /: cannot create: bare-1\.0-1\.noarch\.rpm is not signed, and gpgkey of repository base are given\. Fix: give a signed package, or set gpgcheck: false$/,
    });
    await assert.rejects(build(["foreign"]), {
      message:
        /foreign-1\.0-1\.noarch\.rpm is signed with the key [0-9a-f]{8,16}, which is none of gpgkey of repository base/,
    });
    assert.deepEqual(await build(["bare", "foreign"], { gpgcheck: false }), [
      "bare-1.0-1.noarch",
      "foreign-1.0-1.noarch",
    ]);

    repository.publishEdited((primary) => primary.replace("<name>one</name>", "<name>other</name>"));
    await assert.rejects(build(["other"]), {
      message:
        /: one-1\.0-1\.noarch\.rpm is one-1\.0-1\.noarch, and repository base calls it other-1\.0-1\.noarch\. Fix: do not use/,
    });
    repository.add("two", "1.0-1");
    repository.publish();
    repository.answers["/packages/two-1.0-1.noarch.rpm"] = (response) => response.end("another");
    await assert.rejects(build(["two"]), {
      message: /two-1\.0-1\.noarch\.rpm has the SHA-256 digest [0-9a-f]{64}, not /,
    });
  });
});
