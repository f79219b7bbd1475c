import assert from "node:assert/strict";
import { kindOf } from "../../../providers/handlers/domain-kind";
import { document, type DomainLook } from "../../../providers/handlers/domain-look";
import { newModel } from "../../../providers/handlers/domain-model";
import { observe } from "../../../providers/handlers/domain-observe";
import { domainXML, type DomainModel } from "../../../providers/libvirt/xml/domain";
import { defaultMac } from "../../../providers/schema/domain-nic";
import { domainSchema, type DomainInputs } from "../../../providers/schema/domain";
import { parsed } from "../schema/parse";

const declared: DomainInputs = parsed(domainSchema, {
  name: "web-1",
  memory: "1GiB",
  maxMemory: "4GiB",
  maxVcpus: 4,
  title: "Web",
  machine: "q35",
  cpu: { mode: "maximum" },
  kernel: "/k",
  disks: [{ path: "/a.qcow2", serial: "a" }, { volume: { pool: "p", name: "b" } }],
  nics: [{ network: "lan" }, { bridge: "br0", mac: "52:54:00:00:00:01", linkState: "down" }],
});
const paths = { "p/b": "/srv/b" };
const model = newModel(declared, "tcg", paths);

/** What `read` finds of a guest whose documents differ from the declaration in these ways. */
function drift(config: Partial<DomainModel>, live: Partial<DomainModel> | undefined, more: Partial<DomainLook> = {}) {
  const seen: DomainLook = {
    domain: { name: "web-1", uuid: "", id: 1 },
    power: live ? "running" : "shutoff",
    config: document(domainXML({ ...model, machine: "pc-q35-7.2", ...config })),
    live: live && document(domainXML({ ...model, machine: "pc-q35-7.2", ...live })),
    autostart: true,
    persistent: true,
    ...more,
  };
  const now = observe(kindOf(declared), declared, seen, paths);
  const changed = (Object.keys(declared) as (keyof DomainInputs)[]).filter(
    (field) => JSON.stringify(now[field]) !== JSON.stringify(declared[field]),
  );
  return Object.fromEntries(changed.map((field) => [field, now[field]]));
}

describe("what is read of a guest", () => {
  it("is what was declared when it is as declared", () => {
    assert.deepEqual(drift({}, {}), {});
    assert.deepEqual(drift({}, undefined), { state: "shutoff" });
  });

  it("is only what the program sets", () => {
    assert.deepEqual(drift({ description: "x", onCrash: "restart", initrd: "/i", bootOrder: ["network"] }, {}), {});
  });

  it("is the one of both documents that is not as declared", () => {
    assert.deepEqual(drift({ title: "Config" }, {}), { title: "Config" });
    assert.deepEqual(drift({}, { title: "Live" }), { title: "Live" });
    assert.deepEqual(drift({ vcpus: 2 }, {}), { vcpus: 2 });
    assert.deepEqual(drift({}, { vcpus: 3 }), { vcpus: 3 });
    assert.deepEqual(drift({ kernel: "/other", cpu: { mode: "host-model" } }, {}), {
      kernel: "/other",
      cpu: { mode: "host-model" },
    });
  });

  it("does not take libvirt's live processor for a change", () => {
    assert.deepEqual(drift({}, { cpu: { mode: "custom", model: "qemu64" } }), {});
  });

  it("knows a guest that has not given memory back yet", () => {
    assert.deepEqual(drift({}, { memory: "4GiB" }), {});
    assert.deepEqual(drift({}, { memory: "2GiB" }), { memory: "2GiB" });
    assert.deepEqual(drift({ memory: "3GiB" }, { memory: "4GiB" }), { memory: "3GiB" });
  });

  it("is without a device that is gone, and with one that nobody declared", () => {
    const [a, b] = model.disks;
    const foreign = { ...b!, target: "vdc", path: "/foreign" };
    assert.deepEqual(drift({}, { disks: [a!, foreign] }), {
      disks: [declared.disks![0], { name: "vdc", device: "disk", path: "/foreign" }],
    });
    const [first, second] = model.nics;
    assert.deepEqual(drift({ nics: [second!] }, {}), { nics: [declared.nics![1]] });
    assert.deepEqual(drift({}, { nics: [first!, second!, { ...first!, mac: "52:54:00:00:00:99" }] }), {
      nics: [...declared.nics!, { mac: "52:54:00:00:00:99", network: "lan" }],
    });
  });

  it("is silent on addresses inside a machine, of which its documents tell nothing", () => {
    const nics = [{ ...declared.nics![0]!, addresses: ["10.0.0.5/24"], gateway: ["10.0.0.1"] }, declared.nics![1]!];
    const document = { ...declared, nics };
    const now = kindOf(declared).inWords(document, model, paths).nics;
    assert.deepEqual(JSON.parse(JSON.stringify(now)), nics);
  });

  it("is a device as it is", () => {
    const [a, b] = model.disks;
    assert.deepEqual(drift({ disks: [{ ...a!, serial: "x", cache: "none" }, b!] }, {}), {
      disks: [{ ...declared.disks![0], serial: "x" }, declared.disks![1]],
    });
    const [first, second] = model.nics;
    assert.equal(first!.mac, defaultMac("web-1", 0));
    const moved = { ...first!, network: undefined, bridge: "br7" };
    assert.deepEqual(drift({}, { nics: [moved, { ...second!, linkState: "up" }] }), {
      nics: [{ bridge: "br7" }, { ...declared.nics![1], linkState: "up" }],
    });
  });

  it("misses the settings of a guest that was undefined while it runs", () => {
    assert.deepEqual(drift({}, {}, { persistent: false }), { autostart: undefined });
    assert.deepEqual(drift({}, {}, { autostart: false }), { autostart: false });
    assert.deepEqual(drift({}, {}, { power: "paused" }), { state: "paused" });
  });
});
