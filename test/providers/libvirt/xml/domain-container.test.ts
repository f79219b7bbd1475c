import assert from "node:assert/strict";
import fc from "fast-check";
import {
  domainXML,
  editDomain,
  parseDomain,
  type DomainField,
  type DomainModel,
} from "../../../../providers/libvirt/xml/domain";
import { parse } from "../../../../providers/libvirt/xml/document";
import { capabilityNames } from "../../../../providers/schema/domain-container";
import { formatSize } from "../../../../providers/schema/size";
import { assertGolden } from "./golden";

const plain: DomainModel = {
  type: "lxc",
  uuid: "6f1c3d5e-0000-4000-8000-000000000001",
  name: "web",
  memory: "256MiB",
  maxMemory: "256MiB",
  vcpus: 1,
  maxVcpus: 1,
  onCrash: "destroy",
  firmware: "bios",
  bootOrder: [],
  agent: false,
  graphics: false,
  disks: [],
  nics: [],
  init: ["/sbin/init"],
  root: "/srv/web",
  mounts: [],
  devices: [],
};

const full: DomainModel = {
  ...plain,
  init: ["/usr/lib/pulumi-kvm/init", "/bin/sh", "-c", "a & b"],
  initEnv: { LANG: "C.UTF-8" },
  mounts: [
    { source: "/srv/www", target: "/var/www", readonly: true },
    { source: "/srv/data", target: "/data", readonly: false },
  ],
  idmap: { start: 100000, count: 65536 },
  capabilities: { policy: "default", add: ["mknod"], drop: ["net_raw"] },
  devices: ["/dev/net/tun"],
  memtune: { softLimit: "128MiB", swapHardLimit: "512MiB" },
  cputune: { shares: 512, quota: 50000, period: 100000 },
  nics: [
    {
      mac: "52:54:00:00:00:01",
      network: "lan",
      linkState: "up",
      guest: "eth0",
      addresses: ["192.168.155.9/24", "fd00:155::9/64"],
      routes: [
        { to: "0.0.0.0/0", via: "192.168.155.1" },
        { to: "10.1.0.0/16", via: "192.168.155.2" },
      ],
    },
    { mac: "52:54:00:00:00:02", bridge: "br0", linkState: "up", guest: "eth1" },
  ],
};

function said<T>(model: T): T {
  return JSON.parse(JSON.stringify(model)) as T;
}

describe("container document", () => {
  it("is written whole", () => {
    assertGolden(domainXML(plain), "container-plain.xml");
    assertGolden(domainXML(full, "site/dev/web"), "container-full.xml");
  });

  it("reads back what it wrote", () => {
    for (const model of [plain, full]) assert.deepEqual(said(parseDomain(parse(domainXML(model)))), said(model));
  });

  it("tells the limit of memory that holds, and writes a new one in its place", () => {
    const limited = domainXML(plain).replace(
      "<os>",
      "<memtune><hard_limit unit='KiB'>524288</hard_limit></memtune><os>",
    );
    assert.equal(parseDomain(parse(limited)).memory, "512MiB");
    const edited = editDomain(limited, { ...plain, memory: "128MiB" }, ["memory"]);
    assert.equal(parseDomain(parse(edited)).memory, "128MiB");
  });

  it("keeps file systems and features that the model does not know", () => {
    const foreign = domainXML(full)
      .replace("<devices>", '<devices><filesystem type="ram"><source usage="1024"/><target dir="/tmp"/></filesystem>')
      .replace("<privnet/>", "<privnet/><hap/>");
    const edited = editDomain(foreign, { ...full, mounts: [], capabilities: undefined, devices: [] }, [
      "mounts",
      "capabilities",
      "devices",
    ]);
    assert.match(edited, /<filesystem type="ram">/);
    assert.match(edited, /<privnet\/><hap\/>/);
    assert.deepEqual(
      said(parseDomain(parse(edited))),
      said({ ...full, mounts: [], capabilities: undefined, devices: [] }),
    );
  });

  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const path = fc.stringMatching(/^\/[a-z]{1,6}(\/[a-z &<]{0,6}[a-z])?$/);
  const kib = fc.integer({ min: 1, max: 1 << 22 }).map((count) => formatSize(count * 1024));
  const names = fc.subarray([...capabilityNames]).map((list) => list.sort());
  const container: fc.Arbitrary<Partial<DomainModel>> = fc
    .record({
      init: fc.array(fc.stringMatching(/^[a-z<>&"' ]{0,8}[a-z]$/), { maxLength: 3 }).map((args) => ["/init", ...args]),
      initEnv: optional(fc.constant({ A: "b", C_D: "e f" })),
      root: path,
      mounts: fc.uniqueArray(fc.record({ source: path, target: path, readonly: fc.boolean() }), {
        selector: ({ target }) => target,
        maxLength: 3,
      }),
      idmap: optional(fc.constant({ start: 100000, count: 1000 })),
      capabilities: optional(
        fc.tuple(fc.constantFrom("default", "allow", "deny"), names, names).map(([policy, add, all]) => ({
          policy,
          add,
          drop: all.filter((name) => !add.includes(name)),
        })),
      ),
      devices: fc.uniqueArray(fc.constantFrom("/dev/net/tun", "/dev/fuse", "/dev/kvm")),
      memtune: optional(fc.record({ softLimit: kib, swapHardLimit: optional(kib) })),
      cputune: optional(
        fc.record({ shares: fc.nat({ max: 1024 }), quota: optional(fc.nat()), period: optional(fc.nat()) }),
      ),
    })
    .map((parts) => said(parts));

  it("becomes any other by editing", () => {
    const fields: DomainField[] = [
      ...(["init", "initEnv", "root", "mounts", "idmap", "capabilities", "devices", "memtune", "cputune"] as const),
    ];
    fc.assert(
      fc.property(container, container, (before, after) => {
        const edited = editDomain(domainXML({ ...plain, ...before }), { ...plain, ...after }, fields);
        const sorted = (model: DomainModel) => ({
          ...said(model),
          mounts: [...model.mounts!].sort((a, b) => (a.target < b.target ? -1 : 1)),
          devices: [...model.devices!].sort(),
        });
        assert.deepEqual(sorted(parseDomain(parse(edited))), sorted({ ...plain, ...after }));
      }),
    );
  });
});
