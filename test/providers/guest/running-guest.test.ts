import assert from "node:assert/strict";
import type { OperatorError } from "../../../providers/dynamic/errors";
import { networkFile } from "../../../providers/guest/network-file";
import { RunningGuest } from "../../../providers/guest/running-guest";
import { FakeMachine } from "../machine/fake-machine";

const nic = {
  mac: "52:54:00:00:00:0a",
  addresses: ["192.168.155.40/24", "fd00:155::40/64"],
  gateway: ["192.168.155.1"],
  routes: [{ to: "10.9.0.0/16", via: "192.168.155.9" }],
  dns: ["192.168.155.1"],
};
const name = "05-pulumi-kvm-52540000000a.network";

type Info = { local: string; prefixlen: number; scope: string; dynamic?: boolean };
const ipv4: Info = { local: "192.168.155.40", prefixlen: 24, scope: "global" };
const ipv6: Info = { local: "fd00:155::40", prefixlen: 64, scope: "global" };
const routes = [
  { dst: "default", gateway: "192.168.155.1", dev: "eth0" },
  { dst: "10.9.0.0/16", gateway: "192.168.155.9", dev: "eth0" },
];

describe("a running guest", () => {
  let machine: FakeMachine;
  let guest: RunningGuest;

  beforeEach(() => {
    machine = new FakeMachine();
    guest = new RunningGuest(machine);
  });

  it("is handed each NIC's file, and what is to be seen of it", async () => {
    machine.on(/^sh -c/);
    await guest.setAddresses([nic]);
    const [, , , , ...args] = machine.ran[0]!.argv;
    assert.deepEqual(args, [
      name,
      nic.mac,
      networkFile(nic.mac, nic),
      "192.168.155.40/24\nfd00:155::40/64\ndefault via 192.168.155.1\n10.9.0.0/16 via 192.168.155.9",
    ]);
  });

  it("whose network is not systemd-networkd's is told so", async () => {
    machine.on(/^sh -c/, { exitCode: 3 });
    await assert.rejects(guest.setAddresses([nic]), (error: OperatorError) => {
      assert.equal(
        error.message,
        "the addresses of its NICs cannot be set: systemd-networkd does not run its network. Fix: systemctl enable systemd-networkd in its image; or leave addresses out, and reserve a lease in the network (ipv4)",
      );
      return true;
    });
  });

  /** What is found of the NIC where the guest shows this. */
  async function found(seen: { addresses?: Info[]; routes?: object[]; file?: string; manager?: string }) {
    const { addresses = [ipv4, ipv6], file = networkFile(nic.mac, nic), manager = "networkd" } = seen;
    const links = [{}, { ifname: "eth0", address: nic.mac, addr_info: addresses }];
    const lines = [manager, ...[links, seen.routes ?? routes, []].map((part) => JSON.stringify(part))];
    machine.on(/^sh -c/, { stdout: [...lines, ...(file ? [`== ${name}`, file] : []), ""].join("\n") });
    const { mac: _mac, ...given } = nic;
    const now = (await guest.addressing([nic])).get(nic.mac)!;
    return Object.fromEntries(
      Object.entries(now).filter(([field, value]) => {
        const declared = given[field as keyof typeof given];
        return JSON.stringify(value) !== JSON.stringify(declared);
      }),
    );
  }

  it("has what it is given, and may have more", async () => {
    assert.deepEqual(await found({}), {});
    const virtual = { local: "192.168.155.100", prefixlen: 32, scope: "global" };
    assert.deepEqual(await found({ addresses: [ipv4, virtual, ipv6] }), {});
  });

  it("tells of addresses and routes that went, and of those that came for them", async () => {
    const other = { ...ipv4, local: "192.168.155.66" };
    const leased = { ...ipv4, local: "192.168.155.77", dynamic: true };
    assert.deepEqual(await found({ addresses: [other, leased, ipv6] }), {
      addresses: ["fd00:155::40/64", "192.168.155.66/24"],
    });
    assert.deepEqual(await found({ routes: routes.slice(1) }), { gateway: [] });
    assert.deepEqual(await found({ routes: routes.slice(0, 1) }), { routes: [] });
    assert.deepEqual(await found({ routes: routes.map((route) => ({ ...route, dev: "eth1" })) }), {
      gateway: [],
      routes: [],
    });
  });

  it("tells of what would be gone after its next boot", async () => {
    const file = networkFile(nic.mac, { ...nic, dns: [], routes: [], addresses: [nic.addresses[1]!] });
    const left = { addresses: ["fd00:155::40/64"], routes: [], dns: [] };
    assert.deepEqual(await found({ file }), left);
    assert.deepEqual(await found({ file: "" }), {
      ...{ addresses: [], gateway: [], routes: [], dns: [] },
    });
    assert.deepEqual(await found({ file: "", manager: "other" }), {});
  });
});
