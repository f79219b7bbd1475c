import assert from "node:assert/strict";
import { diskModels, nicModels } from "../../../providers/handlers/domain-device-models";
import { differingFields, newModel, wantedModel } from "../../../providers/handlers/domain-model";
import type { DiskInputs } from "../../../providers/schema/domain-disk";
import { defaultMac } from "../../../providers/schema/domain-nic";
import { domainSchema, type DomainInputs } from "../../../providers/schema/domain";
import { parsed } from "../schema/parse";

const inputs = (more: object = {}): DomainInputs => parsed(domainSchema, { name: "web-1", memory: "2GiB", ...more });
const disk = (more: object): DiskInputs => ({ device: "disk", ...more });
const targets = (
  disks: DiskInputs[],
  ...rest: [Parameters<typeof diskModels>[1]?, Parameters<typeof diskModels>[2]?]
) => diskModels(disks, rest[0] ?? {}, rest[1]).map(({ target, path }) => `${target} ${path}`);

describe("disks in the document's words", () => {
  const a = disk({ path: "/a" });
  const b = disk({ path: "/b" });

  it("have targets in order, beside those that are named", () => {
    const cdrom: DiskInputs = { device: "cdrom", path: "/x.iso" };
    assert.deepEqual(targets([a, disk({ path: "/n", name: "vda" }), b, cdrom]), [
      "vdb /a",
      "vda /n",
      "vdc /b",
      "sda /x.iso",
    ]);
  });

  it("go on after the alphabet", () => {
    const many = Array.from({ length: 28 }, (_, at) => disk({ path: `/${at}` }));
    assert.deepEqual(targets(many).slice(-3), ["vdz /25", "vdaa /26", "vdab /27"]);
  });

  it("keep the target under which they are there", () => {
    const there = diskModels([a, b], {});
    assert.deepEqual(targets([b], {}, there), ["vdb /b"]);
    assert.deepEqual(targets([b, a], {}, there), ["vdb /b", "vda /a"]);
    assert.deepEqual(targets([disk({ path: "/c" }), b], {}, there), ["vda /c", "vdb /b"]);
  });

  it("are found by their volumes' paths", () => {
    const paths = { "pool/a": "/srv/a" };
    const volume = disk({ volume: { pool: "pool", name: "a" } });
    const there = diskModels([b, disk({ path: "/srv/a" })], {});
    assert.deepEqual(targets([volume], paths, there), ["vdb /srv/a"]);
    const [network] = diskModels([disk({ volume: { pool: "ceph", name: "x" } })], {});
    assert.deepEqual([network!.path, network!.volume], [undefined, { pool: "ceph", name: "x" }]);
  });

  it("keep a drive whose medium changes", () => {
    const cdrom = (path?: string): DiskInputs => ({ device: "cdrom", ...(path !== undefined && { path }) });
    const there = diskModels([a, cdrom()], {});
    assert.deepEqual(targets([a, cdrom("/x.iso")], {}, there), ["vda /a", "sda /x.iso"]);
  });

  it("keep what the program does not say, and lose what it says no more", () => {
    const there = diskModels([disk({ path: "/a", cache: "none", serial: "s", format: "raw" })], {});
    const [kept] = diskModels([a], {}, there);
    assert.deepEqual([kept!.cache, kept!.serial, kept!.format], ["none", "s", "raw"]);
    const [lost] = diskModels([a], {}, there, [disk({ path: "/a", cache: "none", serial: "s", format: "raw" })]);
    assert.deepEqual([lost!.cache, lost!.serial, lost!.format], [undefined, undefined, "qcow2"]);
  });
});

describe("NICs in the document's words", () => {
  it("keep what the program does not say, and lose what it says no more", () => {
    const limit = { inbound: { average: "1MiB" } };
    const said = { network: "lan", model: "e1000" as const, mtu: 9000, linkState: "down" as const, bandwidth: limit };
    const there = nicModels("web-1", [said]);
    assert.deepEqual(nicModels("web-1", [{ network: "lan" }], there), there);
    assert.deepEqual(nicModels("web-1", [{ network: "lan" }], there, { nics: [said] }), [
      {
        mac: defaultMac("web-1", 0),
        network: "lan",
        bridge: undefined,
        model: "virtio",
        mtu: undefined,
        linkState: "up",
        bandwidth: undefined,
        portGroup: undefined,
        isolated: undefined,
        vlans: undefined,
        filter: undefined,
        device: undefined,
      },
    ]);
  });
});

describe("what a guest's document should say", () => {
  const there = newModel(inputs({ kernel: "/k", title: "old", vcpus: 2 }), "tcg", {});

  it("is what is there where the program says nothing", () => {
    const adopted = parsed(domainSchema, { name: "web-1", adopt: "web-1" });
    assert.deepEqual(differingFields(there, wantedModel(there, adopted, adopted, {})), []);
  });

  it("is the default where the program says no more what it said", () => {
    const olds = inputs({ kernel: "/k", title: "old", vcpus: 2, cpu: { mode: "maximum" }, machine: "q35" });
    const wanted = wantedModel(there, inputs({ vcpus: 2 }), olds, {});
    assert.deepEqual(differingFields(there, wanted), ["title", "kernel"]);
  });

  it("keeps the accelerator unless the program chooses another", () => {
    assert.equal(wantedModel({ ...there, type: "kvm" }, inputs(), {}, {}).type, "kvm");
    assert.equal(wantedModel({ ...there, type: "kvm" }, inputs({ accelerator: "tcg" }), {}, {}).type, "qemu");
  });

  it("keeps the machine's version", () => {
    const expanded = { ...there, machine: "pc-q35-7.2" };
    assert.equal(wantedModel(expanded, inputs({ machine: "q35" }), {}, {}).machine, "pc-q35-7.2");
    assert.equal(wantedModel(expanded, inputs({ machine: "pc" }), {}, {}).machine, "pc");
  });

  it("moves the room with memory and vcpus where nobody made any", () => {
    const wanted = wantedModel(there, inputs({ memory: "4GiB", vcpus: 4 }), {}, {});
    assert.deepEqual([wanted.maxMemory, wanted.maxVcpus], ["4GiB", 4]);
    const roomy = { ...there, maxMemory: "8GiB", maxVcpus: 8 };
    const kept = wantedModel(roomy, inputs({ memory: "4GiB", vcpus: 4 }), {}, {});
    assert.deepEqual([kept.maxMemory, kept.maxVcpus], ["8GiB", 8]);
    const removed = wantedModel(roomy, inputs({ vcpus: 2 }), { maxMemory: "8GiB", maxVcpus: 8 }, {});
    assert.deepEqual([removed.maxMemory, removed.maxVcpus], ["2GiB", 2]);
  });
});
