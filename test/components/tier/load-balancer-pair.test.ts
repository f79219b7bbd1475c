import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { KvmHost, LoadBalancerPair, WebTier, type LoadBalancerPairArgs } from "../../../components";
import { assertAccepted, computeOutputs, computes, find, ofKind, run, tree, valueOf } from "../mocks";

describe("LoadBalancerPair", () => {
  before(() => {
    computeOutputs();
    computes("WebServer", () => ({ health: "healthy" }));
    computes("HaproxyServer", () => ({ health: { www: { "web-1": "UP" } } }));
    computes("KeepalivedServer", () => ({ states: { vip: "BACKUP" } }));
  });

  const members = [{ name: "web-1", address: "192.168.155.51", port: 8080 }];

  const pair = (more: Partial<LoadBalancerPairArgs> = {}) => {
    const host = new KvmHost("kvm1", { networks: { lan: { ipv4: "192.168.155.0/24" } } });
    return new LoadBalancerPair("lb", {
      host,
      kind: "lxc",
      nics: (number) => [{ network: "lan", addresses: [`192.168.155.${40 + number}/24`] }],
      vip: "192.168.155.40/24",
      farms: { www: { port: 80, members } },
      ...more,
    });
  };

  it("is two guests with HAProxy and keepalived, the second after the first", async () => {
    let lb!: LoadBalancerPair;
    const made = await run(() => (lb = pair()));
    assertAccepted(made);
    assert.deepEqual(
      tree(made).filter((line) => /Server|Domain/.test(line)),
      [
        "Guest lb-1 > Domain lb-1",
        "Guest lb-2 > Domain lb-2",
        "LoadBalancerPair lb > HaproxyServer lb-1",
        "LoadBalancerPair lb > HaproxyServer lb-2",
        "LoadBalancerPair lb > KeepalivedServer lb-1",
        "LoadBalancerPair lb > KeepalivedServer lb-2",
      ],
    );
    const first = find("KeepalivedServer", "lb-1", made).inputs;
    const { inputs: second, dependencies } = find("KeepalivedServer", "lb-2", made);
    assert.deepEqual(
      [first["source"], first["peers"], first["haproxy"], first["routers"]],
      [
        "192.168.155.41",
        ["192.168.155.42"],
        "lb",
        { vip: { id: 40, addresses: ["192.168.155.40/24"], priority: 250 } },
      ],
    );
    assert.deepEqual([second["source"], second["peers"]], ["192.168.155.42", ["192.168.155.41"]]);
    assert.equal(second["routers"].vip.priority, 249);
    assert.ok(["HaproxyServer lb-2", "KeepalivedServer lb-1"].every((one) => dependencies.includes(one)));
    assert.equal(await valueOf(lb.url), "http://192.168.155.40/");
    assert.deepEqual(await valueOf(lb.addresses), ["192.168.155.40"]);
    assert.deepEqual(await valueOf(lb.health), {
      "lb-1": { www: { "web-1": "UP" } },
      "lb-2": { www: { "web-1": "UP" } },
    });
  });

  it("lets its guests send from the addresses, and hear each other where they say who may reach them", async () => {
    const made = await run(() =>
      pair({ nics: (number) => [{ network: "lan", ipv4: `192.168.155.${40 + number}`, allow: [80] }] }),
    );
    assertAccepted(made);
    for (const [at, { inputs }] of ofKind("NetworkFilter", made).entries()) {
      assert.deepEqual(inputs["antiSpoofing"].ipv4, { allowed: [`192.168.155.${41 + at}`, "192.168.155.40"] });
      assert.deepEqual(inputs["allow"], [{ protocol: "tcp", port: 80 }, { protocol: "vrrp" }]);
    }
  });

  it("has tiers as farms, and what differs of one member", async () => {
    const made = await run(() => {
      const host = new KvmHost("kvm2", { networks: { lan: { ipv4: "192.168.156.0/24" } } });
      const web = new WebTier("web", {
        host,
        kind: "lxc",
        network: "lan",
        sites: { "www.example.org": { redirects: { "/": "/x" } } },
      });
      pair({
        farms: {
          www: {
            port: 80,
            members: [web, { ...members[0]!, name: "old", backup: true }],
            member: { "web-2": { state: "drain" } },
          },
        },
      });
    });
    assertAccepted(made);
    const { inputs, dependencies } = find("HaproxyServer", "lb-1", made);
    assert.ok(dependencies.includes("WebServer web-1"));
    assert.deepEqual(inputs["farms"].www.members, [
      { name: "web-1", address: "192.168.122.10", port: 80, protocol: "http" },
      { name: "web-2", address: "192.168.122.10", port: 80, protocol: "http", state: "drain" },
      { name: "old", address: "192.168.155.51", port: 8080, backup: true },
    ]);
  });

  it("works on both balancers where two addresses prefer different ones", async () => {
    const made = await run(() =>
      pair({
        vip: {
          one: { addresses: ["192.168.155.40/24"], preferred: 1 },
          two: { addresses: ["192.168.155.50/24"], preferred: 2, preemptDelay: "30s" },
        },
      }),
    );
    assertAccepted(made);
    const routers = ["lb-1", "lb-2"].map((name) => find("KeepalivedServer", name, made).inputs["routers"]);
    assert.deepEqual(
      routers.map(({ one, two }) => [one.priority, one.preemptDelay, two.priority, two.preemptDelay, one.id, two.id]),
      [
        [250, "10s", 240, "30s", 40, 50],
        [240, "10s", 250, "30s", 40, 50],
      ],
    );
  });

  it("keeps keys and the password apart, as secrets", async () => {
    const made = await run(() =>
      pair({
        farms: {
          www: { port: 443, members, tls: { certificate: "certificate", key: pulumi.secret("key"), redirect: 80 } },
        },
        stats: { password: pulumi.secret("word") },
      }),
    );
    const { inputs, secretFields } = find("HaproxyServer", "lb-1", made);
    assert.deepEqual(secretFields, ["keys", "password"]);
    assert.deepEqual(inputs["farms"].www.tls, { certificate: "certificate", redirect: 80 });
    assert.deepEqual([inputs["keys"], inputs["password"], inputs["stats"]], [{ www: "key" }, "word", {}]);
    assertAccepted(made);
  });

  it("refuses what cannot be", async () => {
    const refused = (args: object, message: string) =>
      assert.rejects(
        run(() => pair(args)),
        (error: Error) => {
          assert.equal(error.message.replace(/ \(looked in .*/, ""), message);
          return true;
        },
      );
    await refused(
      { vip: undefined },
      'LoadBalancerPair lb: vip is required. Allowed: an address with its subnet: "192.168.155.40/24"',
    );
    await refused({ count: 3 }, "LoadBalancerPair lb: count: got 3. Allowed: 2");
    await refused(
      { vip: { a: { addresses: ["192.168.155.40/24"], preferred: 3 } } },
      "LoadBalancerPair lb: vip.a.preferred: got 3. Allowed: 1 or 2",
    );
    await refused(
      { vip: { a: { addresses: ["192.168.155.40/24"], preemptDelay: "1s" } } },
      "LoadBalancerPair lb: vip.a.preemptDelay: nobody takes it back. Fix: say preferred, 1 or 2",
    );
    await refused(
      { farm: {} },
      'LoadBalancerPair lb: unknown field "farm"; did you mean "farms"? Allowed: host, image, count, kind, memory, network, nics, guest, machines, maxUnavailable, farms, vip, advertise, stats, metrics, log, maxConnections, hardStopAfter, timeout',
    );
  });
});
