import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { declare } from "../../../providers/dynamic/declared";
import { DomainHandler } from "../../../providers/handlers/domain";
import type { Connection } from "../../../providers/libvirt/connection";
import {
  VIR_DOMAIN_AFFECT_CONFIG,
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_PAUSED,
  VIR_DOMAIN_SHUTOFF,
  VIR_DOMAIN_UNDEFINE_NVRAM,
  VIR_DOMAIN_XML_INACTIVE,
} from "../../../providers/libvirt/constants";
import { ErrorCode, isLibvirtError, isMissing } from "../../../providers/libvirt/errors";
import type { Domain } from "../../../providers/libvirt/handles";
import { defaultMac } from "../../../providers/schema/domain-nic";
import { skip } from "../../skip";
import { GuestNetwork } from "./guest-network";
import { GuestFiles } from "./guest-files";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const name = "guest";
const lan = "lan";

describe("guests on libvirt", function () {
  this.timeout(120_000);
  let libvirt: OwnLibvirt;
  let args: { [field: string]: unknown };
  let connection: Connection;
  let network: GuestNetwork;
  let played: Played;
  let files: GuestFiles;

  before(async function () {
    libvirt = await OwnLibvirt.start(this);
    connection = libvirt.connection;
    const common = { state: "paused", accelerator: "tcg", autostart: false };
    args = { connection: libvirt.uri, name, memory: "64MiB", ...common };
    network = await GuestNetwork.create(connection, lan, 1);
    files = new GuestFiles();
  });

  after(async () => {
    await network?.remove();
    await libvirt?.stop();
    files?.remove();
  });

  beforeEach(() => {
    played = new Played(new DomainHandler());
  });

  afterEach(async () => {
    for (const label of [name, `${name}-renamed`]) await removeGuest(label);
  });

  async function removeGuest(label: string): Promise<void> {
    const domain = await connection.domainLookupByName(label).catch(ignoreMissing);
    if (!domain) return;
    await connection.domainDestroyFlags(domain).catch(ignoreOff);
    await connection.domainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_NVRAM).catch(ignoreMissing);
  }

  function ignoreMissing(error: unknown): undefined {
    if (!isMissing(error)) throw error;
    return undefined;
  }

  function ignoreOff(error: unknown): undefined {
    if (!isLibvirtError(error, ErrorCode.OPERATION_INVALID)) throw error;
    return undefined;
  }

  const lookup = (): Promise<Domain> => connection.domainLookupByName(name);
  const config = async () => connection.domainGetXMLDesc(await lookup(), VIR_DOMAIN_XML_INACTIVE);
  const live = async () => connection.domainGetXMLDesc(await lookup());
  const power = async () => (await connection.domainGetState(await lookup())).state;

  it("come up whole, show no change, and leave nothing", async () => {
    await played.up({
      ...args,
      autostart: true,
      nics: [{ network: lan }],
      disks: [{ path: files.create("a"), format: "raw" }],
    });
    const domain = await lookup();
    assert.equal(domain.uuid, played.state["uuid"]);
    assert.equal(await power(), VIR_DOMAIN_PAUSED);
    assert.equal(await connection.domainGetAutostart(domain), true);
    assert.match(await live(), new RegExp(`<mac address='${defaultMac(name, 0)}'/>`));
    assert.deepEqual(await played.refresh(), []);
    assert.equal(played.state["acceleratorInUse"], "tcg");
    await played.destroy();
    await assert.rejects(lookup(), isMissing);
    assert.ok(existsSync(join(files.folder, "a")), "the disk is not ours");
  });

  it("are deleted in peace when they are gone already", async () => {
    await played.up(args);
    await removeGuest(name);
    await played.destroy();
  });

  it("are redefined and deleted with what libvirt notes of checkpoints and snapshots", async () => {
    const path = join(files.folder, "noted.qcow2");
    libvirt.run("qemu-img", "create", "-q", "-f", "qcow2", path, "1M");
    const virsh = (...argv: string[]) => libvirt.run("virsh", "-q", "-c", libvirt.uri, ...argv);
    const disks = [{ path }];
    await played.up({ ...args, disks });
    virsh("checkpoint-create-as", name, "first");
    virsh("checkpoint-create-as", name, "second");
    assert.deepEqual(await played.up({ ...args, disks, memory: "80MiB" }), ["memory: reboot"]);
    assert.equal(virsh("checkpoint-list", name, "--name").trim().split(/\s+/).length, 2);
    await played.destroy();
    await assert.rejects(lookup(), isMissing);
    await played.up({ ...args, disks });
    assert.equal(virsh("checkpoint-list", name, "--name").trim(), "", "they do not come back");
    virsh("snapshot-create-as", name, "internal");
    await played.destroy();
    await assert.rejects(lookup(), isMissing);
    assert.ok(existsSync(path), "the disk is not ours");
  });

  it("are started again after they were turned off behind our back", async () => {
    await played.up(args);
    const { uuid } = played.state;
    await connection.domainDestroyFlags(await lookup());
    assert.deepEqual(await played.refresh(), ["state"]);
    assert.deepEqual(await played.up(args), ["state: live"]);
    assert.equal(await power(), VIR_DOMAIN_PAUSED);
    assert.equal((await lookup()).uuid, uuid);
    assert.deepEqual(await played.refresh(), []);
  });

  it("are made persistent again after they were undefined while they ran", async () => {
    await played.up(args);
    await connection.domainUndefine(await lookup());
    assert.deepEqual(await played.refresh(), ["autostart"]);
    await played.up(args);
    assert.equal(await connection.domainIsPersistent(await lookup()), true);
    assert.deepEqual(await played.refresh(), []);
  });

  it("are gone for refresh when they were removed, and come back under the same UUID without it", async () => {
    await played.up(args);
    const { uuid } = played.state;
    await removeGuest(name);
    await played.up({ ...args, title: "back" });
    assert.equal((await lookup()).uuid, uuid);
    await removeGuest(name);
    assert.deepEqual(await played.refresh(), ["gone"]);
  });

  it("get NICs back that were unplugged, and lose those that nobody declared", async () => {
    const nics = [{ network: lan }];
    await played.up({ ...args, state: "shutoff", nics });
    const domain = await lookup();
    const nic = /<interface [\s\S]*?<\/interface>/.exec(await config())![0];
    await connection.domainDetachDeviceFlags(domain, nic, VIR_DOMAIN_AFFECT_CONFIG);
    const foreign = `<interface type="network"><mac address="52:54:00:99:88:77"/><source network="${lan}"/></interface>`;
    await connection.domainAttachDeviceFlags(domain, foreign, VIR_DOMAIN_AFFECT_CONFIG);
    assert.deepEqual(await played.refresh(), ["nics"]);
    assert.deepEqual(played.state["nics"], [{ mac: "52:54:00:99:88:77", network: lan }]);
    await played.up({ ...args, state: "shutoff", nics });
    assert.deepEqual(
      [...(await config()).matchAll(/<mac address='(.*?)'/g)].map(([, mac]) => mac),
      [defaultMac(name, 0)],
    );
    assert.deepEqual(await played.refresh(), []);
  });

  it("are found on another network, and brought back while they run", async () => {
    const other = await GuestNetwork.create(connection, "other", 2);
    try {
      const nics = [{ network: lan }];
      await played.up({ ...args, nics });
      const moved = /<interface [\s\S]*?<\/interface>/.exec(await config())![0].replace(`'${lan}'`, `'${other.name}'`);
      await connection.domainUpdateDeviceFlags(await lookup(), moved, VIR_DOMAIN_AFFECT_LIVE);
      assert.deepEqual(await played.refresh(), ["nics"]);
      assert.deepEqual(await played.up({ ...args, nics }), ["nics: live"]);
      assert.match(await live(), new RegExp(`<source network='${lan}'`));
      assert.deepEqual(await played.refresh(), []);
    } finally {
      await removeGuest(name);
      await other.remove();
    }
  });

  it("have memory and texts changed while they are paused, and everything while they are off", async () => {
    await played.up({ ...args, maxMemory: "128MiB" });
    const { uuid } = played.state;
    const changed = { ...args, maxMemory: "128MiB", memory: "96MiB", title: "A title", description: "two\nlines" };
    assert.deepEqual(await played.up(changed), ["title: live", "description: live", "memory: live"]);
    assert.match(await config(), /<currentMemory unit='KiB'>98304</);
    assert.match(await live(), /<title>A title<\/title>/);
    assert.deepEqual(await played.refresh(), []);
    await played.up({ ...changed, state: "shutoff" });
    const off = {
      ...changed,
      state: "shutoff",
      memory: "256MiB",
      maxMemory: undefined,
      vcpus: 2,
      cmdline: "quiet",
      kernel: "/vmlinuz",
    };
    const classes = await played.up(off);
    assert.ok(
      classes.every((line: string) => line.endsWith(": live")),
      classes.join(),
    );
    assert.match(await config(), /<memory unit='KiB'>262144<[\s\S]*<kernel>\/vmlinuz</);
    assert.deepEqual(await played.refresh(), []);
    assert.equal((await lookup()).uuid, uuid);
  });

  it("have every kind of device, and show no change", async () => {
    const disks = [
      { path: files.create("vda"), format: "raw", cache: "none", discard: "unmap", serial: "root" },
      { path: files.create("sda"), format: "raw", bus: "scsi", readonly: true },
      { path: files.create("sdb"), format: "raw", bus: "sata" },
      { device: "cdrom" },
    ];
    const nics = [
      { network: lan, mtu: 1400 },
      { network: lan, model: "e1000e", linkState: "down" },
    ];
    const more = { cpu: { mode: "custom", model: "qemu64" }, machine: "q35", firmware: "bios", onCrash: "restart" };
    const all = { ...args, ...more, disks, nics, graphics: true, bootOrder: ["network", "hd"], vcpus: 2, maxVcpus: 4 };
    await played.up({ ...all, title: "T", description: "D\nE", maxMemory: "128MiB" });
    assert.deepEqual(await played.refresh(), []);
    assert.equal(typeof played.state["vncPort"], "number");
    const third = { path: files.create("sdc"), format: "raw", bus: "scsi" };
    assert.deepEqual(
      await played.up({ ...all, title: "T", description: "D\nE", maxMemory: "128MiB", disks: [...disks, third] }),
      ["disks: live"],
    );
    assert.deepEqual(await played.refresh(), []);
    await played.up({ ...all, state: "shutoff", graphics: false, agent: false, consoleLog: false });
    assert.deepEqual(await played.refresh(), []);
    assert.doesNotMatch(await config(), /<graphics|guest_agent|<log /);
  });

  it("change the medium of a cdrom while they run", async () => {
    const cdrom = (path?: string) => ({ ...args, disks: [{ device: "cdrom", path }] });
    await played.up(cdrom());
    assert.deepEqual(await played.refresh(), []);
    const first = files.create("first.iso");
    assert.deepEqual(await played.up(cdrom(first)), ["disks: live"]);
    assert.match(await live(), new RegExp(`<source file='${first}'`));
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(cdrom(files.create("second.iso"))), ["disks: live"]);
    assert.match(await config(), /second\.iso/);
    assert.deepEqual(await played.refresh(), []);
  });

  it("are renamed when they are off, and keep their UUID and NICs", async () => {
    await played.up({ ...args, state: "shutoff", nics: [{ network: lan, mac: "52:54:00:12:34:56" }] });
    const { uuid } = played.state;
    const renamed = {
      ...args,
      name: `${name}-renamed`,
      state: "shutoff",
      nics: [{ network: lan, mac: "52:54:00:12:34:56" }],
    };
    assert.deepEqual(await played.up(renamed), ["name: live"]);
    assert.equal((await connection.domainLookupByName(`${name}-renamed`)).uuid, uuid);
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
  });

  it("leave nothing behind when they cannot be started", async () => {
    const fails = async (more: object, message: RegExp) => {
      await assert.rejects(new Played(new DomainHandler()).up({ ...args, ...more }), message);
      await assert.rejects(lookup(), isMissing);
    };
    // Otherwise the preview says that nobody knows them.
    for (const [kind, name] of [
      ["Network", "nowhere"],
      ["StoragePool", "pool"],
    ] as const)
      declare(kind, { connection: connection.uri, name });
    await fails({ nics: [{ network: "nowhere" }] }, /cannot start: Network not found.*Fix: declare it as a Network/s);
    await fails(
      { disks: [{ path: "/nowhere/a.qcow2" }] },
      /cannot start: .*\/nowhere\/a\.qcow2.*Fix: see that the file/s,
    );
    await fails(
      { disks: [{ volume: { pool: "pool", name: "a" } }] },
      /there is no pool "pool".*Fix: declare it as a StoragePool/,
    );
    await fails({ machine: "q53" }, /machine: "q53" is not known there; did you mean "q35"/);
  });

  it("refuse a name that is taken, and go on with what the same resource had begun", async () => {
    await played.up({ ...args, owner: "p/s/one" });
    const { uuid } = played.state;
    const other = new Played(new DomainHandler());
    const [reason] = await other.preview({ ...args, owner: "p/s/two" });
    assert.match(reason!, /name: a domain named ".*" already exists\. Fix: set adopt: /);
    await assert.rejects(other.up({ ...args, owner: "p/s/two" }), /already exists/);
    await other.up({ ...args, owner: "p/s/one", title: "the same" });
    assert.equal(other.state["uuid"], uuid);
    assert.equal(other.state["adopted"], false);
    assert.match(await live(), /the same/);
  });

  it("are taken over unchanged, changed only where declared, and let go", async () => {
    const foreign = `<domain type="qemu"><name>${name}</name><memory unit="MiB">48</memory><vcpu>1</vcpu>
      <metadata><mine:note xmlns:mine="urn:mine">kept</mine:note></metadata>
      <os><type machine="pc">hvm</type><bootmenu enable="yes"/></os><on_crash>restart</on_crash>
      <devices><watchdog model="i6300esb" action="poweroff"/>
      <interface type="network"><mac address="52:54:00:aa:bb:cc"/><source network="${lan}"/><model type="e1000"/></interface>
      </devices></domain>`;
    const { uuid } = await connection.domainDefineXML(foreign);
    const before = await config();
    await played.up({
      connection: libvirt.uri,
      adopt: uuid,
      name,
      memory: "48MiB",
      nics: [{ network: lan, mac: "52:54:00:aa:bb:cc" }],
    });
    assert.equal(await config(), before);
    assert.deepEqual(await played.refresh(), []);
    const changed = {
      connection: libvirt.uri,
      adopt: uuid,
      name,
      memory: "64MiB",
      title: "mine",
      nics: [{ network: lan, mac: "52:54:00:aa:bb:cc" }],
    };
    assert.deepEqual(await played.up(changed), ["title: live", "memory: live"]);
    const after = await config();
    for (const kept of [
      /mine:note.*kept/,
      /i6300esb/,
      /<bootmenu enable='yes'/,
      /<on_crash>restart/,
      /type='e1000'/,
      /i440fx/,
    ])
      assert.match(after, kept);
    assert.equal(await power(), VIR_DOMAIN_SHUTOFF);
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
    assert.equal((await lookup()).uuid, uuid);
  });

  it("say in their document what no field says, and no more when they are told so", async () => {
    const xml = (model: string) =>
      `<domain><features><vmport state="off"/></features><devices><watchdog model="${model}" action="pause"/></devices></domain>`;
    await played.up({ ...args, xml: xml("i6300esb") });
    assert.match(await live(), /<vmport state='off'\/>[\s\S]*<watchdog model='i6300esb' action='pause'>/);
    assert.deepEqual(await played.refresh(), []);
    await played.up({ ...args, state: "shutoff", xml: xml("i6300esb") });
    await played.up({ ...args, state: "shutoff", xml: xml("ib700") });
    assert.deepEqual(
      [...(await config()).matchAll(/<watchdog model='(.*?)'/g)].map(([, model]) => model),
      ["ib700"],
    );
    assert.deepEqual(await played.refresh(), []);
    await played.up({ ...args, state: "shutoff" });
    assert.doesNotMatch(await config(), /watchdog|vmport/);
    assert.match(await config(), /<acpi\/>/);
    assert.deepEqual(await played.refresh(), []);
  });

  it("do not take over what is not there", async () => {
    const [reason] = await played.preview({ ...args, adopt: "nobody" });
    assert.match(reason!, /adopt: there is no domain "nobody" to adopt/);
  });

  it("with UEFI have their variables removed with them", async function () {
    const [problem] = await played.preview({ ...args, firmware: "uefi" });
    if (problem !== undefined) skip(this, problem);
    await played.up({ ...args, firmware: "uefi" });
    const nvram = /<nvram[^>]*>(.*?)<\/nvram>/.exec(await live())![1]!;
    assert.equal(libvirt.run("stat", "-c", "%F", nvram).trim(), "regular file");
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
    assert.throws(() => libvirt.run("stat", nvram), /No such file/);
  });
});
