import assert from "node:assert/strict";
import { join } from "node:path";
import { DomainHandler } from "../../../providers/handlers/domain";
import type { Connection } from "../../../providers/libvirt/connection";
import {
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_MEM_LIVE,
  VIR_DOMAIN_XML_INACTIVE,
} from "../../../providers/libvirt/constants";
import type { Domain } from "../../../providers/libvirt/handles";
import { tinyGuestOr } from "../../lab/tiny-guest-or";
import { skip } from "../../skip";
import { GuestNetwork } from "./guest-network";
import { GuestFiles } from "./guest-files";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const name = "live";

/** One guest that really runs goes through all of it, so the tests build on each other. */
describe("running guests on libvirt", function () {
  this.timeout(180_000);
  let libvirt: OwnLibvirt;
  let connection: Connection;
  let lan: GuestNetwork;
  let other: GuestNetwork;
  let files: GuestFiles;
  const played = new Played(new DomainHandler());
  let args: Record<string, unknown>;
  let domain: Domain;

  before(async function () {
    libvirt = await OwnLibvirt.start(this);
    connection = libvirt.connection;
    const { kernel, initrd, cmdline, memory } = await tinyGuestOr(this);
    lan = await GuestNetwork.create(connection, "lan", 1);
    other = await GuestNetwork.create(connection, "other", 2);
    files = new GuestFiles();
    const room = { memory, maxMemory: "192MiB", maxVcpus: 2 };
    const ready = { agent: true, addresses: true, timeout: "90s" };
    args = {
      connection: libvirt.uri,
      name,
      kernel,
      initrd,
      cmdline,
      ...room,
      ready,
      nics: [{ network: lan.name }],
      accelerator: "tcg",
    };
    await played.up(args);
    domain = await connection.domainLookupByName(name);
  });

  after(async () => {
    await played.destroy();
    await lan?.remove();
    await other?.remove();
    await libvirt?.stop();
    files?.remove();
  });

  /** Changes the declaration for this and the later tests; checks that the result is stable. */
  async function change(more: object): Promise<string[]> {
    args = { ...args, ...more };
    const classes = await played.up(args);
    assert.deepEqual(await played.refresh(), [], "a refresh must find what was declared");
    return classes;
  }

  const live = () => connection.domainGetXMLDesc(domain);
  const config = () => connection.domainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);

  /** Runs `work`, and checks that the guest neither changed its identity nor was booted anew. */
  async function withoutReboot(work: () => Promise<unknown>): Promise<void> {
    const { uuid, bootId } = played.state;
    assert.ok(bootId);
    await work();
    assert.deepEqual([played.state["uuid"], played.state["bootId"]], [uuid, bootId]);
  }

  it("are ready with their address", () => {
    assert.match(played.state["ipv4"], /^10\.213\.1\./);
    assert.match(played.state["bootId"], /^[0-9a-f-]{36}$/);
  });

  it("grow and shrink within maxMemory without a reboot", () =>
    withoutReboot(async () => {
      assert.deepEqual(await change({ memory: "160MiB" }), ["memory: live"]);
      assert.match(await live(), /<currentMemory unit='KiB'>163840</);
      assert.match(await config(), /<currentMemory unit='KiB'>163840</);
      assert.deepEqual(await change({ memory: "128MiB" }), ["memory: live"]);
    }));

  it("have their memory put back that was changed behind our back", () =>
    withoutReboot(async () => {
      await connection.domainSetMemoryFlags(domain, 112 * 1024, VIR_DOMAIN_MEM_LIVE);
      await settled(/<currentMemory unit='KiB'>114688</);
      assert.deepEqual(await played.refresh(), ["memory"]);
      assert.deepEqual(await change({}), ["memory: live"]);
    }));

  async function settled(pattern: RegExp): Promise<void> {
    for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((done) => setTimeout(done, 100)))
      if (pattern.test(await live())) return;
    throw new Error(`${pattern} never came`);
  }

  it("get a vcpu plugged in", () =>
    withoutReboot(async () => {
      assert.deepEqual(await change({ vcpus: 2 }), ["vcpus: live"]);
      assert.match(await live(), /<vcpu placement='static'>2</);
    }));

  it("get a NIC plugged in that comes up with an address, moved, cut, and plugged out", () =>
    withoutReboot(async () => {
      const nics = [{ network: lan.name }, { network: lan.name }];
      assert.deepEqual(await change({ nics }), ["nics: live"]);
      assert.equal(played.state["addresses"].length, 2);
      assert.match(played.state["addresses"][1].ipv4[0], /^10\.213\.1\./);
      const ready = { agent: true };
      assert.deepEqual(await change({ ready, nics: [nics[0], { network: other.name }] }), [
        "nics: live",
        "ready: live",
      ]);
      assert.match(await live(), new RegExp(`<source network='${other.name}'`));
      const cut = { network: other.name, linkState: "down" };
      assert.deepEqual(await change({ nics: [nics[0], cut] }), ["nics: live"]);
      assert.match(await live(), /<link state='down'\/>/);
      assert.deepEqual(await change({ nics: [nics[0]] }), ["nics: live"]);
      assert.equal((await live()).match(/<interface /g)!.length, 1);
      assert.equal((await config()).match(/<interface /g)!.length, 1);
    }));

  it("get their bandwidth limited", async function () {
    const before = args;
    try {
      const limits = { inbound: { average: "1MiB", peak: "2MiB" } };
      assert.deepEqual(await change({ nics: [{ network: lan.name, bandwidth: limits }] }), ["nics: live"]);
      assert.match(await live(), /<inbound average='1024' peak='2048'\/>/);
      assert.deepEqual(await change({ nics: [{ network: lan.name }] }), ["nics: live"]);
      assert.doesNotMatch(await live(), /<bandwidth>/);
    } catch (error) {
      if (!/qdisc kind is unknown/.test(String(error))) throw error;
      args = before;
      assert.deepEqual(await played.refresh(), [], "a limit that cannot be set must leave no trace");
      skip(this, "the kernel has no sch_sfq");
    }
  });

  it("get a disk plugged in and out", () =>
    withoutReboot(async () => {
      const path = files.create("data");
      assert.deepEqual(await change({ disks: [{ path, format: "raw", serial: "data" }] }), ["disks: live"]);
      assert.match(await live(), /<target dev='vda' bus='virtio'\/>[\s\S]*<serial>data</);
      const disks = [
        { path, format: "raw", serial: "data" },
        { path: files.create("more"), format: "raw" },
      ];
      assert.deepEqual(await change({ disks }), ["disks: live"]);
      assert.deepEqual(await change({ disks: [disks[0]] }), ["disks: live"]);
      assert.doesNotMatch(await live(), /vdb/);
    }));

  it("lose a disk that somebody plugged in", () =>
    withoutReboot(async () => {
      const foreign = `<disk type="file"><driver name="qemu" type="raw"/><source file="${join(files.folder, "more")}"/><target dev="vdc" bus="virtio"/></disk>`;
      await connection.domainAttachDeviceFlags(domain, foreign, VIR_DOMAIN_AFFECT_LIVE);
      assert.deepEqual(await played.refresh(), ["disks"]);
      assert.deepEqual(await change({}), ["disks: live"]);
    }));

  it("are not rebooted where the program does not tolerate it", async () => {
    const [reason] = await played.preview({ ...args, memory: "256MiB", maxMemory: "256MiB", disruption: "live" });
    assert.match(
      reason!,
      /memory 128MiB -> 256MiB \(reboot: maxMemory 192MiB leaves no room\) disturbs more than is allowed: live/,
    );
  });

  it("keep their UUID through a reboot for what cannot change live, and shut down by themselves", async () => {
    const { uuid, bootId } = played.state;
    const classes = await change({
      memory: "200MiB",
      maxMemory: "256MiB",
      cmdline: `${String(args["cmdline"])} tiny.word`,
    });
    assert.deepEqual(classes, ["memory: reboot", "maxMemory: reboot", "cmdline: reboot"]);
    assert.equal(played.state["uuid"], uuid);
    assert.notEqual(played.state["bootId"], bootId);
    assert.match(await live(), /tiny\.word/);
  });

  it("are started, ready and repaired after they were turned off", async () => {
    await connection.domainDestroyFlags(domain);
    assert.deepEqual(await played.refresh(), ["state"]);
    assert.deepEqual(await change({}), ["state: live"]);
    assert.match(played.state["bootId"], /^[0-9a-f-]{36}$/);
  });

  it("that do not hear the power button are turned off in the end", async () => {
    const deaf = { cmdline: `${String(args["cmdline"])} tiny.deaf tiny.noagent`, ready: undefined };
    await change(deaf);
    await change({ state: "shutoff", shutdownTimeout: "2s" });
    assert.equal(await connection.domainIsActive(domain), false);
  });
});
