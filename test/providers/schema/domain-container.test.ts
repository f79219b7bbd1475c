import assert from "node:assert/strict";
import { domainSchema } from "../../../providers/schema/domain";
import { complaints, parsed } from "./parse";

const web = { kind: "lxc", connection: "lxc:///system", name: "web", memory: "256MiB", root: "/srv/web" };
const nic = { network: "lan", addresses: ["192.168.155.9/24"] };

describe("container inputs", () => {
  it("have the defaults that an operator would choose", () => {
    assert.deepEqual(parsed(domainSchema, web), {
      ...web,
      init: ["/sbin/init"],
      nics: [],
      autostart: true,
      state: "running",
      shutdownTimeout: "30s",
      disruption: "reboot",
    });
  });

  it("of an adopted container are only what the program sets", () => {
    const adopted = { kind: "lxc", connection: "lxc:///system", name: "web", adopt: "web" };
    assert.deepEqual(parsed(domainSchema, adopted), { ...adopted, disruption: "reboot" });
  });

  it("come in any spelling and leave in one", () => {
    const inputs = parsed(domainSchema, {
      ...web,
      init: "/sbin/init",
      mounts: [{ source: "/srv/www", target: "/var/www" }],
      idmap: { start: 100000 },
      capabilities: { add: ["sys_time"] },
      memtune: { softLimit: 134217728 },
      nics: [
        {
          network: "lan",
          addresses: ["192.168.155.009/24", "FD00:155:0::9/64"].slice(1).concat("192.168.155.9/24"),
          gateway: "192.168.155.1",
          routes: [{ to: "10.1.2.3/16", via: "192.168.155.2" }],
        },
      ],
    });
    assert.deepEqual(inputs.init, ["/sbin/init"]);
    assert.deepEqual(inputs.mounts, [{ source: "/srv/www", target: "/var/www", readonly: false }]);
    assert.deepEqual(inputs.idmap, { start: 100000, count: 65536 });
    assert.deepEqual(inputs.capabilities, { policy: "default", add: ["sys_time"] });
    assert.deepEqual(inputs.memtune, { softLimit: "128MiB" });
    assert.deepEqual(inputs.nics, [
      {
        network: "lan",
        addresses: ["fd00:155::9/64", "192.168.155.9/24"],
        gateway: ["192.168.155.1"],
        routes: [{ to: "10.1.0.0/16", via: "192.168.155.2" }],
      },
    ]);
  });

  it("do not mind what asks for nothing", () => {
    assert.deepEqual(
      complaints(domainSchema, { ...web, disks: [], agent: false, graphics: false, consoleLog: false }),
      [],
    );
    assert.deepEqual(complaints(domainSchema, { ...web, nics: [{ network: "lan", linkState: "up" }] }), []);
  });

  const inContainer: [object, string][] = [
    [{ root: undefined }, "root: is required. Allowed: the folder of a system, e.g. a RootFilesystem's path"],
    [{ root: "/" }, "root: is the host's own. Allowed: another folder"],
    [
      { connection: "qemu:///system" },
      'connection: qemu:///system runs no containers. Allowed: e.g. "lxc:///system" or "lxc+ssh://root@kvm1/system"',
    ],
    [
      { connection: "lxc:///session" },
      'connection: lxc:///session runs no containers. Allowed: e.g. "lxc:///system" or "lxc+ssh://root@kvm1/system"',
    ],
    [{ maxMemory: "1GiB" }, "maxMemory: a container's memory is a limit that changes while it runs. Fix: leave it out"],
    [{ maxVcpus: 4 }, "maxVcpus: a container's processor time changes while it runs. Fix: leave it out"],
    [{ cpu: { mode: "maximum" } }, "cpu: a container sees the processors of its host as they are. Fix: leave it out"],
    [{ accelerator: "kvm" }, "accelerator: nothing is emulated for a container. Fix: leave it out"],
    [
      { machine: "q35" },
      "machine: a container is no machine of its own. Fix: leave it out; where its host's commands run is host",
    ],
    [{ firmware: "uefi" }, "firmware: a container boots no firmware, its host starts init. Fix: leave it out"],
    [{ kernel: "/boot/vmlinuz" }, "kernel: a container has its host's kernel. Fix: leave it out"],
    [{ bootOrder: ["hd"] }, "bootOrder: a container boots no disk, its host starts init. Fix: leave it out"],
    [{ disks: [{ path: "/a" }] }, "disks: a container has folders of its host. Fix: say root and mounts"],
    [
      { consoleLog: true },
      "consoleLog: libvirt keeps no log of a container's console. Fix: leave it out; virsh console shows what comes",
    ],
    [{ agent: true }, "agent: a container is entered from its host. Fix: leave it out"],
    [{ graphics: true }, "graphics: a container has no screen. Fix: leave it out"],
    [{ onCrash: "restart" }, "onCrash: a container whose init ends is off. Fix: leave it out"],
    [{ ready: { agent: true } }, "ready: a container has no agent. Fix: wait for booted"],
    [{ ready: { command: [] } }, 'ready.command: got []. Allowed: a program and its arguments, e.g. ["pg_isready"]'],
    [
      { init: "sbin/init" },
      'init: "sbin/init" is not an absolute path. Allowed: a path that begins with "/" and has no "." or ".." part',
    ],
    [{ initEnv: { "A B": "c" } }, 'initEnv.A B: "A B" is not a variable. Allowed: letters, digits and "_"'],
    [{ initEnv: { A: "<" } }, 'initEnv.A: "<" cannot be kept by libvirt. Allowed: no "&", "<", ">"'],
    [{ mounts: [{ source: "/a", target: "/" }] }, 'mounts.0.target: "/" is where root is. Allowed: a folder in it'],
    [
      { mounts: [{ source: "/a", target: "/proc/x" }] },
      "mounts.0.target: /proc/x is the kernel's. Allowed: another folder",
    ],
    [
      {
        mounts: [
          { source: "/a", target: "/mnt" },
          { source: "/b", target: "/mnt" },
        ],
      },
      "mounts.1.target: /mnt is where another folder is mounted too",
    ],
    [{ capabilities: { add: ["mknod"], drop: ["mknod"] } }, "capabilities: mknod is both added and dropped"],
    [
      { devices: ["/etc/passwd"] },
      'devices.0: "/etc/passwd" is not a device. Allowed: a path below /dev, e.g. "/dev/net/tun"',
    ],
    [
      { memtune: { swapHardLimit: "128MiB" } },
      "memtune: swapHardLimit 128MiB is of memory and swap together, and less than memory 256MiB",
    ],
    [
      { nics: [{ network: "lan", model: "virtio" }] },
      "nics.0.model: a container's NIC is a pair of virtual ones. Fix: leave it out",
    ],
    [
      { nics: [{ network: "lan", mtu: 9000 }] },
      "nics.0.mtu: libvirt sets none for containers. Fix: leave it out, and set it inside",
    ],
    [
      { nics: [{ network: "lan", linkState: "down" }] },
      'nics.0.linkState: libvirt pulls no cable of a container. Fix: leave it out, or "up"',
    ],
    [
      { nics: [{ network: "lan", addresses: ["192.168.155.9"] }] },
      'nics.0.addresses.0: "192.168.155.9" is not an address with its subnet. Allowed: CIDR notation, e.g. "192.168.155.32/24"',
    ],
    [
      { nics: [{ ...nic, gateway: "192.168.156.1" }] },
      "nics.0.gateway: 192.168.156.1 is in no subnet of the NIC's addresses (192.168.155.9/24)",
    ],
    [
      { nics: [{ network: "lan", gateway: "192.168.155.1" }] },
      "nics.0.gateway: 192.168.155.1 is in no subnet of the NIC's addresses (none)",
    ],
    [
      { nics: [{ ...nic, gateway: ["192.168.155.1", "192.168.155.2"] }] },
      "nics.0.gateway: 192.168.155.1, 192.168.155.2: one of each family is the most. Fix: say the others in routes",
    ],
    [
      { nics: [{ ...nic, dns: ["192.168.155.1"] }] },
      "nics.0.dns: a container's name servers are its root's. Fix: leave it out, and say dns of the Guest or RootFilesystem",
    ],
    [
      { nics: [{ ...nic, routes: [{ to: "10.0.0.0/8", via: "10.0.0.1" }] }] },
      "nics.0.routes: to 10.0.0.0/8: 10.0.0.1 is in no subnet of the NIC's addresses (192.168.155.9/24)",
    ],
  ];
  for (const [change, message] of inContainer)
    it(`refuse ${JSON.stringify(change)}`, () =>
      assert.deepEqual(complaints(domainSchema, { ...web, ...change }), [message]));

  const machine = { name: "vm", memory: "1GiB" };
  const inMachine: [object, string][] = [
    [{ root: "/srv/a" }, 'root: is of containers. Fix: leave it out, or set kind: "lxc"'],
    [{ kind: "qemu", mounts: [] }, 'mounts: is of containers. Fix: leave it out, or set kind: "lxc"'],
    [
      { connection: "lxc+ssh://kvm1/system" },
      'connection: lxc+ssh://kvm1/system runs containers. Fix: set kind: "lxc", or connect to qemu+ssh://kvm1/system',
    ],
    [
      { nics: [{ network: "lan" }, nic] },
      "nics.1.addresses: the guest agent sets it, which is not waited for. Fix: ready: { agent: true }; or agent: false, where the guest has it from its image or from a cloud-init seed",
    ],
    [
      { nics: [{ ...nic, gateway: "192.168.156.1" }], ready: { agent: true } },
      "nics.0.gateway: 192.168.156.1 is in no subnet of the NIC's addresses (192.168.155.9/24)",
    ],
    [
      { nics: [{ network: "lan", dns: ["192.168.155.1"] }], ready: { agent: true } },
      "nics.0.dns: goes with addresses; a NIC without any is told of name servers by DHCP. Fix: leave it out",
    ],
    [{ ready: { booted: true } }, "ready: booted is asked of containers. Fix: wait for agent, port or http"],
    [{ kind: "lcx" }, 'kind: got "lcx"; did you mean "lxc"? Allowed: "qemu" or "lxc"'],
  ];
  for (const [change, message] of inMachine)
    it(`of a machine refuse ${JSON.stringify(change)}`, () =>
      assert.deepEqual(complaints(domainSchema, { ...machine, ...change }), [message]));

  it("of a machine may have addresses where its agent is waited for, or there is none, or it is off", () => {
    for (const more of [{ ready: { agent: true } }, { agent: false }, { state: "shutoff" }]) {
      const { nics } = parsed(domainSchema, { ...machine, ...more, nics: [{ ...nic, dns: ["FD00:155:0::1"] }] });
      assert.deepEqual(nics, [{ ...nic, dns: ["fd00:155::1"] }]);
    }
  });

  it("of a machine are the same whether it is called one or not", () => {
    assert.deepEqual(parsed(domainSchema, { ...machine, kind: "qemu" }), parsed(domainSchema, machine));
  });
});
