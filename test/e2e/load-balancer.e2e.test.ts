import assert from "node:assert/strict";
import { containerImageOr } from "../lab/container-image";
import { Lab } from "../lab/lab";
import { skip } from "../skip";
import { Project } from "./project";
import { SteadyLoad } from "./steady-load";

describe("a pair of load balancers in containers", function () {
  this.timeout(600_000);
  let lab: Lab;
  let project: Project;
  const vip = "192.168.180.40";

  /** What it balances are its own metrics: no other image is needed. */
  const program = (timeout = "60s") => `
      const host = new kvm.KvmHost("kvm1", {
        connection: { uri: ${JSON.stringify(lab.host("kvm1").socketUri())} },
        machine: ${JSON.stringify(lab.host("kvm1").machine)},
        networks: { lab: { ipv4: "192.168.180.0/24" } },
      });
      const lb = new kvm.LoadBalancerPair("lb", {
        host, kind: "lxc", memory: "128MiB",
        image: { shared: { machine: { kind: "local" }, directory: "/var/cache/pulumi-kvm-containers" } },
        nics: (number) => [{ network: "lab", ipv4: "192.168.180." + (40 + number) }],
        vip: "${vip}/24",
        metrics: {},
        farms: {
          www: {
            port: 80, timeout: "${timeout}", check: { type: "http", path: "/metrics" },
            members: { members: pulumi.output([{ name: "self", address: "127.0.0.1", port: 8405, protocol: "http" }]) },
          },
        },
      });
      exports.url = lb.url;
      exports.health = lb.health;`;

  const inside = (guest: string, script: string) => lab.host("kvm1").inContainer(guest, ["/bin/sh", "-c", script]);

  /** The guests that have the address, once it is one of them. */
  const holder = async (): Promise<string> => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const there: string[] = [];
      for (const guest of ["lb-1", "lb-2"])
        if ((await inside(guest, "ip -o address")).stdout.includes(` ${vip}/`)) there.push(guest);
      if (there.length === 1) return there[0]!;
      await new Promise((done) => setTimeout(done, 100));
    }
    return assert.fail("the address is not on one of them");
  };

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    await containerImageOr(this);
    lab = await Lab.up({ disk: "4GiB" });
    project = await Project.create("");
    await project.write(program());
  });

  after(async () => {
    if (project) await project.attempt("destroy", "--yes", "--skip-preview");
    await project?.dispose();
    await lab?.down();
  });

  const metrics = () => lab.host("kvm1").get(`http://${vip}/metrics`);

  it("serves behind its address, and nothing is left to change", async () => {
    await project.up();
    assert.equal((await project.outputs<{ url: string }>()).url, `http://${vip}/`);
    await holder();
    assert.match(await metrics(), /haproxy_server_status/);
    assert.deepEqual(await project.plan(), []);
    await project.refresh();
    assert.deepEqual(await project.plan(), []);
  });

  it("has another setting without a failed request, and its programs again where systemd finds them killed", async () => {
    const load = await SteadyLoad.from(lab.host("kvm1"), `http://${vip}/metrics`);
    await project.write(program("30s"));
    assert.deepEqual(await project.plan(), ["update HaproxyServer lb-1", "update HaproxyServer lb-2"]);
    await project.up();
    const { failed } = await load.stop();
    assert.deepEqual(failed, []);
    const first = await holder();
    // The supervisor and all that it looks after, which may end with it: only systemd is left to begin it again.
    await inside(first, "kill -KILL $(cat /run/pulumi-kvm-keepalived-lb/supervisor) $(pgrep -x keepalived) || :");
    const other = first === "lb-1" ? "lb-2" : "lb-1";
    for (let attempt = 0; (await holder()) !== other; attempt++) {
      assert.ok(attempt < 100, "the other does not take over");
      await new Promise((done) => setTimeout(done, 100));
    }
    assert.match(await metrics(), /haproxy_server_status/);
    assert.match(
      (await inside(first, "systemctl is-active kvm-keepalived-lb kvm-haproxy-lb")).stdout,
      /^active\nactive\n/,
    );
  });

  it("goes without a trace", async () => {
    await project.destroy();
    const { stdout } = await lab.host("kvm1").run(["virsh", "-c", "lxc:///system", "list", "--all", "--name"]);
    assert.equal(stdout.trim(), "");
  });
});
