import assert from "node:assert/strict";
import { ContainerLab } from "./container-lab";
import type { Played } from "./played";

describe("running containers", function () {
  this.timeout(120_000);
  let lab: ContainerLab;
  let root: { root: string; init: string };
  let played: Played;
  let args: { [field: string]: unknown };

  before(async function () {
    lab = await ContainerLab.up(this);
    root = await lab.root("web");
  });

  after(() => lab?.down());

  beforeEach(() => {
    played = lab.domain();
    args = lab.args("web", root);
  });

  afterEach(() => lab.clear());

  const inside = (...argv: string[]) => lab.inside("web", ...argv);
  const bootId = () => played.state["bootId"];

  /** The names and addresses of the NICs, as the container sees them. */
  async function addresses(): Promise<string> {
    const brief = await inside("ip", "-br", "-4", "address", "show", "scope", "global");
    return brief
      .replace(/@if\d+/g, "")
      .replace(/ metric \d+/g, "")
      .replace(/ +/g, " ")
      .replace(/ $/gm, "");
  }

  /** The control group's limit of memory, in bytes. */
  async function limit(): Promise<number> {
    const { id } = await lab.connection.domainLookupByName("web");
    const files = `/sys/fs/cgroup{/memory,}/machine*/*lxc-${id}-web*/memory.{limit_in_bytes,max}`;
    const { stdout } = await lab.host.run(["bash", "-c", `cat ${files} 2>/dev/null`], { accept: "any" });
    return Number(stdout.trim());
  }

  it("take memory and processor time up and down while they run", async () => {
    await played.up({ ...args, vcpus: 1 });
    const boot = bootId();
    for (const memory of ["512MiB", "192MiB"]) {
      assert.deepEqual(await played.up({ ...args, vcpus: 1, memory }), ["memory: live"]);
      assert.equal(await limit(), parseInt(memory) * 1024 ** 2);
      assert.deepEqual(await played.refresh(), []);
    }
    const tuned = {
      ...args,
      memory: "192MiB",
      vcpus: 2,
      cputune: { shares: 512 },
      memtune: { softLimit: "128MiB", swapHardLimit: "512MiB" },
    };
    assert.deepEqual(await played.up(tuned), ["vcpus: live", "memtune: live", "cputune: live"]);
    assert.deepEqual(await played.refresh(), []);
    const { stdout } = await lab.host.run(["virsh", "-c", "lxc:///system", "schedinfo", "web"]);
    assert.match(stdout, /cpu_shares\s*: 512\n.*\nvcpu_quota\s*: 200000/);
    assert.deepEqual(await played.up({ ...args, memory: "192MiB" }), ["vcpus: live", "memtune: live", "cputune: live"]);
    assert.deepEqual(await played.refresh(), []);
    assert.match(
      (await lab.host.run(["virsh", "-c", "lxc:///system", "schedinfo", "web"])).stdout,
      /cpu_shares\s*: 1024\n.*\nvcpu_quota\s*: -1/,
    );
    await played.refresh();
    assert.equal(bootId(), boot);
  });

  it("show memory that was changed behind our back, and get it back", async () => {
    await played.up(args);
    await lab.host.run(["virsh", "-c", "lxc:///system", "memtune", "web", "--hard-limit", "131072", "--live"]);
    assert.deepEqual(await played.refresh(), ["memory"]);
    assert.deepEqual(await played.up(args), ["memory: live"]);
    assert.equal(await limit(), 256 * 1024 ** 2);
    assert.deepEqual(await played.refresh(), []);
  });

  it("have NICs plugged in, moved and plugged out, each with its name and address", async () => {
    const first = { network: "lan", addresses: ["192.168.170.201/24"] };
    const second = { network: "dmz", addresses: ["192.168.171.201/24"] };
    await played.up({ ...args, nics: [first] });
    const boot = bootId();
    assert.equal(await addresses(), "eth0 UP 192.168.170.201/24");
    assert.deepEqual(await played.up({ ...args, nics: [first, second] }), ["nics: live"]);
    assert.equal(await addresses(), "eth0 UP 192.168.170.201/24\neth1 UP 192.168.171.201/24");
    // A port that has just been plugged in may listen before it forwards.
    assert.notEqual((await lab.host.ping("192.168.171.201", { count: 50, interval: 0.1 })).received, 0);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(
      played.state["addresses"].flatMap((nic: { ipv4: string[] }) => nic.ipv4),
      ["192.168.170.201", "192.168.171.201"],
    );
    const moved = { network: "lan", addresses: ["192.168.170.202/24"] };
    assert.deepEqual(await played.up({ ...args, nics: [first, moved] }), ["nics: live"]);
    assert.equal(await addresses(), "eth0 UP 192.168.170.201/24\neth1 UP 192.168.170.202/24");
    assert.deepEqual(await played.up({ ...args, nics: [first, { ...moved, addresses: ["192.168.170.203/24"] }] }), [
      "nics: live",
    ]);
    assert.equal(await addresses(), "eth0 UP 192.168.170.201/24\neth1 UP 192.168.170.203/24");
    assert.deepEqual(await played.up({ ...args, nics: [first] }), ["nics: live"]);
    assert.equal(await addresses(), "eth0 UP 192.168.170.201/24");
    assert.deepEqual(await played.refresh(), []);
    assert.equal(bootId(), boot);
  });

  it("show a NIC that was taken behind our back, and get it back", async () => {
    const nics = [{ network: "lan", addresses: ["192.168.170.201/24"] }];
    await played.up({ ...args, nics });
    const domain = await lab.connection.domainLookupByName("web");
    const [xml] = /<interface type='network'>.*?<\/interface>/s.exec(await lab.connection.domainGetXMLDesc(domain))!;
    await lab.connection.domainDetachDeviceFlags(domain, xml, 1);
    assert.deepEqual(await played.refresh(), ["nics"]);
    assert.deepEqual(await played.up({ ...args, nics }), ["nics: live"]);
    assert.equal(await addresses(), "eth0 UP 192.168.170.201/24");
    assert.deepEqual(await played.refresh(), []);
  });

  it("route between networks with addresses of their own", async () => {
    const router = [
      { network: "lan", addresses: ["192.168.170.200/24", "fd00:170::1/64"] },
      { network: "dmz", addresses: ["192.168.171.200/24"], gateway: "192.168.171.1" },
    ];
    const guest = lab.domain();
    const via = { network: "lan", addresses: ["192.168.170.201/24", "fd00:170::2/64"], gateway: "192.168.170.200" };
    const other = await lab.root("guest");
    await Promise.all([
      played.up({ ...args, nics: router }),
      guest.up({
        ...lab.args("guest", other),
        nics: [{ ...via, routes: [{ to: "10.9.0.0/16", via: "192.168.170.9" }] }],
      }),
    ]);
    assert.deepEqual([await played.refresh(), await guest.refresh()], [[], []]);
    await inside("sh", "-c", "echo net.ipv4.ip_forward=1 >/etc/sysctl.d/router.conf; systemctl restart systemd-sysctl");
    assert.equal(await inside("cat", "/proc/sys/net/ipv4/ip_forward"), "1");
    const routes = await lab.inside("guest", "ip", "-4", "route");
    assert.match(routes, /^default via 192\.168\.170\.200 dev eth0/m);
    assert.match(routes, /^10\.9\.0\.0\/16 via 192\.168\.170\.9 dev eth0/m);
    assert.equal(routes.match(/^default/gm)!.length, 1);
    for (const target of ["192.168.171.200", "fd00:170::1"]) while (!(await lab.reaches("guest", target)));
  });

  it("are restarted for what is fixed at their start", async () => {
    await played.up(args);
    const boot = bootId();
    const mounts = [{ source: "/srv", target: "/mnt/srv", readonly: true }];
    const capabilities = { add: ["sys_time"], drop: ["net_raw"] };
    const changed = { ...args, mounts, capabilities, initEnv: { GREETING: 'it\'s "me"' } };
    assert.deepEqual(await played.up(changed), ["mounts: reboot", "initEnv: reboot", "capabilities: reboot"]);
    assert.notEqual(bootId(), boot);
    assert.equal(await inside("findmnt", "-no", "TARGET", "/mnt/srv"), "/mnt/srv");
    assert.match(await inside("cat", "/proc/1/environ"), /GREETING=it's "me"/);
    const bounding = BigInt(`0x${/CapBnd:\s+(\w+)/.exec(await inside("cat", "/proc/1/status"))![1]}`);
    const has = (bit: bigint) => ((bounding >> bit) & 1n) === 1n;
    assert.deepEqual([has(25n), has(13n)], [true, false]);
    assert.deepEqual(await played.refresh(), []);
    assert.match(
      (await played.preview({ ...args, disruption: "live" }))[0]!,
      /mounts .*disturbs more than is allowed: live/,
    );
  });

  it("are waited for by a command, a port and a page inside", async () => {
    const nics = [{ network: "lan", addresses: ["192.168.170.211/24"] }];
    const ready = {
      booted: true,
      command: ["test", "-e", "/run/nginx.pid"],
      port: 80,
      http: { path: "/" },
      timeout: "60s",
    };
    await played.up({ ...args, nics, ready });
    assert.equal(played.state["ipv4"], "192.168.170.211");
    const page = { http: { path: "/missing", status: 404 }, timeout: "20s" };
    assert.deepEqual(await played.up({ ...args, nics, ready: page }), ["ready: live"]);
    const never = { command: ["sh", "-c", "echo not yet >&2; exit 3"], port: 81, timeout: "3s" };
    await assert.rejects(played.up({ ...args, nics, ready: { ...never, port: undefined } }), {
      message:
        /is not ready after 3 s: init: has come up; addresses: 192\.168\.170\.211; command sh: exit code 3 not yet/,
    });
    await assert.rejects(played.up({ ...args, nics, ready: { ...never, command: undefined } }), {
      message: /port 81: 192\.168\.170\.211: nobody listens/,
    });
    await assert.rejects(played.up({ ...args, nics, ready: { http: { port: 81 }, timeout: "3s" } }), {
      message: /http :81\/: 192\.168\.170\.211: .*Connection refused/,
    });
    await assert.rejects(played.up({ ...args, nics, ready: { http: { path: "/missing" }, timeout: "3s" } }), {
      message: /http :80\/missing: 192\.168\.170\.211: status 404/,
    });
  });
});
