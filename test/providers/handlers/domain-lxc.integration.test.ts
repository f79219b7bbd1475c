import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { DomainHandler } from "../../../providers/handlers/domain";
import { FileHandler } from "../../../providers/handlers/file";
import { PackageHandler } from "../../../providers/handlers/package";
import { ServiceHandler } from "../../../providers/handlers/service";
import { isMissing } from "../../../providers/libvirt/errors";
import { ContainerLab } from "./container-lab";
import { Played } from "./played";

/** A package repository in the container itself: no mirror can be reached in a lab. */
const repository = `
set -e
mkdir -p /srv/repository /srv/demo/DEBIAN /srv/demo/lib/systemd/system
cd /srv
cat >demo/DEBIAN/control <<'.'
Package: demo
Version: 1
Architecture: all
Maintainer: root <root@localhost>
Description: a service that sleeps
.
cat >demo/DEBIAN/postinst <<'.'
#!/bin/sh
systemctl daemon-reload && systemctl enable --now demo
.
cat >demo/DEBIAN/prerm <<'.'
#!/bin/sh
systemctl disable --now demo
.
cat >demo/lib/systemd/system/demo.service <<'.'
[Service]
ExecStart=sleep infinity
[Install]
WantedBy=multi-user.target
.
chmod 755 demo/DEBIAN/p*
dpkg-deb --build demo repository/demo.deb >/dev/null
{ cat demo/DEBIAN/control
  echo "Filename: ./demo.deb"
  echo "Size: $(stat -c %s repository/demo.deb)"
  echo "SHA256: $(sha256sum repository/demo.deb | cut -d ' ' -f 1)"; } >repository/Packages
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
echo "deb [trusted=yes] file:/srv/repository ./" >/etc/apt/sources.list
`;

