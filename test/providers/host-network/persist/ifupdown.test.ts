import assert from "node:assert/strict";
import { ifupdown } from "../../../../providers/host-network/persist/ifupdown";
import { bridge, configurations } from "./configurations";
import { FileHost } from "./file-host";
import { assertGolden } from "./golden";

const main = "/etc/network/interfaces";

const debian = `# This file describes the network interfaces available on your system
source /etc/network/interfaces.d/*

auto lo
iface lo inet loopback

# The primary network interface
allow-hotplug eth0
iface eth0 inet static
\taddress 192.168.155.32/24
\tgateway 192.168.155.1
\t# the resolver
\tdns-nameservers 192.168.155.1 \\
\t  192.168.155.2
\tup ethtool -K eth0 gro off
iface eth0 inet6 auto

auto eth1
iface eth1 inet dhcp
`;

describe("ifupdown renderer", () => {
  for (const [name, config] of Object.entries(configurations))
    it(`keeps: ${name}`, async () => {
      const host = new FileHost({ [main]: debian, "/sbin/resolvconf": "" });
      const before = host.etc;
      const kept = await ifupdown.persist(config, host, []);
      assertGolden(kept, `ifupdown/${name}`);
      const ours = await host.store(kept);
      assert.deepEqual(ours, [`/etc/network/interfaces.d/pulumi-kvm-${config.name}`]);
      const again = await ifupdown.persist(config, host, ours);
      assert.deepEqual(
        again.files,
        kept.files.filter(({ foreign }) => !foreign),
      );
      await host.store(await ifupdown.forget(config, host, ours));
      assert.deepEqual(host.etc, before);
    });

  it("follows included files, keeps their modes, and leaves what was changed in them since", async () => {
    const host = new FileHost({ [main]: "source-directory net*\n" })
      .folder("/etc/network/nets")
      .file("/etc/network/nets/eth0", "auto eth0\niface eth0 inet dhcp\n", { mode: 0o600 })
      .file("/etc/network/nets/eth0.bak", "iface eth0 inet dhcp\n");
    const config = bridge({ uplinks: [{ kind: "nic", name: "eth0" }] });
    const kept = await ifupdown.persist(config, host, []);
    assert.deepEqual(
      kept.files.map(({ path, mode }) => [path, mode]),
      [
        ["/etc/network/interfaces.d/pulumi-kvm-br0", 0o644],
        [main, 0o644],
        ["/etc/network/nets/eth0", 0o600],
      ],
    );
    const ours = await host.store(kept);
    assert.equal(host.text(main), "source /etc/network/interfaces.d/pulumi-kvm-br0\nsource-directory net*\n");
    const out = host.text("/etc/network/nets/eth0")!;
    assert.equal(out, "auto eth0\n#pulumi-kvm br0# iface eth0 inet dhcp\n");
    host.file("/etc/network/nets/eth0", `# mine\n${out}iface eth7 inet dhcp\n`);
    await host.store(await ifupdown.forget(config, host, ours));
    assert.equal(host.text(main), "source-directory net*\n");
    assert.equal(
      host.text("/etc/network/nets/eth0"),
      "# mine\nauto eth0\niface eth0 inet dhcp\niface eth7 inet dhcp\n",
    );
  });

  it("gives an uplink back that left, and takes the new one", async () => {
    const host = new FileHost({ [main]: debian });
    const on = (name: string) => bridge({ uplinks: [{ kind: "nic", name }] });
    const ours = await host.store(await ifupdown.persist(on("eth0"), host, []));
    await host.store(await ifupdown.persist(on("eth1"), host, ours));
    assert.equal(host.text(main), debian.replace("iface eth1 inet dhcp", "#pulumi-kvm br0# iface eth1 inet dhcp"));
  });

  it("keeps two bridges' lines apart", async () => {
    const host = new FileHost({ [main]: debian });
    const [br0, br1] = [
      bridge({ uplinks: [{ kind: "nic", name: "eth0" }] }),
      bridge({ name: "br1", uplinks: [{ kind: "nic", name: "eth1" }] }),
    ];
    const ours = await host.store(await ifupdown.persist(br0, host, []));
    const both = await host.store(await ifupdown.persist(br1, host, []));
    await host.store(await ifupdown.forget(br0, host, ours));
    assert.equal(host.text(main), debian.replace("iface eth1 inet dhcp", "#pulumi-kvm br1# iface eth1 inet dhcp"));
    await host.store(await ifupdown.forget(br1, host, both));
    assert.deepEqual(host.etc, { [main]: debian });
  });

  it("keeps what makes a bond of somebody else, and aliases quiet", async () => {
    const host = new FileHost({
      [main]: `source interfaces.d/*
auto bond0 bond0:1
iface bond0 inet static
  address 192.168.155.32/24
  bond-slaves eth0 eth1
  bond-mode 802.3ad
  mtu 9000
iface bond0:1 inet static
  address 10.0.0.1/24
`,
    });
    const kept = await ifupdown.persist(bridge({ uplinks: [{ kind: "nic", name: "bond0" }] }), host, []);
    const own = kept.files[0]!.content;
    assert.match(
      own,
      /^iface bond0 inet manual\n {4}bond-slaves eth0 eth1\n {4}bond-mode 802.3ad\n {4}mtu 9000\n {4}pre-up/m,
    );
    assert.match(own, /^iface bond0:1 inet manual$/m);
    assert.deepEqual(kept.warnings, [
      `"iface bond0 inet static" in ${main} is commented out while br0 has bond0`,
      `"iface bond0:1 inet static" in ${main} is commented out while br0 has bond0:1`,
    ]);
  });

  const refusals: { [text: string]: string } = {
    "mapping eth*\n  script /bin/x\n": `${main}: "mapping eth*" gives eth0 another logical name. Fix: name eth0 in a plain line: "auto eth0"`,
    "auto /eth*=lan\n": `${main}: "auto /eth*=lan" gives eth0 another logical name. Fix: name eth0 in a plain line: "auto eth0"`,
    "iface eth1 inet static inherits eth0\n": `${main}: "iface eth1 inet static inherits eth0" inherits from eth0, which becomes a port of br0. Fix: give eth1 its own options`,
    "iface br9 inet manual\n  bridge_ports eth0 eth1\n": `${main}: eth0 is in br9 ("bridge_ports eth0 eth1"). Fix: take it out of br9 first`,
  };
  for (const [text, message] of Object.entries(refusals))
    it(`refuses ${JSON.stringify(text)}`, async () => {
      const host = new FileHost({ [main]: text });
      await assert.rejects(ifupdown.persist(configurations["static"]!, host, []), { message });
    });

  it("refuses a host without its file", async () => {
    await assert.rejects(ifupdown.persist(configurations["static"]!, new FileHost(), []), {
      message: `${main} is missing, so ifup brings up nothing. Fix: write it, or choose the renderer that keeps the host's network`,
    });
  });

  it("says so when nobody takes its name servers", async () => {
    const host = new FileHost({ [main]: "source interfaces.d/*\n" });
    const { warnings } = await ifupdown.persist(configurations["static"]!, host, []);
    assert.deepEqual(warnings, [
      "dns and search of br0 have no effect at boot: ifupdown hands them to resolvconf, which is not installed",
    ]);
  });
});
