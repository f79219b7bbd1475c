import assert from "node:assert/strict";
import { unknownValue } from "../../../providers/dynamic/unknown";
import { parseInputs } from "../../../providers/dynamic/check";
import { DomainHandler } from "../../../providers/handlers/domain";
import { domainSchema } from "../../../providers/schema/domain";
import { defaultMac, macsOf } from "../../../providers/schema/domain-nic";
import { complaints, parsed } from "./parse";

const web = { name: "web-1", memory: "2GiB" };

describe("guest inputs", () => {
  it("have the defaults that an operator would choose", () => {
    assert.deepEqual(parsed(domainSchema, web), {
      connection: "qemu:///system",
      ...web,
      vcpus: 1,
      accelerator: "auto",
      disks: [],
      nics: [],
      consoleLog: true,
      agent: true,
      graphics: false,
      autostart: true,
      state: "running",
      shutdownTimeout: "30s",
      disruption: "reboot",
    });
  });

  it("log the console only where the log folder is known", () => {
    const logs = (connection: string) => parsed(domainSchema, { ...web, connection }).consoleLog;
    assert.deepEqual(["qemu+ssh://kvm1/system", "qemu:///system?socket=/run/a", "qemu:///session"].map(logs), [
      true,
      true,
      false,
    ]);
  });

  it("of an adopted guest are only what the program sets", () => {
    assert.deepEqual(parsed(domainSchema, { name: "old", adopt: "old", vcpus: 2 }), {
      connection: "qemu:///system",
      name: "old",
      adopt: "old",
      vcpus: 2,
      disruption: "reboot",
    });
  });

  it("come in any spelling and leave in one", () => {
    const inputs = parsed(domainSchema, {
      ...web,
      memory: 536870912,
      maxMemory: "2048 MiB",
      title: "",
      description: "a\r\nb",
      nics: [{ network: "default", mac: "52:54:00:AA:BB:CC", bandwidth: { inbound: { average: 1048576 } } }],
      disks: [{ path: "/a.qcow2" }],
      ready: { http: {} },
    });
    assert.deepEqual(
      [inputs.memory, inputs.maxMemory, inputs.title, inputs.description],
      ["512MiB", "2GiB", undefined, "a\nb"],
    );
    assert.deepEqual(inputs.nics, [
      { network: "default", mac: "52:54:00:aa:bb:cc", bandwidth: { inbound: { average: "1MiB" } } },
    ]);
    assert.deepEqual(inputs.disks, [{ path: "/a.qcow2", device: "disk" }]);
    assert.deepEqual(inputs.ready, { http: { port: 80, path: "/" }, timeout: "5m" });
  });

  const nic = { network: "default" };
  const disk = { path: "/srv/a.qcow2" };
  const wrong: [name: string, raw: object, message: RegExp][] = [
    ["no memory", { name: "a" }, /^memory: is required\. Allowed: e\.g\. "2GiB"/],
    ["no name", { memory: "1GiB" }, /^name: is required/],
    ["a misspelt field", { ...web, memroy: "1GiB" }, /^memroy: unknown field "memroy"; did you mean "memory"\?/],
    ["a name with a slash", { ...web, name: "a/b" }, /^name: "a\/b" is not a name/],
    ["a connection that is none", { ...web, connection: "kvm1" }, /^connection: "kvm1" is not a libvirt URI/],
    ["memory that is no size", { ...web, memory: "lots" }, /^memory: "lots" is not a size/],
    ["memory of broken MiB", { ...web, memory: "1000kB" }, /^memory: "1000000B" is not a multiple of 1MiB/],
    ["less room than memory", { ...web, maxMemory: "1GiB" }, /^maxMemory: 1GiB is less than memory 2GiB/],
    ["less room than vcpus", { ...web, vcpus: 4, maxVcpus: 2 }, /^maxVcpus: 2 is less than vcpus 4/],
    ["half a vcpu", { ...web, vcpus: 0.5 }, /^vcpus: got 0\.5\. Allowed: a whole number from 1 to/],
    ["a custom cpu without model", { ...web, cpu: { mode: "custom" } }, /^cpu: mode custom needs a model/],
    [
      "a model of no custom cpu",
      { ...web, cpu: { mode: "maximum", model: "qemu64" } },
      /^cpu: model qemu64 goes with mode custom/,
    ],
    [
      "an unknown accelerator",
      { ...web, accelerator: "hvf" },
      /^accelerator: got "hvf".* Allowed: "auto", "kvm" or "tcg"/,
    ],
    ["a relative kernel", { ...web, kernel: "vmlinuz" }, /^kernel: "vmlinuz" is not an absolute path/],
    ["an initrd without kernel", { ...web, initrd: "/initrd" }, /^initrd: goes with kernel/],
    [
      "a command line of two lines",
      { ...web, kernel: "/k", cmdline: "a\nb" },
      /^cmdline: "a\\nb" has control characters/,
    ],
    [
      "waiting for a guest that is off",
      { ...web, state: "shutoff", ready: { agent: true } },
      /^ready: a guest that is shutoff never gets ready/,
    ],
    [
      "waiting for no agent",
      { ...web, agent: false, ready: { agent: true } },
      /^ready: agent is waited for, but agent: false/,
    ],
    ["a time-out that is none", { ...web, ready: { timeout: "soon" } }, /^ready\.timeout: "soon" is not a duration/],
    [
      "a port that is none",
      { ...web, ready: { http: { port: 0 } } },
      /^ready\.http\.port: got 0\. Allowed: a whole number from 1/,
    ],
    ["a NIC on nothing", { ...web, nics: [{}] }, /^nics\.0\.network: is required\. Allowed: network: .* or bridge/],
    [
      "a NIC on two things",
      { ...web, nics: [{ ...nic, bridge: "br0" }] },
      /^nics\.0\.bridge: network and bridge are both given/,
    ],
    ["a MAC that is none", { ...web, nics: [{ ...nic, mac: "52:54" }] }, /^nics\.0\.mac: "52:54" is not a MAC address/],
    [
      "a multicast MAC",
      { ...web, nics: [{ ...nic, mac: "53:54:00:00:00:01" }] },
      /^nics\.0\.mac: .* is a multicast MAC/,
    ],
    [
      "one MAC twice",
      { ...web, nics: [nic, { ...nic, mac: defaultMac("web-1", 0) }] },
      /^nics\.1\.mac: 52:54:00:\S+ is the address of another NIC/,
    ],
    [
      "a rate of odd bytes",
      { ...web, nics: [{ ...nic, bandwidth: { inbound: { average: 1000 } } }] },
      /"1000B" is not a multiple of 1KiB/,
    ],
    ["a disk of nothing", { ...web, disks: [{}] }, /^disks\.0\.volume: is required\. Allowed: volume: .* or path/],
    [
      "a disk of two things",
      { ...web, disks: [{ ...disk, volume: { pool: "a", name: "b" } }] },
      /^disks\.0\.path: volume and path are both given/,
    ],
    ["a disk twice", { ...web, disks: [disk, disk] }, /^disks\.1\.path: \/srv\/a\.qcow2 is given twice/],
    [
      "a target twice",
      {
        ...web,
        disks: [
          { ...disk, name: "vda" },
          { path: "/b", name: "vda" },
        ],
      },
      /^disks\.1\.name: "vda" is the target of another/,
    ],
    [
      "a target on the wrong bus",
      { ...web, disks: [{ ...disk, name: "sda" }] },
      /^disks\.0\.name: "sda" is not a target on bus virtio\. Allowed: "vda"/,
    ],
    ["a virtio cdrom", { ...web, disks: [{ device: "cdrom", bus: "virtio" }] }, /^disks\.0\.bus: virtio has no cdrom/],
    ["XML that is none", { ...web, xml: "<domain>" }, /^xml: is not well-formed XML: /],
    ["XML of something else", { ...web, xml: "<network/>" }, /^xml: is not a <domain> element\. Allowed: a <domain>/],
    [
      "XML that says what a field says",
      { ...web, xml: "<domain><memory>1</memory></domain>" },
      /^xml: says <memory>, which has/,
    ],
    [
      "a serial number with blanks",
      { ...web, disks: [{ ...disk, serial: "a b" }] },
      /^disks\.0\.serial: "a b" is not a serial number/,
    ],
  ];
  for (const [name, raw, message] of wrong)
    it(`refuse ${name}`, () => {
      const found = complaints(domainSchema, raw);
      assert.ok(
        found.some((reason) => message.test(reason)),
        found.join("\n") || "nothing was refused",
      );
    });

  it("are checked as far as they are known", () => {
    const raw = { name: "a", memory: unknownValue, disks: [{ path: unknownValue }], vcpus: 0 };
    const { failures } = parseInputs(new DomainHandler(), raw);
    assert.deepEqual(
      failures.map(({ property }) => property),
      ["vcpus"],
    );
  });
});

describe("default MAC addresses", () => {
  it("are the same in every run, unicast, and QEMU's", () => {
    assert.equal(defaultMac("web-1", 0), "52:54:00:67:c6:f1");
    const all = Array.from({ length: 200 }, (_, at) => defaultMac(`web-${at}`, at % 4));
    assert.equal(new Set(all).size, 200);
    assert.ok(all.every((mac) => /^52:54:00(:[0-9a-f]{2}){3}$/.test(mac)));
  });

  it("give way to those that the program chooses", () => {
    assert.deepEqual(macsOf("web-1", [{ mac: "52:54:00:00:00:01" }, {}]), [
      "52:54:00:00:00:01",
      defaultMac("web-1", 1),
    ]);
  });
});
