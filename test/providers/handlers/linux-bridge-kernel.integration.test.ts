import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { LinuxBridgeHandler } from "../../../providers/handlers/linux-bridge";
import { differences } from "../../../providers/host-network/differences";
import { look, type HostNetwork } from "../../../providers/host-network/look";
import { skip } from "../../skip";
import { tinyGuest } from "../../lab/tiny-guest";
import { KernelGuest } from "./kernel-guest";
import { Played } from "./played";

// What it has of busybox prefers busybox to anything else.
const programs =
  "rm -f /bin/ip /bin/setsid && cp /extra/ip /extra/bridge /extra/setsid /extra/dash /bin/ && ln -sf dash /bin/sh";

// eth0 and eth1 lead to a switch, a network namespace whose VLANs 10 and 20 have 10.10.0.1 and 10.20.0.1; frames without a tag
// reach 10.1.0.1.
const wires = `set -e
for module in $(cat /extra/order); do
  case $module in bonding.*) insmod /extra/$module max_bonds=0 ;; *) insmod /extra/$module ;; esac
done
ip netns add switch
sysctl -qw net.ipv6.conf.default.accept_dad=0
# An address answers on its own link only.
ip netns exec switch sysctl -qw net.ipv4.conf.all.arp_ignore=1
for n in 0 1; do
  ip link add eth$n type veth peer name port$n netns switch
  ip link set eth$n up
done
ip -n switch -batch - <<BATCH
link set lo up
link add lan type bridge stp_state 0 forward_delay 0
link set port0 master lan up
link set port1 master lan up
link set lan up
addr add 10.1.0.1/24 dev lan
link add link lan name lan.10 type vlan id 10
link add link lan name lan.20 type vlan id 20
link set lan.10 up
link set lan.20 up
addr add 10.10.0.1/24 dev lan.10
addr add 10.20.0.1/24 dev lan.20
BATCH
ip addr add 10.1.0.32/24 dev eth0
ip route add default via 10.1.0.1`;

describe("a bridge on a kernel with VLANs and bonds, and busybox for all but the shell", function () {
  this.timeout(180_000);
  let guest: KernelGuest;
  let before_: HostNetwork;

  before(async function () {
    if (!existsSync("/usr/bin/qemu-system-x86_64")) skip(this, "needs QEMU for x86_64");
    try {
      await tinyGuest();
    } catch (error) {
      skip(this, `the small guest cannot be built here: ${(error as Error).message.split("\n")[0]}`);
    }
    guest = await KernelGuest.boot();
    await guest.run(programs);
    await guest.run(wires);
  });

  after(() => guest?.stop());

  beforeEach(async () => (before_ = await look(guest.machine, "br0")));

  const handler = () =>
    new Played(
      new LinuxBridgeHandler(
        () => guest.machine,
        () => guest.machine,
      ),
    );
  const args = (more: object) => ({
    machine: { kind: "local" },
    name: "br0",
    persist: "none",
    owner: "test",
    confirmTimeout: "30s",
    ...more,
  });
  /** Whether it answers pings from here, or from a namespace. */
  const reaches = async (address: string, from = "") =>
    (await guest.run(`${from}ping -c 1 -W 1 ${address} >/dev/null 2>&1 && echo yes || echo no`)).trim() === "yes";
  const assertRestored = async () => assert.deepEqual(differences(before_, await look(guest.machine, "br0")), []);

  it("filters by VLAN: the host in one, guests in another, a trunk to the wire", async () => {
    const bridge = handler();
    const trunk = { nic: "eth0", trunk: [10, 20] };
    const ten = args({
      uplink: trunk,
      vlanFiltering: { host: 10, guests: 20 },
      addresses: ["10.10.0.32/24"],
      confirm: { ping: ["10.10.0.1"] },
    });
    assert.deepEqual(await bridge.up(ten), ["create"]);
    assert.deepEqual(
      [await reaches("10.10.0.1"), await reaches("10.20.0.1"), await reaches("10.1.0.1")],
      [true, false, false],
    );
    assert.deepEqual(await bridge.up(ten), []);
    assert.deepEqual(await bridge.refresh(), []);

    // A guest that says nothing is in VLAN 20.
    await guest.run(
      "ip netns add guest; ip link add vnet0 type veth peer name ens2 netns guest; ip link set vnet0 master br0 up; ip -n guest addr add 10.20.0.5/24 dev ens2; ip -n guest link set ens2 up",
    );
    const inGuest = "ip netns exec guest ";
    assert.deepEqual([await reaches("10.20.0.1", inGuest), await reaches("10.10.0.32", inGuest)], [true, false]);

    // Behind our back the port leaves VLAN 10.
    await guest.run("bridge vlan del dev eth0 vid 10");
    assert.deepEqual(await bridge.refresh(), ["uplink"]);
    assert.deepEqual(await bridge.up({ ...ten, disruption: "reboot" }), ["uplink: reboot"]);
    assert.equal(await reaches("10.10.0.1"), true);

    await guest.run("ip netns del guest; ip link del vnet0 2>/dev/null || true");
    await bridge.destroy();
    await assertRestored();
    assert.equal(await reaches("10.1.0.1"), true);
  });

  it("comes back from a wrong VLAN", async () => {
    const wrong = args({
      uplink: { nic: "eth0", trunk: [20] },
      vlanFiltering: { host: 20 },
      gateway: "10.1.0.1",
      confirmTimeout: "10s",
    });
    await assert.rejects(
      handler().up(wrong),
      /gateway 10\.1\.0\.1 does not answer on br0 .*\. The host has put its network back: it is as it was before$/,
    );
    await assertRestored();
    assert.equal(await reaches("10.1.0.1"), true);
  });

  it("lies on a VLAN interface, which it makes and removes", async () => {
    const bridge = handler();
    const vlan = args({
      uplink: { vlan: { link: "eth0", id: 20 } },
      addresses: ["10.20.0.32/24"],
      confirm: { ping: ["10.20.0.1"] },
    });
    assert.deepEqual(await bridge.up(vlan), ["create"]);
    assert.deepEqual([await reaches("10.20.0.1"), await reaches("10.1.0.1")], [true, true]);
    assert.deepEqual(await bridge.up(vlan), []);
    assert.deepEqual(await bridge.refresh(), []);
    await bridge.destroy();
    await assertRestored();
  });

  it("lies on a bond of two NICs, and works while one is left", async () => {
    const bridge = handler();
    const bonded = args({ uplink: { bond: { ports: ["eth0", "eth1"], primary: "eth0" } } });
    assert.deepEqual(await bridge.up(bonded), ["create"]);
    assert.deepEqual(bridge.state["assigned"], ["10.1.0.32/24"]);
    assert.equal(await reaches("10.1.0.1"), true);
    await guest.run("ip -n switch link set port0 down; sleep 1");
    assert.equal(await reaches("10.1.0.1"), true);
    await guest.run("ip -n switch link set port0 up; sleep 1");
    assert.deepEqual(await bridge.up(bonded), []);
    assert.deepEqual(await bridge.refresh(), []);
    await bridge.destroy();
    await assertRestored();
    assert.equal(await reaches("10.1.0.1"), true);
  });
});
