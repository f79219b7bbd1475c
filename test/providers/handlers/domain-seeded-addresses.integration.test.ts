import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { networkConfig } from "../../../components/guest/network-config";
import { CloudInitSeedHandler } from "../../../providers/handlers/cloud-init-seed";
import { DomainHandler } from "../../../providers/handlers/domain";
import { machineImageOr } from "../../lab/machine-image";
import { skip } from "../../skip";
import { GuestFiles } from "./guest-files";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const name = "seeded";
const nics = [
  { bridge: "br0", addresses: ["192.168.155.44/24", "fd00:155::44/64"], gateway: ["192.168.155.1", "fd00:155::1"] },
];

/** An image with cloud-init, as a distribution's is, which has its addresses from the seed and from nobody else. */
describe("addresses from a cloud-init seed", function () {
  this.timeout(300_000);
  let libvirt: OwnLibvirt;
  let files: GuestFiles;
  const seed = new Played(new CloudInitSeedHandler());
  const played = new Played(new DomainHandler());
  let args: { [field: string]: unknown };

  before(async function () {
    if (!existsSync("/usr/bin/genisoimage")) skip(this, "needs genisoimage");
    const image = await machineImageOr(this, ["cloud-init"]);
    libvirt = await OwnLibvirt.start(this);
    libvirt.run("ip", "link", "add", "br0", "type", "bridge");
    libvirt.run("ip", "address", "add", "192.168.155.1/24", "dev", "br0");
    libvirt.run("ip", "address", "add", "fd00:155::1/64", "dev", "br0", "nodad");
    libvirt.run("ip", "link", "set", "br0", "up");
    files = new GuestFiles();
    const disk = `${files.folder}/root.qcow2`;
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.path, disk]);
    const common = { machine: { kind: "local" }, directory: files.folder, name, hostname: name };
    // The agent answers nobody: what is seen is cloud-init's work.
    const userData = { bootcmd: [["systemctl", "mask", "--now", "qemu-guest-agent"]] };
    await seed.up({ ...common, userData, networkConfig: networkConfig(name, nics) });
    const { kernel, initrd, cmdline } = image;
    args = {
      ...{ connection: libvirt.uri, name, memory: "512MiB", vcpus: 2, accelerator: "tcg", autostart: false },
      ...{ kernel, initrd, cmdline, shutdownTimeout: "90s", agent: false },
      disks: [{ path: disk }, { path: seed.state["path"], format: "raw", readonly: true }],
      ready: { addresses: true },
      nics,
    };
  });

  after(async () => {
    await played.destroy();
    await seed.destroy();
    await libvirt?.stop();
    files?.remove();
  });

  /** Until it answers, or mocha has waited long enough. */
  async function answers(address: string): Promise<void> {
    for (;;)
      try {
        libvirt.run("ping", "-n", "-c", "1", "-W", "2", address);
        return;
      } catch {
        await sleep(1000);
      }
  }

  it("are those that the program gives", async () => {
    await played.up(args);
    assert.equal(played.state["ipv4"], "192.168.155.44");
    await answers("192.168.155.44");
    await answers("fd00:155::44");
    assert.deepEqual(await played.refresh(), []);
    assert.equal(played.state["ipv6"], "fd00:155::44");
  });

  it("are not changed in vain", async () => {
    const [nic] = nics;
    const refused = await played.preview({
      ...args,
      nics: [{ ...nic, addresses: ["192.168.155.45/24"], gateway: [] }],
    });
    assert.match(refused.join(), /nics\.0: the guest has the addresses on bridge br0 from its image or its first boot/);
  });
});
