import assert from "node:assert/strict";
import { Connection } from "../../providers/libvirt/connection";
import { SshMachine } from "../../providers/machine/ssh-machine";
import { skip } from "../skip";
import { Lab } from "./lab";
import type { LabHost } from "./lab-host";

describe("a lab", function () {
  this.timeout(120_000);
  let lab: Lab;
  let kvm1: LabHost;
  let kvm2: LabHost;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    lab = await Lab.up({ name: "test-lab", hosts: 2 });
    [kvm1, kvm2] = [lab.host("kvm1"), lab.host("kvm2")];
  });

  after(() => lab?.down());

  it("has hosts that reach each other and the internet, by IPv4 and IPv6", async () => {
    for (const target of [kvm2.ipv4, kvm2.ipv6, lab.internet.ipv4, lab.internet.ipv6])
      assert.deepEqual(await kvm1.ping(target), { sent: 3, received: 3, lost: 0 }, target);
  });

  it("has a server in the internet that tells the client's address", async () => {
    assert.equal(await kvm2.get(`http://${lab.internet.ipv4}/`), `${kvm2.ipv4}\n`);
    assert.equal(await lab.wan.get(`http://[${lab.internet.ipv6}]/`), `${lab.wan.ipv6}\n`);
  });

  it("is reached by the product's own ssh", async () => {
    const machine = new SshMachine(kvm2.machine);
    const { stdout } = await machine.run(["sh", "-c", 'hostname; echo "$SSH_CONNECTION"']);
    assert.match(stdout, /^kvm2\n192\.168\.155\.10 \d+ 192\.168\.155\.33 22\n$/);
  });

  for (const driver of ["qemu", "lxc"] as const)
    it(`serves ${driver} over ssh and over the socket`, async () => {
      for (const uri of [kvm1.uri(driver), kvm1.socketUri(driver)]) {
        const connection = Connection.to(uri);
        await connection.connect();
        assert.equal(await connection.connectGetHostname(), "kvm1", uri);
        connection.close();
      }
    });
});