describe("containers on libvirt", function () {
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
  const virsh = async (...argv: string[]) => (await lab.host.run(["virsh", "-c", "lxc:///system", ...argv])).stdout;

  it("come up with an address by DHCP, serve a page, and leave nothing", async () => {
    args["nics"] = [{ network: "lan" }];
    args["ready"] = { booted: true, addresses: true };
    await played.up(args);
    const { ipv4, bootId, acceleratorInUse } = played.state;
    assert.match(ipv4, /^192\.168\.170\.\d+$/);
    assert.match(bootId, /^[0-9a-f-]{36}-\d+$/);
    assert.equal(acceleratorInUse, undefined);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args), []);
    assert.equal(await inside("systemctl", "is-system-running", "--wait"), "running");
    assert.equal(await inside("hostname"), "web");
    const page = new Played(new FileHandler());
    const path = "/var/www/html/index.html";
    await page.up({ machine: lab.machine("web"), path, content: "hello\n", overwrite: true });
    const service = new Played(new ServiceHandler());
    await service.up({ machine: lab.machine("web"), name: "nginx" });
    assert.equal(await lab.host.get(`http://${ipv4}/`), "hello\n");
    await played.destroy();
    await assert.rejects(lab.connection.domainLookupByName("web"), isMissing);
    const { stdout } = await lab.host.run(["find", "/sys/fs/cgroup", "-name", "*web*", "-o", "-name", "kvm-*"]);
    assert.equal(stdout, "");
  });

  it("take packages, whose services start and stop with them", async () => {
    await played.up(args);
    await inside("sh", "-c", repository);
    const demo = new Played(new PackageHandler());
    await demo.up({ machine: lab.machine("web"), names: ["demo"] });
    assert.equal(await inside("systemctl", "is-active", "demo"), "active");
    const service = new Played(new ServiceHandler());
    await service.up({ machine: lab.machine("web"), name: "demo", state: "stopped" });
    assert.equal(await inside("sh", "-c", "systemctl is-active demo || :"), "inactive");
    await service.destroy();
    assert.equal(await inside("systemctl", "is-active", "demo"), "active");
    await demo.destroy();
    assert.equal(await inside("sh", "-c", "dpkg -s demo 2>/dev/null | grep -c '^Status:.* installed' || :"), "0");
  });

  it("have control groups of their own, in which their limits hold", async () => {
    await played.up({ ...args, memory: "128MiB" });
    assert.match(await inside("cat", "/proc/1/cgroup"), /:name=systemd:\/init\.scope|^0::\/init\.scope/m);
    // What is run inside is held to them too.
    assert.match(await inside("cat", "/proc/self/cgroup"), /:memory:\/init\.scope|^0::\/init\.scope/m);
    const eat = "head -c 300m /dev/zero | tail -c 299m >/dev/null";
    await inside("systemd-run", "--quiet", "--unit=eat", "sh", "-c", eat);
    for (let state = ""; state !== "failed"; await new Promise((done) => setTimeout(done, 100)))
      state = await inside("sh", "-c", "systemctl is-active eat || :");
    // 128 and SIGKILL.
    assert.equal(await inside("systemctl", "show", "--property=ExecMainStatus", "--value", "eat"), "137");
    assert.match(await inside("ps", "aux"), /systemd-networkd/);
  });

  it("are started again after they were turned off behind our back, under the same UUID", async () => {
    await played.up(args);
    const { uuid, bootId } = played.state;
    await virsh("destroy", "web");
    assert.deepEqual(await played.refresh(), ["state"]);
    assert.deepEqual(await played.up(args), ["state: live"]);
    assert.deepEqual([played.state["uuid"], await inside("systemctl", "is-active", "basic.target")], [uuid, "active"]);
    assert.notEqual(played.state["bootId"], bootId);
    await virsh("undefine", "web");
    assert.deepEqual(await played.refresh(), ["autostart"]);
    await virsh("destroy", "web");
    assert.deepEqual(await played.refresh(), ["gone"]);
  });

  it("shut down when they are asked, and stay off or stand still", async () => {
    await played.up(args);
    await inside("sh", "-c", "echo kept >/root/kept");
    const off = { ...args, state: "shutoff", ready: undefined };
    assert.deepEqual(await played.up(off), ["state: reboot", "ready: live"]);
    assert.match(await virsh("domstate", "web"), /shut off/);
    await played.up(args);
    assert.equal(await inside("cat", "/root/kept"), "kept");
    await played.up({ ...args, state: "paused", ready: undefined });
    assert.match(await virsh("domstate", "web"), /paused/);
    assert.deepEqual(await played.refresh(), []);
    await played.up(args);
    assert.equal(await inside("cat", "/root/kept"), "kept");
  });

  it("are renamed with one restart, and keep the rest", async () => {
    await played.up({ ...args, autostart: true });
    const { uuid } = played.state;
    assert.deepEqual(await played.up({ ...args, autostart: true, name: "www" }), ["name: reboot"]);
    assert.equal((await lab.connection.domainLookupByName("www")).uuid, uuid);
    assert.equal(await lab.inside("www", "cat", "/etc/hostname"), "web");
    assert.deepEqual(await played.refresh(), []);
  });

  it("are adopted as they are, and left when they go", async () => {
    await played.up({ ...args, memory: "192MiB" });
    const adopted = new Played(new DomainHandler());
    const { kind, connection, host } = args;
    const taken = { kind, connection, host, name: "web", adopt: "web", memory: "192MiB" };
    await adopted.up(taken);
    assert.deepEqual(await adopted.refresh(), []);
    assert.deepEqual(await adopted.up({ ...taken, memory: "256MiB" }), ["memory: live"]);
    assert.equal(await inside("systemctl", "is-active", "basic.target"), "active");
    await adopted.destroy();
    assert.match(await virsh("domstate", "web"), /running/);
  });

  it("are gone on with where a run was interrupted", async () => {
    await played.up({ ...args, owner: "p/s/web" });
    const again = new Played(new DomainHandler());
    assert.deepEqual(await again.preview({ ...args, owner: "p/s/web" }), []);
    await again.up({ ...args, owner: "p/s/web" });
    assert.equal(again.state["uuid"], played.state["uuid"]);
  });

  it("leave nothing when they cannot be started", async () => {
    await assert.rejects(
      played.up({ ...args, root: "/nowhere" }),
      /domain web on .*: cannot create: cannot start: .*\. Fix: see that root, init, mounts and devices exist on the host/,
    );
    await assert.rejects(lab.connection.domainLookupByName("web"), isMissing);
  });

  it("have folders and devices of their host, and its users elsewhere", async () => {
    const shared = lab.host.path("/srv/shared");
    mkdirSync(shared, { recursive: true });
    writeFileSync(`${shared}/page`, "of the host\n");
    const shifted = await lab.root("shifted", { idmap: { start: 100_000 } });
    const container = lab.domain();
    await container.up({
      ...lab.args("shifted", shifted),
      idmap: { start: 100_000 },
      mounts: [{ source: "/srv/shared", target: "/mnt/shared", readonly: true }],
      devices: ["/dev/net/tun"],
    });
    const run = (...argv: string[]) => lab.inside("shifted", ...argv);
    assert.equal(await run("systemctl", "is-system-running", "--wait"), "running");
    assert.equal(await run("cat", "/mnt/shared/page"), "of the host");
    assert.equal(await run("sh", "-c", "touch /mnt/shared/x 2>/dev/null || echo readonly"), "readonly");
    assert.equal(await run("stat", "-c", "%F", "/dev/net/tun"), "character special file");
    await run("touch", "/root/mine");
    const { stdout } = await lab.host.run(["stat", "-c", "%u", `${shifted.root}/root/mine`]);
    assert.equal(stdout.trim(), "100000");
    assert.deepEqual(await container.refresh(), []);
    assert.ok(existsSync(`${shared}/page`));
  });

  it("come up with their host", async () => {
    const nics = [{ network: "lan", addresses: ["192.168.170.221/24"] }];
    await played.up({ ...args, nics, autostart: true });
    const { bootId } = played.state;
    await lab.host.reboot();
    while (!/running/.test(await virsh("domstate", "web"))) await new Promise((done) => setTimeout(done, 100));
    while ((await lab.host.ping("192.168.170.221", { count: 1 })).received === 0);
    assert.deepEqual(await played.refresh(), []);
    assert.notEqual(played.state["bootId"], bootId);
    assert.deepEqual(await played.up({ ...args, nics, autostart: true }), []);
  });

  it("are ten in the time of a few", async () => {
    const names = Array.from({ length: 10 }, (_, at) => `c${at}`);
    const began = Date.now();
    const folders = await Promise.all(names.map((name) => lab.root(name)));
    const copied = Date.now();
    await Promise.all(names.map((name, at) => lab.domain().up(lab.args(name, folders[at]!))));
    console.log(`ten containers: copied in ${copied - began} ms, started in ${Date.now() - copied} ms`);
    assert.equal((await virsh("list", "--name")).trim().split("\n").length, 10);
    const states = names.map((name) => lab.inside(name, "systemctl", "is-system-running", "--wait"));
    assert.deepEqual(new Set(await Promise.all(states)), new Set(["running"]));
  });
});
