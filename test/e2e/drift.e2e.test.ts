import assert from "node:assert/strict";
import { rm, stat } from "node:fs/promises";
import { LocalHost } from "./local-host";
import { Project } from "./project";
import { servedBootId, smallStack, type SmallStack, type SmallStackOutputs } from "./small-stack";

describe("changes behind the operator's back", function () {
  this.timeout(300_000);
  let host: LocalHost;
  let project: Project;
  let was: SmallStackOutputs;

  before(async function () {
    host = await LocalHost.prepare(this, "e2e-drift");
    const shape: SmallStack = { subnet: "10.214.2.0/24", memory: "128MiB", root: "64MiB", nics: 1 };
    project = await Project.create(smallStack(host, shape));
    await project.up();
  });

  after(async () => {
    await project?.dispose();
    await host?.dispose();
  });

  beforeEach(async () => {
    was = await project.outputs();
  });

  /** `refresh` finds the drift and changes nothing; the preview says what repairs it. */
  async function found(plan: string[]): Promise<void> {
    await project.refresh();
    assert.deepEqual((await project.plan()).sort(), plan.sort());
  }

  /** `up` repairs it; afterwards the guest serves and nothing is left to do. */
  async function repaired(): Promise<SmallStackOutputs> {
    await project.up();
    assert.deepEqual(await project.plan(), []);
    await project.refresh();
    assert.deepEqual(await project.plan(), [], "after another refresh");
    const outputs: SmallStackOutputs = await project.outputs();
    assert.equal(await servedBootId(outputs), outputs.bootId);
    return outputs;
  }

  const info = async (...argv: string[]) => {
    const lines = (await host.virsh(...argv)).split("\n").map((line) => line.split(/: +/));
    return Object.fromEntries(lines) as { [field: string]: string };
  };

  it("starts a guest again that was destroyed", async () => {
    await host.virsh("destroy", host.label);
    await found(["update Domain guest"]);
    const now = await repaired();
    assert.equal(now.uuid, was.uuid);
    assert.notEqual(now.bootId, was.bootId);
  });

  it("defines a running guest again that was undefined, without disturbing it", async () => {
    await host.virsh("undefine", host.label);
    await found(["update Domain guest"]);
    const now = await repaired();
    assert.deepEqual([now.uuid, now.bootId], [was.uuid, was.bootId]);
    const { Persistent, Autostart } = await info("dominfo", host.label);
    assert.deepEqual([Persistent, Autostart], ["yes", "enable"]);
  });

  it("makes a guest anew that was destroyed and undefined", async () => {
    await host.virsh("destroy", host.label);
    await host.virsh("undefine", host.label);
    await found(["create Domain guest"]);
    const now = await repaired();
    assert.notEqual(now.bootId, was.bootId);
  });

  it("brings a stopped network back, and the running guest onto it", async () => {
    await host.virsh("net-destroy", host.label);
    await found(["update Network net"]);
    const now = await repaired();
    assert.deepEqual([now.network, now.uuid, now.bootId], [was.network, was.uuid, was.bootId]);
  });

  it("defines a running network again that was undefined", async () => {
    await host.virsh("net-undefine", host.label);
    await found(["update Network net"]);
    const now = await repaired();
    assert.deepEqual([now.network, now.bootId], [was.network, was.bootId]);
    assert.equal((await info("net-info", host.label))["Persistent"], "yes");
  });

  it("makes a network anew that was destroyed and undefined, and brings the running guest onto it", async () => {
    await host.virsh("net-destroy", host.label);
    await host.virsh("net-undefine", host.label);
    await found(["create Network net"]);
    const now = await repaired();
    assert.notEqual(now.network, was.network);
    assert.deepEqual([now.uuid, now.bootId], [was.uuid, was.bootId]);
  });

  it("plugs a NIC in again that was detached", async () => {
    const { mac } = was.addresses[0]!;
    await host.virsh("detach-interface", host.label, "network", "--mac", mac, "--live", "--config");
    await host.until(async () => !(await host.virsh("domiflist", host.label)).includes(mac));
    await found(["update Domain guest"]);
    const now = await repaired();
    assert.deepEqual([now.uuid, now.bootId], [was.uuid, was.bootId]);
    assert.deepEqual(now.addresses[0]?.mac, mac);
  });

  it("starts and marks again what no longer starts with the host", async () => {
    await host.virsh("autostart", "--disable", host.label);
    await host.virsh("net-autostart", "--disable", host.label);
    await host.virsh("pool-autostart", "--disable", host.label);
    await host.virsh("pool-destroy", host.label);
    await found(["update Network net", "update StoragePool pool", "update Domain guest"]);
    const now = await repaired();
    assert.equal(now.bootId, was.bootId);
    assert.equal((await info("dominfo", host.label))["Autostart"], "enable");
    assert.equal((await info("net-info", host.label))["Autostart"], "yes");
    const { Autostart, State } = await info("pool-info", host.label);
    assert.deepEqual([Autostart, State], ["yes", "running"]);
  });

  it("refuses to put an empty disk in the place of a deleted one while a guest still has its data", async () => {
    await rm(`${host.folder}/pool/root.qcow2`);
    await project.refresh();
    const refused = await project.attempt("preview");
    assert.notEqual(refused.exitCode, 0);
    assert.match(
      refused.stdout,
      /root\.qcow2 .*its file is gone, and still open: guest e2e-drift-\d+ \(vda\).*Fix: rescue/,
    );
    const rescued = `${host.folder}/rescued.qcow2`;
    const options = ["--transient-job", "--wait", "--finish"];
    await host.virsh("blockcopy", host.label, "vda", "--dest", rescued, ...options);
    assert.ok((await stat(rescued)).size > 0, "as the error says");
    assert.equal(await servedBootId(was), was.bootId);
  });

  it("makes a deleted disk anew when its guest is off, and starts the guest", async () => {
    await host.virsh("destroy", host.label);
    await found(["create Volume root", "update Domain guest"]);
    const now = await repaired();
    assert.equal(now.uuid, was.uuid);
  });

  it("leaves nothing behind", async () => {
    await project.destroy();
    assert.deepEqual(await host.traces(was.bridge), []);
  });
});
