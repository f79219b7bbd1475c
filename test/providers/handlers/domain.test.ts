import assert from "node:assert/strict";
import { DomainHandler } from "../../../providers/handlers/domain";
import type { DomainState } from "../../../providers/handlers/domain-state";
import { ErrorCode } from "../../../providers/libvirt/errors";
import { closeAll } from "../../../providers/libvirt/open";
import { parse } from "../../../providers/libvirt/xml/document";
import { editDomain, parseDomain } from "../../../providers/libvirt/xml/domain";
import { defaultMac } from "../../../providers/schema/domain-nic";
import { FakeGuests, libvirtError, nicsIn } from "./fake-guests";
import { Played } from "./played";

describe("the guest handler", () => {
  let libvirt: FakeGuests;
  let played: Played;
  let args: { [field: string]: unknown };

  beforeEach(async () => {
    libvirt = await FakeGuests.start();
    played = new Played(new DomainHandler());
    args = { connection: libvirt.uri, name: "web-1", memory: "64MiB", accelerator: "tcg", owner: "p/s/web-1" };
  });

  afterEach(async () => {
    closeAll();
    await libvirt.fake.stop();
  });

  const guest = () => libvirt.named("web-1");

  /** The calls that `work` makes, in order. */
  async function calls(work: () => Promise<unknown>): Promise<string[]> {
    libvirt.fake.calls.length = 0;
    await work();
    return libvirt.fake.called;
  }

  const changing = (called: string[]) =>
    called.filter((name) => !/^(nodeGet|connectList|domainGet|domainLookup|domainIs|networkLookup)/.test(name));

  it("makes a guest in three calls that change something", async () => {
    const called = changing(await calls(() => played.up(args)));
    assert.deepEqual(called.sort(), ["domainCreateWithFlags", "domainDefineXMLFlags", "domainSetAutostart"]);
    assert.deepEqual([guest().autostart, guest().state], [true, 1]);
    assert.deepEqual(await played.refresh(), []);
  });

  it("does without the calls that are not needed", async () => {
    const called = changing(await calls(() => played.up({ ...args, autostart: false, state: "shutoff" })));
    assert.deepEqual(called, ["domainDefineXMLFlags"]);
  });

  it("reads a guest in five calls, at once", async () => {
    await played.up(args);
    const called = await calls(() => played.refresh());
    assert.deepEqual(called.sort(), [
      "domainGetAutostart",
      "domainGetState",
      "domainGetXMLDesc",
      "domainGetXMLDesc",
      "domainIsPersistent",
    ]);
  });

  it("takes no memory for a change that the guest is still giving back", async () => {
    await played.up({ ...args, maxMemory: "256MiB" });
    const balloon = (memory: string) => {
      const model = { ...parseDomain(parse(guest().live!)), memory };
      guest().live = editDomain(guest().live!, model, ["memory"]);
    };
    balloon("256MiB");
    assert.deepEqual(await played.refresh(), []);
    balloon("200MiB");
    setTimeout(() => balloon("64MiB"), 100);
    assert.deepEqual(await played.refresh(), []);
    balloon("128MiB");
    assert.deepEqual(await played.refresh(), ["memory"]);
  });

  it("undoes what it made when the guest cannot be started", async () => {
    libvirt.failures.set("domainCreateWithFlags", [libvirtError(ErrorCode.INTERNAL_ERROR, "qemu says no")]);
    await assert.rejects(played.up(args), /domain web-1 on .*: cannot create: cannot start: qemu says no$/);
    assert.equal(libvirt.guests.size, 0);
  });

  it("undoes what it made when autostart cannot be set", async () => {
    libvirt.failures.set("domainSetAutostart", [libvirtError(ErrorCode.SYSTEM_ERROR, "disk full")]);
    await assert.rejects(played.up(args), /disk full/);
    assert.equal(libvirt.guests.size, 0);
  });

  it("keeps the guest in the state when it cannot be undone", async () => {
    libvirt.failures.set("domainCreateWithFlags", [libvirtError(ErrorCode.INTERNAL_ERROR, "qemu says no")]);
    libvirt.failures.set("domainUndefineFlags", [libvirtError(ErrorCode.INTERNAL_ERROR, "no")]);
    const error = await played.up(args).catch((thrown: unknown) => thrown as { id: string; properties: DomainState });
    assert.ok(typeof error === "object" && "id" in error);
    assert.equal(error.id, guest().uuid);
    assert.equal(error.properties.uuid, guest().uuid);
  });

  it("starts once more what the kernel interrupted", async () => {
    const interrupted = Object.assign(libvirtError(ErrorCode.SYSTEM_ERROR, "BPF"), { domain: 54 });
    libvirt.failures.set("domainCreateWithFlags", [interrupted, interrupted]);
    await played.up(args);
    assert.equal(guest().state, 1);
  });

  it("changes memory and texts of a running guest with one definition and no restart", async () => {
    await played.up({ ...args, maxMemory: "256MiB" });
    const called = await calls(() => played.up({ ...args, maxMemory: "256MiB", memory: "128MiB", title: "a" }));
    assert.deepEqual(changing(called), ["domainSetMemoryFlags", "domainSetMetadata", "domainDefineXMLFlags"]);
    for (const xml of [guest().config, guest().live!])
      assert.deepEqual([parseDomain(parse(xml)).memory, parseDomain(parse(xml)).title], ["128MiB", "a"]);
  });

  it("restarts for what cannot change live, under the same UUID", async () => {
    await played.up(args);
    const { uuid } = guest();
    const called = await calls(() => played.up({ ...args, memory: "128MiB" }));
    assert.deepEqual(changing(called), ["domainShutdown", "domainDefineXMLFlags", "domainCreateWithFlags"]);
    assert.equal(guest().uuid, uuid);
    assert.deepEqual(await played.refresh(), []);
  });

  it("turns off a guest that does not shut down in its time", async () => {
    libvirt.obedient = false;
    await played.up({ ...args, shutdownTimeout: "20ms" });
    const called = await calls(() => played.up({ ...args, shutdownTimeout: "20ms", memory: "128MiB" }));
    assert.deepEqual(changing(called), [
      "domainShutdown",
      "domainDestroyFlags",
      "domainDefineXMLFlags",
      "domainCreateWithFlags",
    ]);
  });

  it("goes on where a restart ended half way", async () => {
    await played.up(args);
    libvirt.failures.set("domainCreateWithFlags", [libvirtError(ErrorCode.INTERNAL_ERROR, "not now")]);
    await assert.rejects(played.up({ ...args, memory: "128MiB" }), /cannot update: cannot start: not now/);
    assert.equal(guest().state, 5);
    await played.up({ ...args, memory: "128MiB" });
    assert.equal(guest().state, 1);
    assert.equal(parseDomain(parse(guest().live!)).memory, "128MiB");
  });

  it("plugs NICs in, over and out, in the configuration too", async () => {
    await played.up({ ...args, nics: [{ network: "lan" }] });
    const called = await calls(() => played.up({ ...args, nics: [{ network: "dmz" }, { bridge: "br0" }] }));
    assert.deepEqual(changing(called), ["domainUpdateDeviceFlags", "domainAttachDeviceFlags"]);
    for (const xml of [guest().config, guest().live!])
      assert.deepEqual(
        nicsIn(xml).map(({ mac, network, bridge }) => [mac, network ?? bridge]),
        [
          [defaultMac("web-1", 0), "dmz"],
          [defaultMac("web-1", 1), "br0"],
        ],
      );
    await played.up({ ...args, nics: [] });
    assert.deepEqual([nicsIn(guest().config), nicsIn(guest().live!)], [[], []]);
  });

  it("tells when the guest refuses to let go of a NIC", async () => {
    await played.up({ ...args, nics: [{ network: "lan" }] });
    libvirt.obedient = false;
    await assert.rejects(
      played.up({ ...args, nics: [] }),
      /cannot plug out NIC 52:54:00:\S+ \(network lan\): the guest refused to let go of it\. Fix: see that the guest has booted/,
    );
  });

  it("tells what it could not plug in", async () => {
    await played.up(args);
    libvirt.failures.set("domainAttachDeviceFlags", [
      libvirtError(ErrorCode.INTERNAL_ERROR, "No more available PCI slots"),
    ]);
    await assert.rejects(
      played.up({ ...args, nics: [{ network: "lan" }] }),
      /cannot plug in NIC 52:54:00:\S+ \(network lan\): No more available PCI slots\. Fix: /,
    );
  });

  it("pauses and resumes", async () => {
    await played.up(args);
    assert.deepEqual(changing(await calls(() => played.up({ ...args, state: "paused" }))), ["domainSuspend"]);
    assert.deepEqual(changing(await calls(() => played.up(args))), ["domainResume"]);
  });

  it("renames in one go what is off", async () => {
    await played.up({ ...args, state: "shutoff" });
    const { uuid } = guest();
    const called = await calls(() => played.up({ ...args, name: "www", state: "shutoff" }));
    assert.deepEqual(changing(called), ["domainRename", "domainDefineXMLFlags"]);
    assert.equal(libvirt.named("www").uuid, uuid);
  });

  it("deletes in two calls, and an adopted guest in none", async () => {
    await played.up(args);
    assert.deepEqual(await calls(() => played.destroy()), ["domainDestroyFlags", "domainUndefineFlags"]);
    await played.up(args);
    const adopted = new Played(new DomainHandler());
    await adopted.up({ connection: libvirt.uri, name: "web-1", adopt: "web-1" });
    assert.deepEqual(await calls(() => adopted.destroy()), []);
    assert.equal(libvirt.guests.size, 1);
  });

  it("turns a guest off hard where it does not end in peace", async () => {
    await played.up(args);
    libvirt.failures.set("domainDestroyFlags", [libvirtError(ErrorCode.SYSTEM_ERROR, "Failed to terminate process")]);
    const called = await calls(() => played.destroy());
    assert.deepEqual(called, ["domainDestroyFlags", "domainDestroyFlags", "domainUndefineFlags"]);
    assert.equal(libvirt.guests.size, 0);
  });

  it("does not make an adopted guest anew", async () => {
    await played.up({ ...args, state: "shutoff" });
    const adopted = new Played(new DomainHandler());
    await adopted.up({ connection: libvirt.uri, name: "web-1", adopt: "web-1" });
    libvirt.guests.clear();
    await assert.rejects(
      adopted.up({ connection: libvirt.uri, name: "web-1", adopt: "web-1", title: "x" }),
      /it is gone since the last up, and was not ours to make/,
    );
  });

  it("has the deadline that the program's own times need", () => {
    const handler = new DomainHandler();
    const inputs = { ...args, connection: libvirt.uri, name: "a", disruption: "reboot" as const };
    assert.equal(handler.deadline(inputs), 630_000);
    assert.equal(handler.deadline({ ...inputs, ready: { timeout: "30m" }, shutdownTimeout: "5m" }), 2_700_000);
  });
});
