import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../skip";
import { Lab } from "./lab";
import type { LabHost } from "./lab-host";
import { ownProcess, processOf } from "./lab-process";

const nothing = { sent: 2, received: 0, lost: 2 };
const all = { sent: 2, received: 2, lost: 0 };

/** What a lab's name is found in: processes' command lines, cgroups, folders. */
function traces(name: string): string[] {
  const processes = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => commandLine(pid).includes(`/run/pulumi-kvm-lab/${name}/`));
  const controllers = readdirSync("/sys/fs/cgroup").map((folder) => `/sys/fs/cgroup/${folder}/pulumi-kvm-lab/${name}`);
  const folders = [`/run/pulumi-kvm-lab/${name}`, `/var/tmp/pulumi-kvm-lab/${name}`];
  return [
    ...processes.map((pid) => `process ${pid}`),
    ...[...controllers, ...folders].filter((each) => existsSync(each)),
  ];
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

describe("the life of a lab", function () {
  this.timeout(120_000);
  let lab: Lab;
  let kvm1: LabHost;
  let kvm2: LabHost;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    lab = await Lab.up({ hosts: 2 });
    [kvm1, kvm2] = [lab.host("kvm1"), lab.host("kvm2")];
  });

  after(() => lab?.down());

  describe("a host's cable", () => {
    afterEach(() => kvm1.link("eth0").heal());

    const ping = () => kvm2.ping(kvm1.ipv4, { count: 2 });
    const carrier = async () => (await kvm1.run(["cat", "/sys/class/net/eth0/carrier"])).stdout.trim();

    it("is cut with its carrier, and heals", async () => {
      await kvm1.link("eth0").cut();
      assert.deepEqual(await ping(), nothing);
      assert.equal(await carrier(), "0");
      await kvm1.link("eth0").heal();
      assert.equal(await carrier(), "1");
      assert.deepEqual(await ping(), all);
    });

    it("drops everything without a sign of it, also after the NIC was down", async () => {
      await kvm1.link("eth0").partition();
      assert.deepEqual(await ping(), nothing);
      assert.equal(await carrier(), "1");
      await kvm1.run(["ip", "link", "set", "eth0", "down"]);
      await kvm1.run(["ip", "link", "set", "eth0", "up"]);
      assert.deepEqual(await ping(), nothing);
      assert.equal(await carrier(), "1");
    });

    it("is in another VLAN than the rest, with who else is there", async () => {
      await kvm1.link("eth0").vlan(20);
      assert.deepEqual(await ping(), nothing);
      await kvm2.link("eth0").vlan(20);
      assert.deepEqual(await ping(), all);
      assert.deepEqual(await lab.station.ping(kvm1.ipv4, { count: 2 }), nothing);
      await kvm2.link("eth0").heal();
    });

    it("stays as it is when the host boots", async () => {
      await kvm1.link("eth0").cut();
      await kvm1.reboot();
      assert.deepEqual(await ping(), nothing);
    });
  });

  it("has hosts that boot from their disk, and keep nothing else", async () => {
    const look = [
      "sh",
      "-c",
      "ip -br link show eth0 | cut -d' ' -f1,2- ; cat /etc/ours /run/ours /proc/sys/kernel/hostname",
    ];
    await kvm1.run(["sh", "-c", "echo kept >/etc/ours; echo lost >/run/ours; ip addr add 192.168.155.99/24 dev eth0"]);
    const before = await kvm1.run(["cat", "/sys/class/net/eth0/address", "/sys/class/net/eth1/address"]);
    const ended = once(kvm1.spawn(["sleep", "600"]), "exit");
    await kvm1.reboot();
    await ended;
    const after = await kvm1.run(["cat", "/sys/class/net/eth0/address", "/sys/class/net/eth1/address"]);
    assert.equal(after.stdout, before.stdout);
    const { stdout } = await kvm1.run(look, { accept: [1] });
    assert.match(stdout, /kept\nkvm1\n$/);
    assert.deepEqual(await lab.station.ping(kvm1.ipv4, { count: 2 }), all);
    assert.deepEqual(await lab.station.ping(kvm1.ipv6, { count: 2 }), all);
    assert.deepEqual(await lab.station.ping("192.168.155.99", { count: 2 }), nothing);
  });

  it("has hosts whose libvirtd can crash and come back", async () => {
    await kvm2.stopLibvirtd();
    await assert.rejects(kvm2.run(["virsh", "list"]), /kvm2: virsh list: ended with exit code 1: .*connect/s);
    await kvm2.startLibvirtd();
    await kvm2.run(["virsh", "list"]);
  });

  it("ends what was spawned in a node with what spawned it", async () => {
    const child = lab.wan.spawn(["sleep", "7654"]);
    const running = () => lab.wan.run(["pgrep", "-f", "sleep 7654"], { accept: [1] });
    while ((await running()).exitCode !== 0);
    child.kill("SIGKILL");
    while ((await running()).exitCode !== 1);
  });

  it("has nodes that serve pages", async () => {
    const stop = await lab.wan.serve("from the wan\n", { port: 8080 });
    assert.equal(await kvm1.get(`http://${lab.wan.ipv4}:8080/`), "from the wan\n");
    assert.equal(await kvm1.get(`http://[${lab.wan.ipv6}]:8080/`), "from the wan\n");
    await stop();
    await assert.rejects(kvm1.get(`http://${lab.wan.ipv4}:8080/`), /Failed to connect|refused/);
  });

  it("does not change the machine's files", async () => {
    await kvm1.run(["sh", "-c", "echo lab >/etc/pulumi-kvm-lab-test; rm -f /etc/hostname; echo >/root/x"]);
    assert.equal(existsSync("/etc/pulumi-kvm-lab-test"), false);
    assert.equal(existsSync("/etc/hostname"), true);
    assert.deepEqual(await kvm2.run(["ls", "/etc/pulumi-kvm-lab-test"], { accept: "any" }).then((r) => r.stdout), "");
  });

  it("stands beside another one, which has the same addresses", async () => {
    const other = await Lab.up({ name: "beside" });
    try {
      await other.host("kvm1").run(["sh", "-c", "echo other >/etc/ours"]);
      assert.deepEqual(await other.station.ping(kvm1.ipv4, { count: 2 }), all);
      assert.deepEqual(await other.station.ping(kvm2.ipv4, { count: 2 }), nothing);
      assert.equal((await kvm1.run(["cat", "/etc/ours"])).stdout, "kept\n");
    } finally {
      await other.down();
    }
    assert.deepEqual(traces("beside"), []);
    assert.deepEqual(await lab.station.ping(kvm2.ipv4, { count: 2 }), all);
  });

  it("comes up again after everything was killed, and leaves nothing when it goes down", async () => {
    const crashed = await Lab.up({ name: "crashed" });
    await crashed.host("kvm1").run(["sh", "-c", "echo kept >/etc/ours"]);
    process.kill(processOf(path.join(crashed.folder, "switch/pid"))!.pid, "SIGKILL");
    const again = await Lab.up({ name: "crashed", hosts: 2 });
    assert.equal((await again.host("kvm1").run(["cat", "/etc/ours"])).stdout, "kept\n");
    assert.deepEqual(await again.host("kvm1").ping("kvm2", { count: 2 }), all);
    process.kill(processOf(path.join(crashed.folder, "switch/pid"))!.pid, "SIGKILL");
    await again.down();
    assert.deepEqual(traces("crashed"), []);
  });

  it("comes up after its making was killed in the middle", async () => {
    const script = `require("ts-node/register/transpile-only");
      require(${JSON.stringify(path.join(__dirname, "lab.ts"))}).Lab.up({ name: "halfway" });`;
    const making = spawn(process.execPath, ["-e", script], { stdio: "inherit" });
    const ended = once(making, "exit");
    while (!processOf("/run/pulumi-kvm-lab/halfway/kvm1/pid")) await sleep(5);
    making.kill("SIGKILL");
    await ended;
    // As it is: not yet one of the abandoned, which would be removed.
    const record = JSON.parse(readFileSync("/run/pulumi-kvm-lab/halfway/lab.json", "utf8"));
    writeFileSync("/run/pulumi-kvm-lab/halfway/lab.json", JSON.stringify({ ...record, owner: ownProcess() }));
    const halfway = await Lab.up({ name: "halfway" });
    assert.deepEqual(await halfway.station.ping(halfway.host("kvm1").ipv4, { count: 2 }), all);
    await halfway.down();
    assert.deepEqual(traces("halfway"), []);
  });

  it("gains hosts while it runs, and its nodes learn their names", async () => {
    const grown = await Lab.up({ name: "grown" });
    const same = grown.host("kvm1").process;
    const bigger = await Lab.up({ name: "grown", hosts: ["kvm1", "store"] });
    assert.deepEqual(bigger.host("kvm1").process, same);
    assert.equal(bigger.host("store").ipv4, "192.168.155.33");
    assert.deepEqual(await bigger.host("kvm1").ping("store", { count: 2 }), all);
    await bigger.down();
  });

  it("goes when the test that made it is killed", async () => {
    const script = `require("ts-node/register/transpile-only");
      require(${JSON.stringify(path.join(__dirname, "lab.ts"))}).Lab.up({ name: "left" }).then(() => console.log("up"));
      setInterval(() => {}, 1000);`;
    const test = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(test.stdout, "data");
    const ended = once(test, "exit");
    test.kill("SIGKILL");
    await ended;
    assert.notDeepEqual(traces("left"), []);
    await Lab.up({ hosts: 2 });
    assert.deepEqual(traces("left"), []);
  });

  it("belongs to who made it", async () => {
    const file = path.join(lab.folder, "lab.json");
    const record = readFileSync(file, "utf8");
    try {
      writeFileSync(file, JSON.stringify({ ...JSON.parse(record), owner: undefined }));
      await assert.rejects(Lab.up({ hosts: 2 }), /^Error: the lab test-\d+ belongs to its user$/);
    } finally {
      writeFileSync(file, record);
    }
  });

  it("refuses names that are no names of links", async () => {
    await assert.rejects(
      Lab.up({ hosts: ["kvm1", "far-too-long"] }),
      /^Error: "far-too-long" is no name for a host\. Allowed: at most 9 of a-z, 0-9 and dashes, a letter first$/,
    );
    await assert.rejects(Lab.up({ hosts: ["wan"] }), /^Error: wan is a node of every lab, no host$/);
  });

  it("leaves the machine's own network alone", () => {
    const links = execFileSync("ip", ["-br", "link"]).toString();
    assert.doesNotMatch(links, /kvm1-|station-|^(lan|wan)\b/m);
    assert.equal(execFileSync("ip", ["netns", "list"]).toString().includes("lab"), false);
  });
});
