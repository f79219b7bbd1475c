import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../skip";
import { Lab } from "./lab";
import type { LabHost } from "./lab-host";
import { tinyGuestOr } from "./tiny-guest-or";

/** A container that serves a page, with the host's own programs. */
function container(name: string, network: string): string {
  const server =
    "ip link set lo up; ip link set eth0 up; busybox udhcpc -n -q -t 30 -T 1 -i eth0 -s /etc/lab/dhcp; exec busybox httpd -f -h /etc/lab/page";
  return `<domain type="lxc">
    <name>${name}</name><memory unit="MiB">64</memory><vcpu>1</vcpu>
    <os><type>exe</type><init>/bin/sh</init><initarg>-c</initarg><initarg>${server}</initarg></os>
    <devices>
      <filesystem type="mount"><source dir="/"/><target dir="/"/><readonly/></filesystem>
      <interface type="network"><source network="${network}"/><mac address="52:54:00:00:00:50"/></interface>
      <console type="pty"/>
    </devices>
  </domain>`;
}

describe("guests in a lab", function () {
  this.timeout(120_000);
  let lab: Lab;
  let host: LabHost;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    lab = await Lab.up({ hosts: 2 });
    host = lab.host("kvm1");
    await host.run(["virsh", "net-start", "default"]);
  });

  after(() => lab?.down());

  async function create(uri: string, xml: string): Promise<void> {
    writeFileSync(host.path("/tmp/domain.xml"), xml);
    await host.run(["virsh", "--connect", uri, "create", "/tmp/domain.xml"]);
  }

  /** Its DHCP lease on the default network; the bridge's spanning tree lets it wait for some seconds. */
  async function leaseOf(mac: string): Promise<string> {
    for (let attempt = 0; attempt < 300; attempt++) {
      const { stdout } = await host.run(["virsh", "net-dhcp-leases", "default", mac]);
      const [, address] = /(192\.168\.122\.\d+)\/24/.exec(stdout) ?? [];
      if (address) return address;
      await sleep(100);
    }
    assert.fail(`no lease for ${mac}`);
  }

  it("are containers on the default network, which reach the internet by NAT", async () => {
    const dhcp =
      '#!/bin/sh\n[ "$1" != bound ] || { ip addr replace "$ip/$mask" dev "$interface"; ip route replace default via "$router"; }\n';
    const lay =
      "mkdir -p /etc/lab/page && echo hello >/etc/lab/page/index.html && cat >/etc/lab/dhcp && chmod 755 /etc/lab/dhcp";
    await host.run(["sh", "-c", lay], { stdin: dhcp });
    await create("lxc:///system", container("c1", "default"));
    const address = await leaseOf("52:54:00:00:00:50");
    assert.equal(await host.get(`http://${address}/`), "hello\n");
    const { stdout: leader } = await host.run([
      "sh",
      "-c",
      "pgrep -f '^/bin/sh -c ip link|^busybox httpd -f -h /etc/lab/page'",
    ]);
    const inside = ["nsenter", "-t", leader.split("\n")[0]!, "-n"];
    const seen = await host.run([...inside, "curl", "-sS", "--max-time", "5", `http://${lab.internet.ipv4}/`]);
    assert.equal(seen.stdout, `${host.ipv4}\n`);
    assert.equal((await lab.station.ping(address, { count: 1 })).received, 0);
  });

  it("are emulated machines", async function () {
    const { kernel, initrd, cmdline } = await tinyGuestOr(this);
    const xml = `<domain type="qemu">
      <name>vm1</name><memory unit="MiB">96</memory><vcpu>1</vcpu>
      <os><type arch="x86_64">hvm</type><kernel>${kernel}</kernel><initrd>${initrd}</initrd><cmdline>${cmdline}</cmdline></os>
      <features><acpi/></features>
      <devices>
        <interface type="network"><source network="default"/><mac address="52:54:00:00:00:51"/><model type="virtio"/></interface>
        <serial type="file"><source path="/var/log/vm1"/></serial>
      </devices>
    </domain>`;
    await create("qemu:///system", xml);
    const address = await leaseOf("52:54:00:00:00:51");
    assert.match(await host.get(`http://${address}/`), /^[0-9a-f-]{36}\n$/);
  });

  it("end with their host's power, and its definitions stay", async () => {
    await host.reboot();
    const { stdout } = await host.run(["virsh", "list", "--name"]);
    assert.equal(stdout.trim(), "");
    assert.match((await host.run(["virsh", "net-list", "--all", "--name"])).stdout, /^default$/m);
  });
});
