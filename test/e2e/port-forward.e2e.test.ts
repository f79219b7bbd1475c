import assert from "node:assert/strict";
import { Lab } from "../lab/lab";
import type { LabHost } from "../lab/lab-host";
import { NamespaceGuest } from "../lab/namespace-guest";
import { skip } from "../skip";
import { Project } from "./project";

describe("a program that publishes a guest's port", function () {
  this.timeout(180_000);
  let lab: Lab;
  let host: LabHost;
  let project: Project;
  let page: string;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    lab = await Lab.up({ name: "test-forward-e2e" });
    host = lab.host("kvm1");
    page = `http://${host.ipv4}:8080/`;
    project = await Project.create(program([8080]));
  });

  after(async () => {
    await project?.dispose();
    await lab?.down();
  });

  /** One forward for each port of the host. */
  function program(ports: number[]): string {
    return `
      const host = new kvm.KvmHost("kvm1", {
        connection: { uri: ${JSON.stringify(host.uri())} },
        machine: ${JSON.stringify(host.machine)},
        networks: { lab: { ipv4: "192.168.150.0/24" } },
        pools: { images: { path: "/var/lib/libvirt/images" } },
      });
      ${JSON.stringify(ports)}.forEach((port, at) =>
        new kvm.PortForward("web-" + at, { host, to: "192.168.150.10", ports: [{ host: port, guest: 80 }] }));
      module.exports = { bridge: host.network("lab").bridge };
    `;
  }

  async function refusal(ports: number[]): Promise<string> {
    await project.write(program(ports));
    const { exitCode, stdout } = await project.attempt("preview");
    assert.notEqual(exitCode, 0);
    return stdout;
  }

  it("opens it, finds nothing to change, repairs it, and closes it", async () => {
    await project.up();
    const { bridge } = await project.outputs<{ bridge: string }>();
    const addresses = ["192.168.150.10/24"];
    await NamespaceGuest.plugIn(host, { name: "web", bridge, addresses, gateways: ["192.168.150.1"] });
    assert.equal(await lab.wan.get(page), lab.wan.ipv4);
    assert.deepEqual(await project.plan(), []);

    await host.run(["nft", "flush", "chain", "inet", "pulumi_kvm", "published"]);
    await assert.rejects(lab.wan.get(page, { timeout: 2 }));
    assert.match((await project.refresh()).stdout, /web-0 on ssh root@kvm1: not active: its rules are not in force/);
    assert.deepEqual(await project.plan(), ["update PortForward web-0"]);
    await project.up();
    assert.equal(await lab.wan.get(page), lab.wan.ipv4);

    assert.match(await refusal([8080, 8080]), /8080\/tcp is published by port forward web-\d of the same program, too/);
    assert.match(await refusal([8080, 22]), /web-1 on ssh root@kvm1: ports: 22\/tcp: sshd \(pid \d+\) listens on/);

    await project.destroy();
    assert.equal((await host.run(["nft", "list", "tables", "inet"])).stdout, "");
    const left = await host.run(["find", "/etc/pulumi-kvm", "/etc/libvirt/hooks", "-type", "f"], { accept: "any" });
    assert.equal(left.stdout, "");
  });
});
