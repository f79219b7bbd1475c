import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Forward } from "../../../../providers/host-network/port-forward/forward";
import { BASE, forwardFile, parseForwardFile } from "../../../../providers/host-network/port-forward/ruleset";

const golden = (name: string) => readFileSync(join(__dirname, "golden", name), "utf8");

const web: Forward = {
  id: "web-0a1b2c3d",
  name: "web",
  owner: "shop/prod/web of here:/shop",
  to: [
    { address: "192.168.150.10", subnet: "192.168.150.0/24" },
    { address: "fd00:150::10", subnet: "fd00:150::/64" },
  ],
  ports: [{ host: 8080, guest: 80, protocol: "tcp" }],
};

const many: Forward = {
  ...web,
  ports: [
    { host: 443, guest: 443, protocol: "tcp", address: "192.168.155.32" },
    { host: "8000-8010", guest: "8000-8010", protocol: "tcp", sources: ["192.168.155.0/24", "2001:db8::/32"] },
    { host: "9000-9002", guest: "7000-7002", protocol: "udp", interface: "br1" },
  ],
};

describe("the rules of port forwards", () => {
  it("are a table of their own", () => assert.equal(BASE, golden("base.nft")));

  it("are three for each port and family", () => assert.equal(forwardFile(web), golden("web.nft")));

  it("keep to addresses, interfaces, sources and ranges", () => assert.equal(forwardFile(many), golden("many.nft")));

  it("need one way in for two ports that lead to one", () => {
    const twice = { ...web, ports: [...web.ports, { host: 8081, guest: 80, protocol: "tcp" as const }] };
    assert.equal(forwardFile(twice).match(/ passing /g)!.length, 2);
  });

  it("tell whose they are", () => {
    for (const forward of [web, many]) assert.deepEqual(parseForwardFile(forwardFile(forward)), forward);
    for (const foreign of ["", "add rule inet pulumi_kvm published drop\n", "# x\n# {\n", '# x\n# {"id":1}\n'])
      assert.equal(parseForwardFile(foreign), undefined);
  });
});
