import assert from "node:assert/strict";
import fc from "fast-check";
import { attribute, child, children, parse, serialize } from "../../../../providers/libvirt/xml/document";
import {
  domainXML,
  editDomain,
  parseDomain,
  type DomainField,
  type DomainModel,
} from "../../../../providers/libvirt/xml/domain";
import { sameMachine } from "../../../../providers/libvirt/xml/domain-boot";
import { agentConnected, vncPort } from "../../../../providers/libvirt/xml/domain-console";
import type { DiskModel } from "../../../../providers/libvirt/xml/domain-disk";
import type { NicModel } from "../../../../providers/libvirt/xml/domain-nic";
import type { VlansModel } from "../../../../providers/libvirt/xml/port-vlans";
import type { FilterReference } from "../../../../providers/libvirt/xml/nwfilter";
import { ownerOf } from "../../../../providers/libvirt/xml/owner";
import { formatSize } from "../../../../providers/schema/size";
import { assertGolden, compact, golden } from "./golden";

const plain: DomainModel = {
  type: "qemu",
  uuid: "6f1c3d5e-0000-4000-8000-000000000001",
  name: "tiny",
  memory: "64MiB",
  maxMemory: "64MiB",
  vcpus: 1,
  maxVcpus: 1,
  cpu: { mode: "maximum" },
  onCrash: "destroy",
  machine: "q35",
  firmware: "bios",
  bootOrder: [],
  agent: false,
  graphics: false,
  disks: [],
  nics: [],
};

const full: DomainModel = {
  ...plain,
  type: "kvm",
  name: "web-1",
  title: "Web & mail",
  description: 'serves "www"\nand <more>',
  memory: "1GiB",
  maxMemory: "4GiB",
  vcpus: 2,
  maxVcpus: 4,
  cpu: { mode: "custom", model: "Skylake-Server" },
  onCrash: "restart",
  firmware: "uefi",
  kernel: "/srv/vmlinuz",
  initrd: "/srv/initrd",
  cmdline: "root=/dev/vda console=ttyS0",
  bootOrder: ["network", "hd"],
  consoleLog: "/var/log/libvirt/qemu/web-1-console.log",
  agent: true,
  graphics: true,
  disks: [
    {
      target: "vda",
      device: "disk",
      bus: "virtio",
      path: "/srv/web.qcow2",
      format: "qcow2",
      readonly: false,
      cache: "none",
      discard: "unmap",
      serial: "root",
    },
    { target: "vdb", device: "disk", bus: "virtio", path: "/dev/vg/data", format: "raw", readonly: true },
    {
      target: "vdc",
      device: "disk",
      bus: "virtio",
      volume: { pool: "ceph", name: "web" },
      format: "raw",
      readonly: false,
    },
    { target: "sda", device: "cdrom", bus: "sata", format: "raw", readonly: false },
  ],
  nics: [
    { mac: "52:54:00:00:00:01", network: "default", model: "virtio", linkState: "up" },
    {
      mac: "52:54:00:00:00:02",
      bridge: "br0",
      model: "e1000e",
      mtu: 9000,
      linkState: "down",
      bandwidth: { inbound: { average: "10MiB", peak: "20MiB", burst: "512KiB" }, outbound: { average: "1MiB" } },
      vlans: { untagged: 10, tagged: [20] },
    },
    {
      mac: "52:54:00:00:00:03",
      network: "default",
      portGroup: "slow",
      model: "virtio",
      linkState: "up",
      isolated: true,
      filter: { name: "web-1-nic0", parameters: { IP: ["192.0.2.10", "192.0.2.11"], PORT: ["80"] } },
    },
  ],
};

/** As a document says it: absent members out. */
function said<T>(model: T): T {
  return JSON.parse(JSON.stringify(model)) as T;
}

