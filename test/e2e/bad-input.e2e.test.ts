import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { provider } from "../../providers/handlers";
import { open } from "../../providers/libvirt/open";
import { type Args, guest, plain, subnet } from "./bad-input-cases";
import { diagnostics, FaultHost } from "./fault-host";
import type { Project } from "./project";

/** The reasons why a preview refuses a new resource. */
async function reasons(kind: string, args: Args): Promise<string[]> {
  const { failures } = await provider(kind).check({}, { ...args });
  for (const { property } of failures) assert.equal(property, "", "Pulumi would print the property's value");
  return failures.map(({ reason }) => reason);
}

function assertReasons(got: string[], expected: (string | RegExp)[]): void {
  assert.equal(got.length, expected.length, got.join("\n") || "nothing is refused");
  expected.forEach((one, at) => (typeof one === "string" ? assert.equal(got[at], one) : assert.match(got[at]!, one)));
  for (const reason of got) assert.doesNotMatch(reason, /\n +at |undefined|\[object/);
}

describe("bad input", () => {
  for (const [kind, args, ...expected] of plain)
    it(`${kind} ${JSON.stringify(args)}`, async () => assertReasons(await reasons(kind, args), expected));
});

describe("bad input that only the host knows", function () {
  this.timeout(600_000);
  let host: FaultHost;
  let project: Project;
  let closed: string;

  before(async function () {
    host = await FaultHost.start(this);
    project = await host.project(there());
    await project.up();
    const connection = await open(host.uri);
    await connection.networkDefineXML(
      `<network><name>taken</name><bridge name="virbr77"/><ip address="10.213.77.1" netmask="255.255.255.0"/></network>`,
    );
    closed = mkdtempSync(join(tmpdir(), "pulumi-kvm-closed-"));
    chmodSync(closed, 0o700);
    mkdirSync(join(closed, "pool"));
    writeFileSync(join(closed, "none.img"), "this is no image");
  });

  after(async () => {
    await host?.stop();
    if (closed) rmSync(closed, { recursive: true, force: true });
  });

  /** A pool with a volume that a guest uses. */
  function there(capacity = "2GiB", format = "qcow2"): string {
    return `
      const pool = new kvm.StoragePool("images", { connection, path: ${JSON.stringify(host.poolPath)} });
      const used = new kvm.Volume("used", { connection, pool: pool.name, capacity: "${capacity}", format: "${format}", retain: "delete" });
      new kvm.Domain("guest", { connection, memory: "64MiB", accelerator: "tcg", state: "paused",
        disks: [{ volume: { pool: pool.name, name: used.name }, format: "qcow2" }] });
    `;
  }

  /** Kind, arguments and the reason behind the object's name. */
  const cases: [kind: string, args: () => Args, reason: RegExp][] = [
    [
      "Network",
      () => ({ ...subnet, name: "taken" }),
      /^network taken on \S+: name: a network named "taken" already exists\. Fix: set adopt: "taken" to take it over, or choose another name$/,
    ],
    ["Network", () => ({ ...subnet, ipv4: "10.213.77.0/24" }), /^network n on \S+: ipv4: .*10\.213\.77\.0\/24.*taken/],
    [
      "StoragePool",
      () => ({ name: "images", path: "/srv/x" }),
      /^storage pool images on \S+: name: a storage pool named "images" already exists/,
    ],
    [
      "StoragePool",
      () => ({ name: "other", path: host.poolPath }),
      /^storage pool other on \S+: path: \S+ already belongs to the storage pool "images".* Fix: use that pool \(adopt: "images"\), or choose another path$/,
    ],
    [
      "Volume",
      () => ({ name: "v", pool: "imagse", capacity: "1GiB" }),
      /^volume imagse\/v on \S+: pool: there is no storage pool "imagse"; did you mean "images"\? On the host: "images"\. Fix: /,
    ],
    [
      "Volume",
      () => ({ name: "used", pool: "images", capacity: "1GiB" }),
      /^volume images\/used on \S+: name: a volume in images named "used" already exists\. Fix: /,
    ],
    [
      "Volume",
      () => ({ name: "v", pool: "images", capacity: "100TiB", preallocation: "full" }),
      /^volume images\/v on \S+: pool: storage pool images has \d+ MiB free, 104857600 MiB are needed\. Fix: make room on the host, or use another pool$/,
    ],
    [
      "Volume",
      () => ({ name: "v", pool: "images", source: { path: "/no/such.img" } }),
      /^volume images\/v on \S+: source: \/no\/such\.img does not exist on this machine\. Fix: correct the path/,
    ],
    [
      "Volume",
      () => ({ name: "v", pool: "images", source: { path: join(closed, "none.img") } }),
      /: format: \S+none\.img is raw, not qcow2\. Fix: set format: "raw"$/,
    ],
    [
      "Volume",
      () => ({ name: "v", pool: "images", adopt: "v" }),
      /: adopt: there is no volume "v" in images to adopt\. Fix: leave adopt out to make a new one$/,
    ],
    [
      "Domain",
      () => ({ ...guest, name: "guest" }),
      /^domain guest on \S+: name: a domain named "guest" already exists\. Fix: /,
    ],
    ["Domain", () => ({ ...guest, adopt: "nobody" }), /: adopt: there is no domain "nobody" to adopt\. Fix: /],
    [
      "Domain",
      () => ({ ...guest, memory: "1000TiB" }),
      /: memory: 1000TiB is more than the host has: \w+\. Fix: ask for less$/,
    ],
    ["Domain", () => ({ ...guest, machine: "q36" }), /: machine: "q36" is not known there; did you mean "q35"\?/],
    [
      "Domain",
      () => ({ ...guest, nics: [{ network: "takne" }] }),
      /: nics\.0\.network: there is no network "takne"; did you mean "taken"\? On the host: .*"taken".* Fix: declare it as a Network/,
    ],
    [
      "Domain",
      () => ({ ...guest, disks: [{ volume: { pool: "image", name: "v" } }] }),
      /: disks\.0\.volume: there is no storage pool "image"; did you mean "images"\?/,
    ],
    [
      "Domain",
      () => ({ ...guest, disks: [{ volume: { pool: "images", name: "usde" } }] }),
      /: disks\.0\.volume: there is no volume in images "usde"; did you mean "used"\? On the host: "used"\. Fix: declare it as a Volume/,
    ],
  ];
  for (const [kind, args, reason] of cases)
    it(`${kind}: ${reason.source.replaceAll("\\", "")}`, async () =>
      assertReasons(await reasons(kind, { connection: host.uri, ...args() }), [reason]));

  it("a folder that QEMU's user cannot enter, and a subnet that the host has, in one go", async function () {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === "IPv4" && !address.internal);
    const base = own?.address.replace(/\.\d+$/, ".0");
    const subnets = base ? [{ name: "clash", subnet: `${base}/24` }] : [];
    const got = await reasons("Host", { directories: [join(closed, "pool")], subnets });
    const [folder] = got.filter((reason) => reason.includes(": directories: "));
    assert.match(
      folder!,
      /^host qemu:\/\/\/system: directories: QEMU's user \S+ may not enter (\S+): .* Fix: (chmod o\+x|setfacl --modify user:\S+:x) \1/,
    );
    if (base)
      assert.ok(
        got.some((reason) => reason.includes(`subnet ${base}/24 of network clash overlaps`)),
        got.join("\n"),
      );
  });

  it("misspelt fields beside values that are not known yet", async () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    const got = await reasons("Domain", {
      ...guest,
      disks: [{ path: unknown, bsu: "scsi" }],
      nics: [{ network: unknown }],
      memroy: 1,
    });
    assert.equal(got.length, 2, got.join("\n"));
    assert.match(got[0]!, /^disks\.0\.bsu: unknown field "bsu"; did you mean "bus"\?/);
    assert.match(got[1]!, /^memroy: unknown field "memroy"; did you mean "memory"\?/);
  });

  /** What the CLI prints of the errors; the preview must have failed and nothing may have changed. */
  async function refused(body: string): Promise<string> {
    const before = await project.stateFile();
    await project.write(host.program(body));
    const { exitCode, stdout, stderr } = await project.attempt("preview");
    assert.notEqual(exitCode, 0, stdout);
    assert.equal(stderr, "");
    assert.equal(await project.stateFile(), before);
    assert.doesNotMatch(stdout, /^ +at /m);
    return diagnostics(stdout);
  }

  it("shrinking a volume, in the words of the CLI, changes nothing", async () => {
    const printed = await refused(there("1GiB"));
    assert.match(
      printed,
      /Volume \(used\):\n +error: pulumi-nodejs:dynamic\/kvm:Volume resource 'used' has a problem: volume images\/used on \S+: capacity: 2GiB -> 1GiB would cut off data; volumes only grow\. Fix: set capacity: "2GiB", or copy the data to a new, smaller volume\n/,
    );
    assert.ok(existsSync(join(host.poolPath, "used")));
  });

  it("replacing a volume in use is refused with its users", async () => {
    assert.match(
      await refused(there("2GiB", "raw")),
      /volume images\/used on \S+: format: the volume would be replaced while it is in use: .*guest.*\. Fix: undo the change, or remove these first\n/,
    );
  });

  it("each error once, under its own resource, and no secret in it", async () => {
    const printed = await refused(`${there()}
      new kvm.Command("seed", { machine: { kind: "local" }, create: ["true"], stdin: pulumi.secret(["hunter2"]) });
    `);
    assert.equal(printed.match(/error:/g)?.length, 1, printed);
    assert.match(printed, /Command resource 'seed' has a problem: stdin: is not text\. Allowed: a string\n/);
    assert.doesNotMatch(printed, /hunter2/);
  });
});
