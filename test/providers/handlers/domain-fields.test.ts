import assert from "node:assert/strict";
import { classify, describeChange } from "../../../providers/dynamic/diff";
import { domainFields } from "../../../providers/handlers/domain-fields";
import { domainSchema, type DomainInputs } from "../../../providers/schema/domain";
import { parsed } from "../schema/parse";

const web = { name: "web-1", memory: "2GiB" };

/** The changes from one program to another, as the preview shows them. */
function shown(before: object, after: object, observed: object = {}): string[] {
  const olds = { ...parsed(domainSchema, { ...web, ...before }), ...observed };
  return classify(domainFields, olds, parsed(domainSchema, { ...web, ...after })).map(describeChange);
}

describe("what a change of a guest amounts to", () => {
  it("has a rule for each field of the schema, and no other", () => {
    const fields = (domainSchema as unknown as { entries: object }).entries;
    assert.deepEqual(Object.keys(domainFields).sort(), [...Object.keys(fields), "uuid"].sort());
  });

  const cases: [name: string, before: object, after: object, lines: string[]][] = [
    ["nothing", {}, {}, []],
    [
      "memory within its room",
      { maxMemory: "4GiB" },
      { maxMemory: "4GiB", memory: "3GiB" },
      ["memory 2GiB -> 3GiB (live: by the balloon)"],
    ],
    ["less memory", {}, { memory: "1GiB" }, ["memory 2GiB -> 1GiB (live: by the balloon)"]],
    [
      "memory above its room",
      { maxMemory: "2GiB" },
      { maxMemory: "4GiB", memory: "4GiB" },
      [
        "memory 2GiB -> 4GiB (reboot: maxMemory 2GiB leaves no room)",
        "maxMemory 2GiB -> 4GiB (reboot: the room for memory is fixed at its start)",
      ],
    ],
    [
      "memory without room",
      {},
      { memory: "4GiB" },
      ["memory 2GiB -> 4GiB (reboot: it started with 2GiB, and without maxMemory there is no room for more)"],
    ],
    ["room that was there unsaid", {}, { maxMemory: "2GiB" }, ["maxMemory unset -> 2GiB (live)"]],
    ["more vcpus within their room", { maxVcpus: 4 }, { maxVcpus: 4, vcpus: 3 }, ["vcpus 1 -> 3 (live: plugged in)"]],
    ["fewer vcpus", { vcpus: 2 }, { vcpus: 1 }, ["vcpus 2 -> 1 (reboot: no vcpu is taken from a running guest)"]],
    [
      "vcpus above their room",
      {},
      { vcpus: 2 },
      ["vcpus 1 -> 2 (reboot: it started with 1, and without maxVcpus there is no room for more)"],
    ],
    [
      "vcpus above a declared room",
      { maxVcpus: 2 },
      { maxVcpus: 4, vcpus: 4 },
      [
        "vcpus 1 -> 4 (reboot: maxVcpus 2 leaves no room)",
        "maxVcpus 2 -> 4 (reboot: the room for vcpus is fixed at its start)",
      ],
    ],
    ["texts", {}, { title: "a", description: "b" }, ["title unset -> a (live)", "description unset -> b (live)"]],
    ["autostart", {}, { autostart: false }, ["autostart true -> false (live)"]],
    [
      "the connection",
      {},
      { connection: "qemu+ssh://kvm2/system" },
      ["connection qemu:///system -> qemu+ssh://kvm2/system (replace)"],
    ],
    ["the name", {}, { name: "www" }, ["name web-1 -> www (reboot: libvirt renames only a guest that is off)"]],
    [
      "the processor",
      {},
      { cpu: { mode: "maximum" } },
      ['cpu unset -> {"mode":"maximum"} (reboot: the processor is made at its start)'],
    ],
    ["the machine", {}, { machine: "pc" }, ["machine unset -> pc (reboot: the machine is made at its start)"]],
    [
      "the firmware",
      {},
      { firmware: "uefi" },
      ["firmware unset -> uefi (reboot: the firmware is loaded at its start)"],
    ],
    ["the kernel", { kernel: "/a" }, { kernel: "/b" }, ["kernel /a -> /b (reboot: the kernel is loaded at its start)"]],
    [
      "the initrd",
      { kernel: "/a" },
      { kernel: "/a", initrd: "/b" },
      ["initrd unset -> /b (reboot: the initrd is loaded at its start)"],
    ],
    [
      "the command line",
      { kernel: "/a" },
      { kernel: "/a", cmdline: "b" },
      ["cmdline unset -> b (reboot: the kernel reads it at its start)"],
    ],
    [
      "the boot order",
      {},
      { bootOrder: ["network"] },
      ['bootOrder unset -> ["network"] (reboot: the firmware reads it at its start)'],
    ],
    [
      "the console's log",
      {},
      { consoleLog: false },
      ["consoleLog true -> false (reboot: the serial port is made at its start)"],
    ],
    [
      "the agent's channel",
      {},
      { agent: false },
      ["agent true -> false (reboot: the agent's channel is made at its start)"],
    ],
    ["the screen", {}, { graphics: true }, ["graphics false -> true (reboot: the screen is made at its start)"]],
    [
      "what follows a crash",
      {},
      { onCrash: "restart" },
      ["onCrash unset -> restart (reboot: libvirt notes it at its start)"],
    ],
    [
      "the accelerator",
      { accelerator: "tcg" },
      { accelerator: "kvm" },
      ["accelerator tcg -> kvm (reboot: the accelerator is chosen at its start)"],
    ],
    ["a free accelerator", { accelerator: "tcg" }, {}, ["accelerator tcg -> auto (live: it keeps the one it has)"]],
    ["turning it off", {}, { state: "shutoff" }, ["state running -> shutoff (reboot: the guest is shut down)"]],
    ["pausing it", {}, { state: "paused" }, ["state running -> paused (live: the guest stands still)"]],
    ["letting it go on", { state: "paused" }, {}, ["state paused -> running (live: the guest goes on)"]],
    ["starting it", { state: "shutoff" }, {}, ["state shutoff -> running (live: the guest is started)"]],
    ["the shutdown time", {}, { shutdownTimeout: "1m" }, ["shutdownTimeout 30s -> 1m (live)"]],
    ["readiness", {}, { ready: { agent: true } }, ['ready unset -> {"agent":true,"timeout":"5m"} (live)']],
    [
      "what no field says",
      {},
      { xml: "<domain/>" },
      ["xml unset -> <domain/> (reboot: QEMU is told of it at its start)"],
    ],
    ["the limit", {}, { disruption: "live" }, []],
    ["who made it", { owner: "a" }, { owner: "b" }, []],
  ];
  for (const [name, before, after, lines] of cases)
    it(`shows ${name}`, () => assert.deepEqual(shown(before, after), lines));

  it("is live for all that changes while the guest is off", () => {
    const before = { kernel: "/a", disks: [{ path: "/a" }], nics: [{ network: "a" }] };
    const after = {
      name: "www",
      memory: "8GiB",
      vcpus: 8,
      kernel: "/b",
      machine: "pc",
      firmware: "uefi",
      disks: [],
      nics: [],
    };
    for (const observed of [{ state: "shutoff" }, { state: undefined, power: "shutoff" }])
      for (const line of shown(before, { ...after, state: "shutoff" }, observed))
        assert.match(line, /\(live\)|\(live: /);
  });

  it("is nothing for what an adopted guest has and the program no longer sets", () => {
    const olds = parsed(domainSchema, {
      name: "old",
      adopt: "old",
      vcpus: 2,
      disks: [],
      agent: true,
      state: "running",
    });
    assert.deepEqual(classify(domainFields, olds, parsed(domainSchema, { name: "old", adopt: "old" })), []);
  });

  it("tells of drift what repairs it", () => {
    assert.deepEqual(shown({}, {}, { state: "shutoff" }), ["state shutoff -> running (live: the guest is started)"]);
    assert.deepEqual(shown({}, {}, { autostart: undefined }), ["autostart unset -> true (live)"]);
  });

  it("is a change of the accelerator only where another one is in use", () => {
    const olds = { ...parsed(domainSchema, web), acceleratorInUse: "tcg" } as DomainInputs;
    const [change] = classify(domainFields, olds, parsed(domainSchema, { ...web, accelerator: "tcg" }));
    assert.equal(change!.disruption, "live");
  });
});

describe("what a change of a guest's devices amounts to", () => {
  const a = { path: "/a.qcow2" };
  const b = { path: "/b.qcow2" };
  const lan = { network: "lan" };
  const dmz = { network: "dmz" };
  const disks: [name: string, before: object[], after: object[], verdict: string][] = [
    ["one more", [a], [a, b], "live: /b.qcow2 is plugged in"],
    ["one less", [a, b], [a], "live: /b.qcow2 is plugged out"],
    ["the first gone", [a, b], [b], "reboot: /a.qcow2, its first disk, goes"],
    ["another first", [a], [b], "reboot: /a.qcow2, its first disk, goes"],
    [
      "another content under a name",
      [{ ...a, name: "vda" }],
      [{ ...b, name: "vda" }],
      "reboot: vda /a.qcow2 becomes vda /b.qcow2",
    ],
    ["the same content under a name", [a], [{ ...a, name: "vda" }], "live"],
    ["another order", [a, b], [b, a], "live"],
    ["another format", [a], [{ ...a, format: "raw" }], "reboot: /a.qcow2 is opened as raw"],
    ["the default format, written out", [a], [{ ...a, format: "qcow2" }], "live"],
    ["another bus", [a], [{ ...a, bus: "sata" }], "reboot: /a.qcow2 moves to another bus"],
    [
      "the first on scsi",
      [a],
      [a, { ...b, bus: "scsi" }],
      "reboot: /b.qcow2 is its first on scsi, whose controller comes at its start",
    ],
    [
      "the second on scsi",
      [{ ...a, bus: "scsi" }],
      [
        { ...a, bus: "scsi" },
        { ...b, bus: "scsi" },
      ],
      "live: /b.qcow2 is plugged in",
    ],
    ["a serial number", [a], [{ ...a, serial: "x" }], "reboot: serial of /a.qcow2 is fixed while it is plugged in"],
    ["a cache mode", [a], [{ ...a, cache: "none" }], "reboot: cache of /a.qcow2 is fixed while it is plugged in"],
    [
      "write protection",
      [a],
      [{ ...a, readonly: true }],
      "reboot: readonly of /a.qcow2 is fixed while it is plugged in",
    ],
    [
      "a medium",
      [a, { device: "cdrom" }],
      [a, { device: "cdrom", path: "/x.iso" }],
      "live: the medium of the cdrom becomes /x.iso",
    ],
    [
      "no medium",
      [a, { device: "cdrom", path: "/x.iso" }],
      [a, { device: "cdrom" }],
      "live: the medium of the cdrom becomes empty cdrom",
    ],
    ["a drive more", [a], [a, { device: "cdrom" }], "reboot: nothing is plugged into sata while it runs (empty cdrom)"],
    [
      "a drive less",
      [a, { device: "cdrom" }],
      [a],
      "reboot: nothing is plugged out of sata while it runs (empty cdrom)",
    ],
    [
      "the worst of several",
      [a, b],
      [{ ...a, serial: "x" }],
      "reboot: serial of /a.qcow2 is fixed while it is plugged in",
    ],
    [
      "volumes by pool and name",
      [{ volume: { pool: "p", name: "a" } }],
      [{ volume: { pool: "p", name: "a" } }, { volume: { pool: "p", name: "b" } }],
      "live: p/b is plugged in",
    ],
  ];
  const nics: [name: string, before: object[], after: object[], verdict: string][] = [
    ["one more", [lan], [lan, dmz], "live: a NIC on network dmz is plugged in"],
    ["one less", [lan, dmz], [lan], "live: the NIC on network dmz is plugged out"],
    ["a move", [lan], [{ bridge: "br0" }], "live: the NIC moves from network lan to bridge br0"],
    ["a cable out", [lan], [{ ...lan, linkState: "down" }], "live: the link on network lan goes down"],
    [
      "a limit",
      [lan],
      [{ ...lan, bandwidth: { inbound: { average: "1MiB" } } }],
      "live: the bandwidth on network lan changes",
    ],
    [
      "another MAC",
      [lan],
      [{ ...lan, mac: "52:54:00:00:00:01" }],
      "live: a NIC on network lan is plugged in, the NIC on network lan is plugged out",
    ],
    [
      "another model",
      [lan],
      [{ ...lan, model: "e1000" }],
      "reboot: model of the NIC on network lan is fixed while it is plugged in",
    ],
    ["the default model, written out", [lan], [{ ...lan, model: "virtio" }], "live"],
    ["a port group", [lan], [{ ...lan, portGroup: "slow" }], "live: the port group on network lan changes"],
    ["a port alone", [lan], [{ ...lan, isolated: true }], "live: the port on network lan is isolated"],
    ["a port among others", [{ ...lan, isolated: true }], [lan], "live: the port on network lan is isolated no more"],
    ["a filter", [lan], [{ ...lan, filter: { name: "f" } }], "live: the filter on network lan changes"],
    [
      "a VLAN",
      [lan],
      [{ ...lan, vlans: { untagged: 7 } }],
      "reboot: vlans of the NIC on network lan are fixed while it is plugged in",
    ],
    [
      "another MTU",
      [lan],
      [{ ...lan, mtu: 9000 }],
      "reboot: mtu of the NIC on network lan is fixed while it is plugged in",
    ],
  ];
  for (const [field, cases] of [
    ["disks", disks],
    ["nics", nics],
  ] as const)
    for (const [name, before, after, verdict] of cases)
      it(`shows ${name} (${field})`, () => {
        const [line] = shown({ [field]: before }, { [field]: after });
        assert.ok(line!.endsWith(` (${verdict})`), `${line} must end with (${verdict})`);
      });

  it("shows another address of a NIC as what is set inside", () => {
    const at = (...addresses: string[]) => ({ ready: { agent: true }, nics: [{ ...lan, addresses }] });
    const [line] = shown(at("10.0.0.5/24"), at("10.0.0.6/24"));
    assert.ok(line!.endsWith(" (live: the addresses on network lan are set inside)"), line);
  });
});