describe("domain document", () => {
  it("is written whole", () => {
    assertGolden(domainXML(plain), "domain-plain.xml");
    assertGolden(domainXML(full, "site/dev/web-1"), "domain-full.xml");
  });

  it("reads back what it wrote", () => {
    for (const model of [plain, full]) assert.deepEqual(said(parseDomain(parse(domainXML(model)))), said(model));
    assert.equal(ownerOf(parse(domainXML(full, "site/dev/web-1"))), "site/dev/web-1");
  });

  it("has free PCIe ports for what is plugged in later, on q35 alone", () => {
    const ports = (model: DomainModel) =>
      children(child(parse(domainXML(model)), "devices"), "controller").filter(
        (controller) => attribute(controller, "model") === "pcie-root-port",
      ).length;
    assert.equal(ports(plain), 9);
    assert.equal(ports(full), 16);
    assert.equal(ports({ ...plain, machine: "pc" }), 0);
  });

  it("has a SCSI controller that current systems know, where a disk needs one", () => {
    const scsi = { ...plain, disks: [{ ...full.disks[0]!, target: "sda", bus: "scsi" }] };
    const models = (xml: string) =>
      children(child(parse(xml), "devices"), "controller")
        .filter((controller) => attribute(controller, "type") === "scsi")
        .map((controller) => attribute(controller, "model"));
    assert.deepEqual([models(domainXML(plain)), models(domainXML(scsi))], [[], ["virtio-scsi"]]);
    assert.deepEqual(models(editDomain(domainXML(scsi), scsi, ["disks"])), ["virtio-scsi"]);
  });

  const text = fc.stringMatching(/^[A-Za-z<>&"' ]{0,12}[a-z]$/);
  const mebibytes = fc.integer({ min: 1, max: 1 << 22 }).map((count) => formatSize(count * 1024 * 1024));
  const kibibytes = fc.integer({ min: 1, max: 1 << 22 }).map((count) => formatSize(count * 1024));
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const rate = fc.record({ average: kibibytes, peak: optional(kibibytes), burst: optional(kibibytes) });
  const path = fc.stringMatching(/^\/srv\/[a-z &<]{0,8}[a-z]$/);
  const disk: fc.Arbitrary<Omit<DiskModel, "target">> = fc.record({
    device: fc.constant("disk"),
    bus: fc.constant("virtio"),
    path: fc.oneof(
      path,
      path.map((file) => `/dev${file}`),
    ),
    format: fc.constantFrom("qcow2", "raw"),
    readonly: fc.boolean(),
    cache: optional(fc.constantFrom("none", "unsafe")),
    discard: optional(fc.constantFrom("unmap", "ignore")),
    serial: optional(fc.stringMatching(/^[a-z0-9]{1,20}$/)),
  });
  const nic: fc.Arbitrary<Omit<NicModel, "mac">> = fc
    .record({
      source: fc.constantFrom({ network: "default" }, { network: "other", portGroup: "p" }, { bridge: "br0" }),
      model: fc.constantFrom("virtio", "e1000"),
      mtu: optional(fc.integer({ min: 68, max: 65535 })),
      linkState: fc.constantFrom("up" as const, "down" as const),
      bandwidth: optional(fc.oneof(fc.record({ inbound: rate }), fc.record({ inbound: rate, outbound: rate }))),
      isolated: optional(fc.constant(true)),
      vlans: optional(fc.constantFrom<VlansModel[]>({ untagged: 7 }, { tagged: [3, 5] }, { untagged: 7, tagged: [3] })),
      filter: optional(
        fc.constantFrom<FilterReference[]>({ name: "f" }, { name: "g", parameters: { IP: ["192.0.2.1"] } }),
      ),
    })
    .map(({ source, ...rest }) => ({ ...source, ...rest }));
  const anyModel: fc.Arbitrary<DomainModel> = fc
    .record({
      type: fc.constantFrom("kvm", "qemu"),
      name: fc.stringMatching(/^[a-z]{1,8}$/),
      title: optional(text),
      description: optional(text),
      memory: mebibytes,
      vcpus: fc.integer({ min: 1, max: 64 }),
      more: fc.integer({ min: 0, max: 64 }),
      cpu: fc.constantFrom({ mode: "host-model" }, { mode: "maximum" }, { mode: "custom", model: "qemu64" }),
      onCrash: fc.constantFrom("destroy", "restart", "preserve"),
      machine: fc.constantFrom("q35", "pc"),
      firmware: fc.constantFrom("bios" as const, "uefi" as const),
      kernel: optional(path),
      initrd: optional(path),
      cmdline: optional(text),
      bootOrder: fc.subarray(["hd", "cdrom", "network"]),
      consoleLog: optional(path),
      agent: fc.boolean(),
      graphics: fc.boolean(),
      disks: fc.array(disk, { maxLength: 4 }),
      nics: fc.array(nic, { maxLength: 4 }),
    })
    .map(({ more, disks, nics, ...rest }) => ({
      ...rest,
      uuid: plain.uuid,
      maxMemory: rest.memory,
      maxVcpus: rest.vcpus + more,
      disks: disks.map((one, at) => ({ target: `vd${String.fromCharCode(97 + at)}`, ...one })),
      nics: nics.map((one, at) => ({ mac: `52:54:00:00:00:0${at}`, ...one })),
    }));

  it("reads back whatever it wrote", () => {
    fc.assert(
      fc.property(anyModel, (model) => {
        assert.deepEqual(said(parseDomain(parse(domainXML(model)))), said(model));
      }),
      { numRuns: 25 },
    );
  });

  it("becomes any other by editing", () => {
    fc.assert(
      fc.property(anyModel, anyModel, (before, after) => {
        const edited = editDomain(domainXML(before), after, Object.keys(after) as DomainField[]);
        const fields = Object.keys(after) as DomainField[];
        for (const field of [...fields, "title", "kernel", "consoleLog"] as DomainField[])
          assert.deepEqual(said({ it: parseDomain(parse(edited))[field] }), said({ it: after[field] }), field);
      }),
      { numRuns: 12 },
    );
  });

  it("keeps everything that the model does not know, whichever field is edited", () => {
    const foreign = golden("domain-foreign.xml");
    const wanted = { ...parseDomain(parse(foreign)), ...full, disks: [], nics: [] };
    const unknown = ["metadata", "sysinfo", "cputune", "clock", "pm", "seclabel"];
    for (const field of Object.keys(wanted) as DomainField[]) {
      const edited = parse(editDomain(foreign, wanted, [field]));
      for (const name of unknown)
        assert.equal(
          compact(serialize(child(edited, name)!)),
          compact(serialize(child(parse(foreign), name)!)),
          `${name} after ${field}`,
        );
      const devices = child(edited, "devices");
      for (const name of ["watchdog", "hostdev", "tpm", "redirdev"])
        assert.ok(child(devices, name), `${name} after ${field}`);
    }
  });

  it("says the same when nothing is edited", () => {
    const foreign = golden("domain-foreign.xml");
    assert.equal(compact(editDomain(foreign, full, [])), compact(foreign));
  });

  it("is read with libvirt's units, targets and kinds", () => {
    const model = parseDomain(parse(golden("domain-foreign.xml")));
    assert.deepEqual(said(model), {
      type: "kvm",
      uuid: "11111111-2222-4333-8444-555555555555",
      name: "legacy",
      title: "Old one",
      memory: "1536MiB",
      maxMemory: "2GiB",
      vcpus: 2,
      maxVcpus: 4,
      cpu: { mode: "host-passthrough" },
      onCrash: "restart",
      machine: "pc-i440fx-7.2",
      firmware: "uefi",
      bootOrder: [],
      agent: true,
      graphics: true,
      disks: [
        { target: "hda", device: "disk", bus: "ide", path: "/srv/old.img", format: "raw", readonly: false },
        { target: "sdb", device: "cdrom", bus: "scsi", path: "/srv/a.iso", format: "raw", readonly: false },
      ],
      nics: [
        {
          mac: "52:54:00:aa:bb:cc",
          network: "lan",
          portGroup: "staff",
          model: "rtl8139",
          linkState: "up",
          filter: { name: "clean-traffic" },
        },
        { mac: "52:54:00:aa:bb:cd", bridge: "br0", model: "virtio", linkState: "up" },
      ],
    });
  });

  it("edits a device in its place, with its address, alias and options", () => {
    const foreign = golden("domain-foreign.xml");
    const model = parseDomain(parse(foreign));
    const [nic] = model.nics;
    const [disk] = model.disks;
    const edited = editDomain(
      foreign,
      { ...model, nics: [{ ...nic!, network: "dmz" }], disks: [{ ...disk!, cache: "none" }] },
      ["nics", "disks"],
    );
    const devices = child(parse(edited), "devices");
    const one = children(devices, "interface").find((at) => attribute(child(at, "mac"), "address") === nic!.mac)!;
    assert.equal(attribute(child(one, "source"), "network"), "dmz");
    assert.ok(child(one, "address"));
    assert.ok(child(one, "filterref"));
    const driver = child(child(devices, "disk"), "driver");
    assert.deepEqual([attribute(driver, "cache"), attribute(driver, "iothread")], ["none", "1"]);
    // What the model cannot say is no NIC of the model's, and stays.
    assert.ok(children(devices, "interface").some((at) => attribute(at, "type") === "hostdev"));
    assert.deepEqual(
      children(devices, "disk").map((at) => attribute(child(at, "target"), "dev")),
      ["hda", "fda"],
    );
  });

  it("tells an expanded machine type from another", () => {
    assert.ok(sameMachine("q35", "pc-q35-7.2"));
    assert.ok(sameMachine("pc", "pc-i440fx-7.2"));
    assert.ok(sameMachine("pc-q35-7.2", "pc-q35-7.2"));
    assert.ok(!sameMachine("q35", "pc-i440fx-7.2"));
    assert.ok(!sameMachine("pc-q35-6.0", "pc-q35-7.2"));
    assert.ok(!sameMachine("q35", undefined));
  });

  it("tells the agent's channel and the screen's port of a running guest", () => {
    const channel = (state: string) =>
      parse(
        `<domain><devices><channel type="unix"><target name="org.qemu.guest_agent.0" ${state}/></channel></devices></domain>`,
      );
    assert.deepEqual(
      ['state="connected"', 'state="disconnected"', ""].map((state) => agentConnected(channel(state))),
      [true, false, undefined],
    );
    const screen = (port: string) =>
      vncPort(parse(`<domain><devices><graphics type="vnc" port="${port}"/></devices></domain>`));
    assert.deepEqual([screen("5901"), screen("-1")], [5901, undefined]);
  });

  it("refuses what is not well formed", () => {
    assert.throws(() => editDomain("<domain><name>", full, []), /malformed XML/);
  });
});
