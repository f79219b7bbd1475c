import assert from "node:assert/strict";
import { renderers } from "../../../../providers/host-network/persist";
import { configurations } from "./configurations";
import { FileHost } from "./file-host";

/** A host that counts the looks at it. */
class CountingHost extends FileHost {
  readonly looks: string[] = [];

  override list(folder: string): Promise<string[]> {
    this.looks.push(`list ${folder}`);
    return super.list(folder);
  }

  override read(path: string): Promise<Buffer> {
    this.looks.push(`read ${path}`);
    return super.read(path);
  }
}

describe("renderers", () => {
  for (const renderer of Object.values(renderers))
    it(`look at nothing twice in a call: ${renderer.name}`, async () => {
      const host = new CountingHost({
        "/etc/network/interfaces": "source interfaces.d/*\niface eth0 inet dhcp\n",
        "/etc/systemd/network/20-eth0.network": "[Match]\nName=eth0\n",
        "/etc/systemd/network/30-eth1.network": "[Match]\nName=eth1\n",
        "/etc/netplan/10.yaml": "network: {ethernets: {eth0: {dhcp4: true}}}\n",
      });
      for (const _ of [1, 2]) {
        host.looks.length = 0;
        await renderer.persist(configurations["lacp"]!, host, []);
        assert.deepEqual([...new Set(host.looks)], host.looks);
      }
    });
});
