import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { assertAccepted, computeOutputs, computes, find, ofKind, valueOf } from "../components/mocks";
import { environment } from "./environment";

describe("the stack shop", () => {
  before(() => {
    computeOutputs();
    computes("WebServer", () => ({ health: "healthy" }));
    computes("TomcatServer", () => ({ health: "healthy", port: 8080, versions: { "/shop": 1 } }));
    computes("HaproxyServer", () => ({ health: {} }));
    computes("PostgresInstance", () => ({ health: "healthy", port: 5432 }));
  });
  afterEach(() => pulumi.runtime.setAllConfig({}));

  const password = { "shop:database-password": "of these tests", "shop:portal-password": "of these tests" };

  for (const [guests, kind] of [
    ["containers", "lxc"],
    ["vms", "qemu"],
  ] as const)
    it(`is one address in front of two of each: ${guests}`, async () => {
      const config = { "shop:kvm1-connection": "qemu+ssh://root@kvm1/system", "shop:guests": guests, ...password };
      const { made, outputs } = await environment("shop", config);
      assertAccepted(made);
      const domains = ofKind("Domain", made);
      assert.deepEqual(
        domains.map(({ name }) => name).sort(),
        ["app", "db", "lb", "office", "portal", "web"].flatMap((tier) => [`${tier}-1`, `${tier}-2`]),
      );
      for (const { inputs } of domains) assert.equal(inputs["kind"] ?? "qemu", kind);
      const { farms } = find("HaproxyServer", "lb-1", made).inputs;
      assert.deepEqual(
        farms["www"].members.map(({ name, address, port }: { [field: string]: unknown }) => [name, address, port]),
        [
          ["web-1", "10.157.0.11", 80],
          ["web-2", "10.157.0.12", 80],
        ],
      );
      const { sites } = find("WebServer", "web-2", made).inputs;
      assert.deepEqual(
        sites["www.shop.test"].proxy["/shop"].to.map(({ address, port }: { [field: string]: unknown }) => [
          address,
          port,
        ]),
        [
          ["10.157.0.21", 8080],
          ["10.157.0.22", 8080],
        ],
      );
      assert.deepEqual(
        farms["ldap"].members.map(({ name, address, port }: { [field: string]: unknown }) => [name, address, port]),
        [
          ["office-1", "10.157.0.41", 389],
          ["office-2", "10.157.0.42", 389],
        ],
      );
      assert.deepEqual(
        ofKind("WebServer", made).map(({ inputs }) => inputs["server"]),
        ["nginx", "apache"],
      );
      assert.equal(await valueOf(outputs["url"]!), "http://203.0.113.80/");
    });

  it("asks for a password of its database on hosts that others reach", async () => {
    await assert.rejects(
      environment("shop", { "shop:kvm1-connection": "qemu+ssh://root@kvm1/system" }),
      /shop:database-password is required\. Fix: npm run pulumi -- config set --secret shop:database-password/,
    );
  });
});
