import assert from "node:assert/strict";
import { BalancerLab, members, VIP, webFarm } from "./balancer-lab";

describe("two balancers in namespaces", function () {
  this.timeout(180_000);
  let lab: BalancerLab;
  const inside = (at: 0 | 1, ...argv: string[]) => lab.balancers[at].machine.say(...argv);

  before(async function () {
    lab = await BalancerLab.start(this);
    await lab.serve(...members);
  });

  after(async () => {
    await lab?.stop();
  });

  it("have one address between them, behind which the members answer in turn", async () => {
    await lab.up(webFarm(members));
    await lab.active();
    const answers = [await lab.get(`http://${VIP}/x`), await lab.get(`http://${VIP}/x`)];
    assert.deepEqual(answers.map((answer) => answer.split(" ")[0]).sort(), ["web-1", "web-2"]);
    assert.match(answers[0]!, /^web-\d GET \/x 192\.168\.155\.40 192\.168\.155\.10 http$/);
    for (const { haproxy, keepalived } of lab.balancers) {
      assert.deepEqual(await haproxy.refresh(), []);
      assert.deepEqual(await keepalived.refresh(), []);
      assert.deepEqual(haproxy.state["health"], { www: { "web-1": "UP", "web-2": "UP" } });
    }
    const { haproxy, keepalived } = lab.balancers[0];
    assert.deepEqual(await haproxy.up(lab.haproxyArgs(webFarm(members))), []);
    assert.deepEqual(await keepalived.up(lab.keepalivedArgs(0)), []);
    await lab.states(...(lab.holders()[0] === 0 ? ["MASTER", "BACKUP"] : ["BACKUP", "MASTER"]));
  });

  it("take another configuration without closing a connection and without moving the address", async () => {
    const active = await lab.active();
    const load = await lab.load();
    // Begun with the old configuration, it is answered with it.
    const slow = lab.get(`http://${VIP}/slow?wait=1500`);
    const pid = inside(active, "cat", "/run/pulumi-kvm-haproxy-lb/pid");
    await lab.up(webFarm(members, { balance: "leastconn", timeout: "30s" }), {}, { advertise: "300ms" });
    assert.match(await slow, /^web-\d GET \/slow/);
    const { failed, requests } = await load.stop();
    assert.ok(requests > 20);
    assert.equal(failed, 0);
    assert.equal(inside(active, "cat", "/run/pulumi-kvm-haproxy-lb/pid"), pid);
    assert.equal(await lab.active(), active);
    await lab.up(webFarm(members), {}, {});
  });

  it("drain a member and bring it back without a reload", async () => {
    const worker = () => inside(0, "pgrep", "-P", inside(0, "cat", "/run/pulumi-kvm-haproxy-lb/pid").trim());
    const before = worker();
    const some = (state: string, weight = 1) =>
      webFarm([members[0]!, { ...members[1]!, state, weight }] as typeof members);
    const asked = async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => lab.get(`http://${VIP}/`)));
      return [...new Set(answers.map((answer) => answer.split(" ")[0]))].sort();
    };
    for (const state of ["drain", "maintenance"]) {
      await lab.up(some(state));
      assert.deepEqual(await asked(), ["web-1"]);
      for (const { haproxy } of lab.balancers) assert.deepEqual(await haproxy.refresh(), []);
    }
    assert.match(lab.balancers[0].haproxy.state["health"].www["web-2"], /^MAINT/);
    assert.equal(worker(), before);
    // It is kept where HAProxy is begun anew.
    for (const at of [0, 1] as const) inside(at, "/etc/init.d/kvm-haproxy-lb", "restart");
    await lab.active();
    for (const { haproxy } of lab.balancers) await haproxy.up(lab.haproxyArgs(some("maintenance")));
    assert.deepEqual(await lab.balancers[0].haproxy.refresh(), []);
    assert.deepEqual(await asked(), ["web-1"]);
    await lab.up(some("ready", 3));
    assert.deepEqual(await lab.balancers[0].haproxy.refresh(), []);
    await lab.up(webFarm(members));
    assert.deepEqual(await asked(), ["web-1", "web-2"]);
  });

  it("find what was changed by hand, and put it right", async () => {
    const { haproxy, keepalived } = lab.balancers[1];
    const repaired = async (played: typeof haproxy, args: object, condition: RegExp) => {
      assert.deepEqual(await played.refresh(), ["condition"]);
      assert.match(played.state["condition"], condition);
      assert.deepEqual(await played.up(args), ["condition: live"]);
      assert.deepEqual(await played.refresh(), []);
    };
    const socket = "/run/pulumi-kvm-haproxy-lb/admin.sock";
    inside(1, "sh", "-c", `echo "set server www/web-1 state drain" | socat - ${socket}`);
    await repaired(haproxy, lab.haproxyArgs(webFarm(members)), /^www\/web-1 drains$/);
    inside(1, "sh", "-c", "echo '# by hand' >>/etc/pulumi-kvm/haproxy-lb/current/haproxy.cfg");
    await repaired(haproxy, lab.haproxyArgs(webFarm(members)), /^changed by hand: haproxy\.cfg$/);
    inside(1, "/etc/init.d/kvm-haproxy-lb", "stop");
    await repaired(haproxy, lab.haproxyArgs(webFarm(members)), /^kvm-haproxy-lb is not running$/);
    await lab.states(...(lab.holders()[0] === 0 ? ["MASTER", "BACKUP"] : ["BACKUP", "MASTER"]));
    inside(1, "/etc/init.d/kvm-keepalived-lb", "stop");
    await repaired(keepalived, lab.keepalivedArgs(1), /^kvm-keepalived-lb is not running$/);
    await lab.active();
  });

  it("keep a configuration that works when the next one does not, with the program's own words in the error", async () => {
    const { haproxy, keepalived, machine } = lab.balancers[0];
    const before = inside(0, "readlink", "/etc/pulumi-kvm/haproxy-lb/current");
    const wrong = webFarm([{ name: "web-1", address: "no-such-host.invalid", port: 80 }] as typeof members);
    await assert.rejects(
      haproxy.up(lab.haproxyArgs(wrong)),
      /haproxy refuses the configuration:\n[^]*could not resolve address 'no-such-host\.invalid'/,
    );
    assert.equal(inside(0, "readlink", "/etc/pulumi-kvm/haproxy-lb/current"), before);
    // Somebody else has the port, of which the check knows nothing.
    machine.spawn([process.execPath, "-e", 'require("net").createServer().listen(8099, "0.0.0.0")']);
    await machine.run(["sh", "-c", "until ss -ltn | grep -q :8099; do sleep 0.05; done"]);
    await assert.rejects(
      haproxy.up(lab.haproxyArgs(webFarm(members, { port: 8099 }))),
      /farms\.www\.port: on 8099 node \(pid \d+\) listens already\. Fix: choose another port/,
    );
    // Another HAProxy has it, which could be this one.
    const other =
      "global\n  noreuseport\ndefaults\n  mode http\n  timeout client 1s\nfrontend other\n  bind :::8098 v4v6\n";
    await machine.write("/root/other.cfg", other);
    machine.spawn(["haproxy", "-db", "-f", "/root/other.cfg"]);
    await machine.run(["sh", "-c", "until ss -ltn | grep -q :8098; do sleep 0.05; done"]);
    await assert.rejects(
      haproxy.up(lab.haproxyArgs(webFarm(members, { port: 8098 }), { timeout: "10s" })),
      /after 10s it says: ok [0-9a-f]{16}\nIts last log lines:\n[^]*8098[^]*\nThe change was taken back: it is as it was before$/,
    );
    inside(0, "pkill", "-f", "other.cfg");
    await assert.rejects(
      keepalived.up(lab.keepalivedArgs(0, { source: "192.168.155.99" })),
      /no interface has the address/,
    );
    assert.match(await lab.get(`http://${VIP}/`), /^web-/);
    assert.deepEqual(await haproxy.refresh(), []);
    assert.deepEqual(await keepalived.refresh(), []);
  });

  it("are gone without a trace", async () => {
    for (const at of [0, 1] as const) {
      const { haproxy, keepalived } = lab.balancers[at];
      await keepalived.destroy();
      await haproxy.destroy();
      assert.equal(
        inside(
          at,
          "sh",
          "-c",
          "find /etc /run -name '*kvm-haproxy*' -o -name '*kvm-keepalived*' -o -path '*/pulumi-kvm/*'",
        ),
        "",
      );
      assert.equal(inside(at, "sh", "-c", "pgrep -x 'haproxy|keepalived' || true"), "");
    }
    assert.deepEqual(lab.holders(), []);
  });
});
