import assert from "node:assert/strict";
import { containerImageOr } from "../lab/container-image";
import { Lab } from "../lab/lab";
import { skip } from "../skip";
import { StackCopy } from "./stack-copy";

describe("two hosts that share a LAN", function () {
  this.timeout(600_000);
  let lab: Lab;
  let pair: StackCopy;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    await containerImageOr(this);
    lab = await Lab.up({ hosts: 2 });
    pair = await StackCopy.create("datacenter-pair", { "datacenter:lab": lab.name });
  });

  after(async () => {
    await lab?.down();
    await pair?.dispose();
  });

  const title = (page: string) => /<h1>(.*)<\/h1>/.exec(page)?.[1];

  it("come up with one command, and show no change afterwards", async () => {
    await pair.up();
    assert.deepEqual(await pair.plan(), []);
  });

  it("have guests that the LAN reaches, and that reach each other across the hosts, by IPv4 and IPv6", async () => {
    const pages = ["192.168.155.50", "192.168.155.51", "[fd00:155::50]", "[fd00:155::51]"];
    const seen = await Promise.all(pages.map((address) => lab.station.get(`http://${address}/`)));
    assert.deepEqual(seen.map(title), ["kvm1", "kvm2", "kvm1", "kvm2"]);
    for (const [host, address] of [
      ["kvm1", "192.168.155.51"],
      ["kvm2", "[fd00:155::50]"],
    ] as const) {
      const argv = ["/usr/bin/curl", "-s", "-m", "10", `http://${address}/`];
      const { stdout } = await lab.host(host).inContainer(`${host}-web`, argv);
      assert.equal(title(stdout), host === "kvm1" ? "kvm2" : "kvm1");
    }
  });

  it("are left as they were", async () => {
    await pair.destroy();
    for (const [at, name] of ["kvm1", "kvm2"].entries()) {
      const { stdout } = await lab.host(name).run(["ip", "-br", "addr"]);
      assert.doesNotMatch(stdout, /^br0 /m);
      assert.match(stdout, new RegExp(`^eth0.* 192\\.168\\.155\\.${32 + at}/24`, "m"));
    }
  });
});
