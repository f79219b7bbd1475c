import assert from "node:assert/strict";
import { Lab } from "../lab/lab";
import type { LabHost } from "../lab/lab-host";
import type { TinyGuest } from "../lab/tiny-guest";
import { tinyGuestOr } from "../lab/tiny-guest-or";
import { skip } from "../skip";
import { Project } from "./project";

describe("a host's networks and a guest on them, as a program", function () {
  this.timeout(300_000);
  let lab: Lab;
  let kvm1: LabHost;
  let tiny: TinyGuest;
  let project: Project;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    tiny = await tinyGuestOr(this);
    lab = await Lab.up({ name: `e2e-net-${process.pid}`, hosts: 1 });
    kvm1 = lab.host("kvm1");
    project = await Project.create(program({}));
  });

  after(async () => {
    await project?.dispose();
    await lab?.down();
  });

  function program({ ipv4 = "10.30.0.20", allow = [80], dhcpStart = "10.30.0.100" }): string {
    const { kernel, initrd, cmdline, memory } = tiny;
    const image = JSON.stringify({ format: "qcow2", kernel, initrd, cmdline: `${cmdline} tiny.noagent`, agent: false });
    return `
      const host = new kvm.KvmHost("kvm1", {
        connection: { uri: ${JSON.stringify(kvm1.socketUri())} },
        machine: ${JSON.stringify(kvm1.machine)},
        macPool: "52:54:00:0a",
        networks: {
          nat: { ipv4: "10.30.0.0/24", ipv6: "fd00:30::/64", stp: false, dhcpRange: { start: "${dhcpStart}" } },
          dmz: { mode: "route", ipv4: "10.31.0.0/24", uplink: "eth0" },
          backend: { mode: "isolated", ipv4: "10.32.0.0/24", portGroups: [{ name: "plain", default: true }] },
          cable: { mode: "isolated" },
          direct: { mode: "macvtap", uplink: "eth1" },
        },
      });
      const base = new kvm.Volume("base", {
        connection: host.connection, pool: host.pool().name, name: "base.qcow2", capacity: "8MiB", retain: "delete",
      });
      new kvm.Guest("web", {
        host,
        image: { ...${image}, path: base.path },
        memory: "${memory}",
        accelerator: "tcg",
        consoleLog: false,
        nics: [
          { network: "nat", ipv4: "${ipv4}", allow: ${JSON.stringify(allow)} },
          { network: "backend", portGroup: "plain" },
        ],
        ready: { addresses: true, timeout: "2m" },
      });
    `;
  }

  const virsh = async (...argv: string[]) => (await kvm1.run(["virsh", "-q", ...argv])).stdout;

  it("tells all of it beforehand, with what its filter lets through", async () => {
    const { steps } = await project.preview();
    const filter = steps.find(({ urn }) => urn.endsWith("NetworkFilter::web-0"))!.newState!.inputs!;
    assert.equal(filter["name"], "web-5254000a7af7");
    const { ipv4, ipv6 } = filter["antiSpoofing"] as { [family: string]: { allowed: string[] } };
    assert.deepEqual([ipv4!.allowed, ipv6!.allowed], [["10.30.0.20"], ["fd00:30::/64"]]);
    assert.deepEqual(filter["allow"], [{ protocol: "tcp", port: "80" }]);
  });

  it("comes up with one run, at the address that was reserved, and shows no change", async () => {
    await project.up();
    assert.match(await virsh("domifaddr", "web"), /52:54:00:0a:7a:f7 +ipv4 +10\.30\.0\.20\/24/);
    assert.deepEqual(await project.plan(), []);
    await project.refresh();
    assert.deepEqual(await project.plan(), []);
    assert.equal((await virsh("nwfilter-binding-list")).trim().split("\n").length, 2);
  });

  it("changes what others reach, leases and ranges while it runs", async () => {
    const { stdout: before } = await kvm1.run(["pgrep", "-f", "guest=web,"]);
    await project.write(program({ ipv4: "10.30.0.21", allow: [80, 443], dhcpStart: "10.30.0.110" }));
    assert.deepEqual((await project.plan()).sort(), [
      "update DhcpReservation web-0",
      "update Network kvm1-nat",
      "update NetworkFilter web-0",
    ]);
    await project.up();
    assert.deepEqual(await project.plan(), []);
    assert.equal((await kvm1.run(["pgrep", "-f", "guest=web,"])).stdout, before, "it runs on");
    assert.match(await virsh("net-dumpxml", "nat"), /ip='10\.30\.0\.21'/);
    assert.match((await kvm1.run(["ebtables-save"])).stdout, /--ip-dport 443 -j ACCEPT/);
  });

  it("leaves nothing behind", async () => {
    await project.destroy();
    for (const list of ["nwfilter-list", "nwfilter-binding-list"])
      assert.ok(!(await virsh(list)).includes("web"), list);
    assert.equal((await virsh("list", "--all", "--name")).trim(), "");
    assert.deepEqual((await virsh("net-list", "--all", "--name")).trim().split(/\s+/), ["default"]);
    assert.ok(!(await kvm1.run(["ebtables-save"])).stdout.includes("libvirt-"));
  });
});
