import assert from "node:assert/strict";
import { ifcfg } from "../../../../providers/host-network/persist/ifcfg";
import { bridge, configurations } from "./configurations";
import { FileHost } from "./file-host";
import { assertGolden } from "./golden";

const folder = "/etc/sysconfig/network-scripts";
const theirs = `${folder}/ifcfg-lan`;

/** As RHEL's installer writes it, but for the last line, which has no end. */
const lan = `TYPE="Ethernet"
BOOTPROTO="none"
DEFROUTE="yes"
IPV6INIT="yes"
NAME="lan"
HWADDR="52:54:00:AA:00:10"
ONBOOT="yes"
# the LAN
IPADDR="192.168.155.9"
PREFIX="24"
GATEWAY="192.168.155.1"
MTU=1500
ETHTOOL_OPTS="-K eth0 gro off"`;

const foreign = { [theirs]: lan, "/sys/class/net/eth0/address": "52:54:00:aa:00:10\n" };

describe("ifcfg renderer", () => {
  for (const [name, config] of Object.entries(configurations)) {
    if (config.vlans || name === "dhcp6") continue;
    it(`keeps: ${name}`, async () => {
      const host = new FileHost(foreign);
      const before = host.etc;
      const kept = await ifcfg.persist(config, host, []);
      assertGolden(kept, `ifcfg/${name}`);
      const ours = await host.store(kept);
      const again = await ifcfg.persist(config, host, ours);
      assert.deepEqual(
        again.files,
        kept.files.filter((file) => !file.foreign),
      );
      for (const { path } of kept.files.filter((file) => !file.foreign)) assert.match(path, /pulumi-kvm/);
      await host.store(await ifcfg.forget(config, host, ours));
      assert.deepEqual(host.etc, before);
    });
  }

  it("keeps: dhcp6", async () => {
    assertGolden(await ifcfg.persist(configurations["dhcp6"]!, new FileHost(foreign), []), "ifcfg/dhcp6");
  });

  it("reads no copies of editors and rpm, and other devices' files for none of the link", async () => {
    const host = new FileHost({
      [`${folder}/ifcfg-eth0.rpmsave`]: "DEVICE=eth0\n",
      [`${folder}/ifcfg-eth0~`]: "DEVICE=eth0\n",
      [`${folder}/ifcfg-eth0`]: "DEVICE='eth7' # moved\n",
    });
    const { files, warnings } = await ifcfg.persist(bridge({ uplinks: [{ kind: "nic", name: "eth0" }] }), host, []);
    assert.deepEqual(
      files.map(({ path }) => path),
      [`${folder}/ifcfg-pulumi-kvm-br0`, "/etc/sysctl.d/90-pulumi-kvm-br0.conf", `${folder}/ifcfg-pulumi-kvm-br0-eth0`],
    );
    assert.deepEqual(warnings, []);
  });

  it("puts the subnet of the gateway first, and a gateway outside of all into a route", async () => {
    const lines = async (gateway4: string) => {
      const config = bridge({ addressing: { addresses: ["10.1.0.1/16", "10.2.0.1/16"], gateway4 } });
      const { files } = await ifcfg.persist(config, new FileHost(), []);
      return files.map(({ content }) => content).join("");
    };
    assert.match(await lines("10.2.0.9"), /IPADDR0=10.2.0.1\nPREFIX0=16\nIPADDR1=10.1.0.1\n.*\n.*\nGATEWAY=10.2.0.9\n/);
    assert.match(await lines("10.3.0.9"), /^0.0.0.0\/0 via 10.3.0.9 dev br0 onlink$/m);
  });

  it("leaves out name servers that the scripts do not know", async () => {
    const config = bridge({
      addressing: { addresses: ["10.0.0.1/8"], dns: ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"] },
    });
    assert.deepEqual((await ifcfg.persist(config, new FileHost(), [])).warnings, [
      "name server 10.0.0.5 is left out: the network scripts know 3 for br0",
    ]);
  });

  const onEth0 = { uplinks: [{ kind: "nic" as const, name: "eth0" }] };
  const refusals: [files: { [path: string]: string }, config: ReturnType<typeof bridge>, message: string][] = [
    [
      { "/run/NetworkManager/devices/2": "" },
      bridge(),
      "NetworkManager runs on this host, and the network scripts leave their files to it. Fix: choose networkmanager",
    ],
    [
      {},
      bridge({ vlans: { tagged: [] } }),
      "the network scripts have no word for VLANs of the ports of br0. Fix: leave vlanFiltering out",
    ],
    [
      {},
      bridge({ addressing: { dhcp4: true, addresses: ["10.0.0.1/8"] } }),
      "the network scripts take either DHCP or static IPv4 addresses for br0. Fix: declare the addresses, or DHCP alone",
    ],
    [
      { [`${folder}/ifcfg-br0`]: "DEVICE=br0\n" },
      bridge(),
      `${folder}/ifcfg-br0 defines br0 already. Fix: move it away, e.g. to ${folder}/ifcfg-br0.bak`,
    ],
    [
      { [`${folder}/ifcfg-eth0`]: "DEVICE=eth0\nBRIDGE=br9\n" },
      bridge(onEth0),
      `${folder}/ifcfg-eth0 has eth0 in br9. Fix: take it out of br9 first`,
    ],
  ];
  for (const [files, config, message] of refusals)
    it(`refuses: ${message.split(". Fix")[0]}`, async () => {
      await assert.rejects(ifcfg.persist(config, new FileHost(files), []), { message });
    });
});
