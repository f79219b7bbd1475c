import assert from "node:assert/strict";
import { BalancerLab, members, VIP, webFarm, type Load } from "./balancer-lab";

/** The other one has the address, it alone, and waits for faults of its own. */
async function other(lab: BalancerLab, struck: 0 | 1): Promise<void> {
  await lab.states(...(struck === 1 ? ["MASTER", "BACKUP"] : ["BACKUP", "MASTER"]));
  assert.deepEqual(lab.holders(), [1 - struck]);
}

describe("faults of balancers in namespaces", function () {
  this.timeout(180_000);
  let lab: BalancerLab;
  const kill = (at: 0 | 1, program: string, signal = "KILL") =>
    lab.balancers[at].machine.say("pkill", `-${signal}`, "-x", program);
  const router = (at: 0 | 1) =>
    lab.balancers[at].machine.say("sh", "-c", "cat /run/pulumi-kvm-keepalived-lb/vip.router || echo none").trim();
  const until = async (what: string, so: () => boolean) => {
    for (let attempt = 0; !so(); attempt++) {
      assert.ok(attempt < 600, what);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  before(async function () {
    lab = await BalancerLab.start(this);
    await lab.serve(...members);
    await lab.up(webFarm(members));
    await lab.active();
    await lab.states(...(lab.holders()[0] === 0 ? ["MASTER", "BACKUP"] : ["BACKUP", "MASTER"]));
  });

  after(async () => {
    await lab?.stop();
  });

  /** Strikes the active balancer under a load; the load goes on until all is said to be well. */
  const struck = async (strike: (active: 0 | 1) => void, well: (active: 0 | 1) => Promise<void>): Promise<Load> => {
    const active = await lab.active();
    const load = await lab.load();
    strike(active);
    await well(active);
    // From the one that has taken over.
    for (let answers = 0; answers < 20; answers++) assert.match(await lab.get(`http://${VIP}/`), /^web-/);
    const found = await load.stop();
    assert.ok(found.outages <= 1, JSON.stringify(found));
    return found;
  };

  it("cost one outage where HAProxy is killed: the other has the address, and the first waits behind it", async () => {
    await struck(
      (active) => kill(active, "haproxy"),
      (active) => other(lab, active),
    );
  });

  it("cost one outage where HAProxy hangs", async () => {
    await struck(
      (active) => kill(active, "haproxy", "STOP"),
      async (active) => {
        await until(
          "the hung one keeps the address",
          () => router(active) === "FAULT" && lab.holders()[0] === 1 - active,
        );
        kill(active, "haproxy", "CONT");
        await other(lab, active);
      },
    );
  });

  it("leave the address on one balancer alone where keepalived is killed, all of it or a part", async () => {
    const pids = (at: 0 | 1) => lab.balancers[at].machine.say("pgrep", "-x", "keepalived").trim().split("\n");
    const begun = pids(await lab.active());
    await struck(
      (active) => kill(active, "keepalived"),
      (active) => other(lab, active),
    );
    assert.ok(pids(lab.holders()[0] === 0 ? 1 : 0).every((pid) => !begun.includes(pid)));
    for (const file of ["pid", "vrrp.pid"])
      await struck(
        (active) =>
          void lab.balancers[active].machine.say(
            "sh",
            "-c",
            'kill -KILL "$(cat "$0")"',
            `/run/pulumi-kvm-keepalived-lb/${file}`,
          ),
        (active) => other(lab, active),
      );
  });

  it("leave the address on one balancer alone where the supervisor is killed as well", async () => {
    const active = await lab.active();
    const { machine, keepalived } = lab.balancers[active];
    machine.say("sh", "-c", "kill -KILL $(cat /run/pulumi-kvm-keepalived-lb/supervisor) $(pgrep -x keepalived)");
    // Nothing starts it again here, as systemd would; the next `up` does.
    assert.deepEqual(await keepalived.refresh(), ["condition"]);
    await keepalived.up(lab.keepalivedArgs(active));
    await other(lab, active);
    assert.deepEqual(await keepalived.refresh(), []);
  });

  for (const how of ["down", "silent"] as const)
    it(`cost one outage where the link is ${how}, and none where it heals`, async () => {
      const active = await lab.active();
      await struck(
        () => lab.link(active, how),
        () => until("the other does not take over", () => router(active === 0 ? 1 : 0) === "MASTER"),
      );
      const load = await lab.load();
      lab.link(active, "up");
      await other(lab, active);
      for (let answers = 0; answers < 20; answers++) assert.match(await lab.get(`http://${VIP}/`), /^web-/);
      const found = await load.stop();
      assert.equal(found.failed, 0, JSON.stringify(found));
    });

  it("lose no request that may be repeated where a member is killed", async () => {
    await lab.serve({ name: "web-3", address: "192.168.155.53", port: 8080 });
    const three = [...members, { name: "web-3", address: "192.168.155.53", port: 8080 }];
    await lab.up(webFarm(three));
    const load = await lab.load();
    lab.back.say("pkill", "-KILL", "-f", "^member-web-3");
    const { haproxy } = lab.balancers[await lab.active()];
    for (let attempt = 0; attempt < 100 && haproxy.state["health"].www["web-3"] !== "DOWN"; attempt++)
      await haproxy.refresh();
    assert.equal(haproxy.state["health"].www["web-3"], "DOWN");
    const found = await load.stop();
    assert.equal(found.failed, 0, JSON.stringify(found));
    await lab.up(webFarm(members));
  });

  it("cost one outage where the whole balancer is killed", async () => {
    await struck(
      (active) => void lab.balancers[active].machine.stop(),
      (active) => until("the other does not take over", () => router(active === 0 ? 1 : 0) === "MASTER"),
    );
  });
});
