import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { LocalHost } from "./local-host";
import { Project } from "./project";
import { servedBootId, smallStack, type SmallStack, type SmallStackOutputs } from "./small-stack";

const secretTitle = "only-for-operators-4711";
const MiB = 1024 * 1024;

describe("changing what runs", function () {
  this.timeout(300_000);
  let host: LocalHost;
  let project: Project;
  let shape: SmallStack;
  let first: SmallStackOutputs;

  before(async function () {
    host = await LocalHost.prepare(this, "e2e-change");
    shape = { subnet: "10.214.1.0/24", memory: "128MiB", maxMemory: "192MiB", root: "64MiB", nics: 1, secretTitle };
    project = await Project.create(smallStack(host, shape));
  });

  after(async () => {
    await project?.dispose();
    await host?.dispose();
  });

  /** Edits the program, and tells what the preview says; resources are looked at in any order. */
  async function edit(change: Partial<SmallStack>): Promise<string[]> {
    await project.write(smallStack(host, { ...shape, ...change }));
    return (await project.plan()).sort();
  }

  /** Brings the edited program up; afterwards nothing is left to do. */
  async function apply(change: Partial<SmallStack>, plan: string[]): Promise<SmallStackOutputs> {
    assert.deepEqual(await edit(change), plan.sort());
    shape = { ...shape, ...change };
    await project.up();
    assert.deepEqual(await project.plan(), []);
    return project.outputs();
  }

  /** The guest is the same one, and has not been booted since. */
  async function assertUndisturbed(outputs: SmallStackOutputs): Promise<void> {
    assert.equal(outputs.uuid, first.uuid);
    assert.equal(outputs.bootId, first.bootId);
    assert.equal(await servedBootId(outputs), first.bootId);
  }

  const sizeOf = async (disk: string) => 512 * Number(await host.inGuest(first.uuid, "cat", `/sys/block/${disk}/size`));

  it("begins with a guest that serves, and a preview without change", async () => {
    await project.up();
    first = await project.outputs();
    assert.match(first.ipv4, /^10\.214\.1\./);
    assert.equal(await servedBootId(first), first.bootId);
    assert.equal(await host.virsh("domuuid", host.label), first.uuid);
    assert.deepEqual(await project.plan(), []);
  });

  it("keeps each resource's program under 512 bytes and equal for its kind, and secrets encrypted", async () => {
    const shells = new Map<string, Set<string>>();
    for (const { urn, inputs } of await project.state()) {
      const program = (inputs as { __provider?: string } | undefined)?.__provider;
      if (program === undefined) continue;
      assert.ok(program.length < 512, `${urn} has ${program.length} bytes`);
      const kind = urn.split("::").at(-2)!;
      shells.set(kind, (shells.get(kind) ?? new Set()).add(program));
    }
    assert.equal(shells.size, 4);
    for (const [kind, programs] of shells) assert.equal(programs.size, 1, kind);
    assert.equal(await host.virsh("desc", host.label, "--title"), secretTitle);
    assert.ok(!(await project.stateFile()).includes(secretTitle));
    await project.refresh();
    assert.ok(!(await project.stateFile()).includes(secretTitle), "after a refresh");
  });

  it("tells of a secret that it changes, and neither what it was nor what it will be", async () => {
    const other = "only-for-operators-4712";
    await project.write(smallStack(host, { ...shape, secretTitle: other }));
    const { stdout, stderr } = await project.pulumi("preview", "--diff", "--non-interactive");
    assert.match(stdout + stderr, /title changes \(live\)/);
    assert.doesNotMatch(stdout + stderr, /only-for-operators/);
  });

  it("gives more memory while the guest runs", async () => {
    await assertUndisturbed(await apply({ memory: "160MiB" }, ["update Domain guest"]));
    const [, actual] = /^actual (\d+)$/m.exec(await host.virsh("dommemstat", host.label))!;
    assert.equal(Number(actual), 160 * 1024);
  });

  it("plugs in a NIC", async () => {
    const outputs = await apply({ nics: 2 }, ["update Domain guest"]);
    await assertUndisturbed(outputs);
    assert.equal(outputs.addresses.length, 2);
    for (const { ipv4 } of outputs.addresses) assert.match(ipv4[0] ?? "none", /^10\.214\.1\./);
  });

  it("makes a data disk and plugs it in", async () => {
    await assertUndisturbed(await apply({ data: "32MiB" }, ["create Volume data", "update Domain guest"]));
    assert.equal(await sizeOf("vdb"), 32 * MiB);
  });

  it("adds a fixed lease to the running network", async () => {
    const dnsmasq = () => readFile(`/run/libvirt/network/${host.label}.pid`, "utf8");
    const index = () => readFile(`/sys/class/net/${first.bridge}/ifindex`, "utf8");
    const before = [await dnsmasq(), await index()];
    const lease = { mac: "52:54:00:d6:01:01", ip: "10.214.1.250", name: "printer" };
    const outputs = await apply({ hosts: [lease] }, ["update Network net"]);
    await assertUndisturbed(outputs);
    assert.equal(outputs.network, first.network);
    assert.match(
      await host.virsh("net-dumpxml", host.label),
      /<host mac='52:54:00:d6:01:01' name='printer' ip='10.214.1.250'\/>/,
    );
    assert.deepEqual([await dnsmasq(), await index()], before, "the network was restarted");
  });

  it("grows both disks under the running guest", async () => {
    // What a volume computes is not known in a preview that changes it, and the guest's disks are that.
    const plan = ["update Volume root", "update Volume data", "update Domain guest"];
    await assertUndisturbed(await apply({ root: "96MiB", data: "48MiB" }, plan));
    assert.equal(await sizeOf("vda"), 96 * MiB);
    assert.equal(await sizeOf("vdb"), 48 * MiB);
  });

  it("refuses at preview what disturbs more than the program allows", async () => {
    await project.write(smallStack(host, { ...shape, memory: "256MiB", maxMemory: "256MiB", disruption: "live" }));
    const { exitCode, stdout } = await project.attempt("preview");
    assert.notEqual(exitCode, 0);
    assert.match(
      stdout,
      /memory 160MiB -> 256MiB \(reboot: maxMemory 192MiB leaves no room\) disturbs more than is allowed: live\./,
    );
    const up = await project.attempt("up", "--yes", "--skip-preview");
    assert.notEqual(up.exitCode, 0);
    await project.write(smallStack(host, shape));
    assert.deepEqual(await project.plan(), []);
    await assertUndisturbed(await project.outputs());
    assert.match(await host.virsh("dominfo", host.label), /Max memory: +196608 KiB/);
  });

  it("reboots the same guest for more memory than it has room for", async () => {
    const outputs = await apply({ memory: "256MiB", maxMemory: "256MiB" }, ["update Domain guest"]);
    assert.equal(outputs.uuid, first.uuid);
    assert.notEqual(outputs.bootId, first.bootId);
    assert.equal(await servedBootId(outputs), outputs.bootId);
    first = outputs;
  });

  it("plugs the NIC and the disk out again, and deletes the disk", async () => {
    const outputs = await apply({ nics: 1, data: undefined }, ["update Domain guest", "delete Volume data"]);
    await assertUndisturbed(outputs);
    assert.equal(outputs.addresses.length, 1);
    assert.deepEqual(await readdir(`${host.folder}/pool`), ["root.qcow2"]);
    assert.equal(await host.inGuest(first.uuid, "ls", "/sys/block"), "vda");
  });

  it("leaves nothing behind", async () => {
    const { bridge } = first;
    const kinds = new Set((await host.traces(bridge)).map((line) => line.split(" ")[0]));
    assert.deepEqual([...kinds].sort(), ["domain", "file", "interface", "network", "pool", "process", "rule"]);
    await project.destroy();
    assert.deepEqual(await host.traces(bridge), []);
    assert.deepEqual(await readdir(host.folder), []);
  });
});
