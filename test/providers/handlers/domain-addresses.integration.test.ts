import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { DomainHandler } from "../../../providers/handlers/domain";
import { agentOf } from "../../../providers/machine/libvirt-domain";
import { AgentMachine } from "../../../providers/machine/agent-machine";
import { machineImageOr } from "../../lab/machine-image";
import { GuestFiles } from "./guest-files";
import { GuestNetwork } from "./guest-network";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const name = "addressed";
const lan = "lan";

describe("addresses of virtual machines", function () {
  this.timeout(480_000);
  let libvirt: OwnLibvirt;
  let network: GuestNetwork | undefined;
  let files: GuestFiles;
  let played: Played;
  let args: { [field: string]: unknown };

  before(async function () {
    const image = await machineImageOr(this);
    libvirt = await OwnLibvirt.start(this);
    network = await GuestNetwork.create(libvirt.connection, lan, 7);
    // Nobody hands out addresses there.
    libvirt.run("ip", "link", "add", "br0", "type", "bridge");
    libvirt.run("ip", "address", "add", "192.168.155.1/24", "dev", "br0");
    libvirt.run("ip", "address", "add", "fd00:155::1/64", "dev", "br0", "nodad");
    libvirt.run("ip", "link", "set", "br0", "up");
    files = new GuestFiles();
    const disk = `${files.folder}/root.qcow2`;
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.path, disk]);
    const { kernel, initrd, cmdline } = image;
    args = {
      ...{ connection: libvirt.uri, name, memory: "384MiB", vcpus: 2, accelerator: "tcg", autostart: false },
      ...{ kernel, initrd, cmdline, disks: [{ path: disk }], shutdownTimeout: "60s" },
      ready: { agent: true, addresses: true, timeout: "200s" },
    };
    played = new Played(new DomainHandler());
  });

  after(async () => {
    await played?.destroy();
    await network?.remove();
    await libvirt?.stop();
    files?.remove();
  });

  const own = {
    bridge: "br0",
    addresses: ["192.168.155.40/24", "fd00:155::40/64"],
    gateway: ["192.168.155.1", "fd00:155::1"],
    routes: [{ to: "10.9.0.0/16", via: "192.168.155.9" }],
    dns: ["192.168.155.1"],
  };

  async function inside(script: string): Promise<string> {
    const domain = await libvirt.connection.domainLookupByName(name);
    const machine = new AgentMachine(name, agentOf(name, libvirt.connection, domain));
    return (await machine.run(["sh", "-c", script])).stdout.trim();
  }

  const reaches = (address: string) => libvirt.run("ping", "-n", "-c", "1", "-W", "20", address);

  it("are there from the first start, and no others", async () => {
    await played.up({ ...args, nics: [own, { network: lan }] });
    const [first, second] = played.state["addresses"];
    assert.deepEqual([first.ipv4, first.ipv6], [["192.168.155.40"], ["fd00:155::40"]]);
    assert.match(second.ipv4[0], /^10\.213\.7\./);
    assert.equal(played.state["ipv4"], "192.168.155.40");
    reaches("192.168.155.40");
    reaches("fd00:155::40");
    assert.match(
      await inside("ip route"),
      /^default via 192\.168\.155\.1 dev eth0.*\n(.*\n)*10\.9\.0\.0\/16 via 192\.168\.155\.9/m,
    );
    assert.match(await inside("resolvectl dns eth0"), /192\.168\.155\.1$/);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up({ ...args, nics: [own, { network: lan }] }), []);
  });

  it("are found changed, and set again", async () => {
    await inside("ip address delete 192.168.155.40/24 dev eth0; ip address add 192.168.155.66/24 dev eth0");
    assert.deepEqual(await played.refresh(), ["nics"]);
    assert.deepEqual(played.state["nics"][0].addresses, ["fd00:155::40/64", "192.168.155.66/24"]);
    assert.deepEqual(await played.up({ ...args, nics: [own, { network: lan }] }), ["nics: live"]);
    reaches("192.168.155.40");
    await inside("rm /etc/systemd/network/05-*");
    assert.deepEqual(await played.refresh(), ["nics"]);
    await played.up({ ...args, nics: [own, { network: lan }] });
    assert.deepEqual(await played.refresh(), []);
    assert.equal(played.state["ipv4"], "192.168.155.40");
  });

  it("change while it runs, come with a NIC, and go to DHCP and back", async () => {
    const { bootId } = played.state;
    const other = { ...own, addresses: ["192.168.155.41/24"], gateway: "192.168.155.1", routes: undefined };
    const second = { network: lan, addresses: ["10.213.7.250/24"] };
    const changes = await played.up({ ...args, nics: [other, second, { bridge: "br0", addresses: ["10.8.0.1/24"] }] });
    assert.deepEqual(changes, ["nics: live"]);
    const seen = played.state["addresses"].map(({ ipv4, ipv6 }: { ipv4: string[]; ipv6: string[] }) => [
      ...ipv4,
      ...ipv6,
    ]);
    assert.deepEqual(seen, [["192.168.155.41"], ["10.213.7.250"], ["10.8.0.1"]]);
    reaches("192.168.155.41");
    assert.throws(() => libvirt.run("ping", "-n", "-c", "1", "-W", "1", "192.168.155.40"));
    await played.up({ ...args, nics: [other, { network: lan }] });
    assert.match(played.state["addresses"][1].ipv4[0], /^10\.213\.7\./);
    assert.equal(await inside("ls /etc/systemd/network | grep -c ^05-"), "1");
    assert.equal(played.state["bootId"], bootId);
    assert.deepEqual(await played.refresh(), []);
  });

  it("are still there after a restart", async () => {
    const { bootId } = played.state;
    const other = { ...own, addresses: ["192.168.155.41/24"], gateway: "192.168.155.1", routes: undefined };
    const grown = { ...args, memory: "448MiB", nics: [other, { network: lan }] };
    assert.deepEqual(await played.up(grown), ["memory: reboot"]);
    assert.notEqual(played.state["bootId"], bootId);
    assert.equal(played.state["ipv4"], "192.168.155.41");
    reaches("192.168.155.41");
  });

  it("are not set where systemd-networkd does not run the network, and those that are there count", async () => {
    const other = { ...own, addresses: ["192.168.155.41/24"], gateway: "192.168.155.1", routes: undefined };
    const grown = { ...args, memory: "448MiB" };
    await inside("systemctl --quiet disable systemd-networkd");
    assert.deepEqual(await played.refresh(), []);
    await played.up({ ...grown, nics: [other], ready: { agent: true, addresses: true, timeout: "199s" } });
    await assert.rejects(played.up({ ...grown, nics: [own] }), /systemd-networkd does not run its network/);
  });
});
