import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { firewallRules } from "../../../providers/host/checks/firewall-rules";
import { permissions, space } from "../../../providers/host/checks/folders";
import { forwarding, routerAdvertisements } from "../../../providers/host/checks/forwarding";
import { subnets } from "../../../providers/host/checks/subnets";
import { groupsProblem } from "../../../providers/host/control-groups";
import { diagnose } from "../../../providers/host/doctor";
import type { Check, Inspection } from "../../../providers/host/inspection";
import { survey } from "../../../providers/host/survey";
import type { DeclaredSubnet } from "../../../providers/host/target";
import { LocalMachine } from "../../../providers/machine/local-machine";
import type { Machine } from "../../../providers/machine/machine";
import { skip } from "../../skip";
import { found, plainHost } from "./plain-host";

const local = new LocalMachine();

/** This machine seen through another command: `ip netns exec`, `setpriv`, `unshare`. */
function through(...wrapper: string[]): Machine {
  return {
    label: "this machine",
    run: (argv, options) => local.run([...wrapper, ...argv], options),
  } as Machine;
}

/** What a check finds on a real machine, with a plain host's libvirt. */
async function really(
  check: Check,
  machine: Machine,
  given: { subnets?: DeclaredSubnet[]; directories?: string[]; libvirt?: Inspection["libvirt"] } = {},
): Promise<string[]> {
  const { libvirt = plainHost().libvirt, directories = [], subnets: declared = [] } = given;
  const target = { connection: "qemu:///system", subnets: declared, needs: {}, directories };
  const seen = await survey(machine, directories);
  return found(check, { target, libvirt, machine: { machine, survey: seen } });
}

const problem = (line: string | undefined) => line?.split(" => ")[0];
const lab = (subnet: string) => [{ name: "lab", subnet }];

describe("the doctor on real machines", function () {
  this.timeout(60_000);

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root, for network namespaces and other users");
  });

  describe("in a network namespace", () => {
    const namespace = `kvm-doctor-${process.pid}`;
    const machine = through("ip", "netns", "exec", namespace);
    const ip = (...argv: string[]) => local.run(["ip", "-n", namespace, ...argv]);

    beforeEach(async () => {
      await local.run(["ip", "netns", "add", namespace]);
      await ip("link", "set", "lo", "up");
      await ip("link", "add", "eth0", "type", "veth", "peer", "name", "lan0");
      await ip("link", "set", "lan0", "up");
      await ip("link", "set", "eth0", "up");
    });

    afterEach(() => local.run(["ip", "netns", "delete", namespace]));

    it("finds addresses and routes that clash, of both families", async () => {
      await ip("addr", "add", "10.77.0.9/16", "dev", "eth0");
      await ip("addr", "add", "fd77::9/64", "dev", "eth0", "nodad");
      await ip("route", "add", "10.99.1.0/24", "via", "10.77.0.1");
      await ip("route", "add", "blackhole", "10.98.0.0/16");
      assert.deepEqual((await really(subnets, machine, { subnets: lab("10.77.3.0/24") })).map(problem), [
        "error subnets: subnet 10.77.3.0/24 of network lab overlaps 10.77.0.9/16 of interface eth0",
      ]);
      assert.deepEqual((await really(subnets, machine, { subnets: lab("fd77::/64") })).map(problem), [
        "error subnets: subnet fd77::/64 of network lab overlaps fd77::9/64 of interface eth0",
      ]);
      assert.deepEqual((await really(subnets, machine, { subnets: lab("10.99.0.0/16") })).map(problem), [
        "error subnets: subnet 10.99.0.0/16 of network lab overlaps the route to 10.99.1.0/24 via 10.77.0.1 on eth0",
      ]);
      assert.deepEqual((await really(subnets, machine, { subnets: lab("10.98.0.0/16") })).map(problem), [
        "error subnets: subnet 10.98.0.0/16 of network lab overlaps the blackhole route to 10.98.0.0/16",
      ]);
      assert.deepEqual(await really(subnets, machine, { subnets: [...lab("10.78.0.0/16"), ...lab("fd78::/64")] }), []);
    });

    it("passes over the bridge that libvirt made for the network itself", async () => {
      await ip("link", "add", "virbr7", "type", "bridge");
      await ip("addr", "add", "10.77.0.1/24", "dev", "virbr7");
      await ip("link", "set", "virbr7", "up");
      const networks = (name: string) =>
        plainHost({ report: { networks: [{ name, active: true, bridge: "virbr7", mode: "nat" }] } }).libvirt;
      const given = { subnets: lab("10.77.0.0/24") };
      assert.deepEqual(await really(subnets, machine, { ...given, libvirt: networks("lab") }), []);
      assert.deepEqual((await really(subnets, machine, { ...given, libvirt: networks("other") })).map(problem), [
        "error subnets: subnet 10.77.0.0/24 of network lab overlaps 10.77.0.1/24 of virbr7, the bridge of network other",
      ]);
      assert.deepEqual(await really(subnets, machine, { ...given, libvirt: new Error("down") }), []);
    });

    it("finds the policy that Docker sets, where libvirt's rules do not lift it", async function () {
      if (!existsSync("/usr/sbin/nft")) skip(this, "needs nft");
      const rules = [
        "table ip filter {",
        "  chain DOCKER-USER { }",
        "  chain FORWARD { type filter hook forward priority 0; policy drop; jump DOCKER-USER; }",
        "}",
      ];
      await machine.run(["nft", "-f", "-"], { stdin: rules.join("\n") });
      const given = { subnets: lab("10.77.0.0/24") };
      const iptables = plainHost().libvirt;
      const nftables = plainHost({ report: { libvirtVersion: 11_003_000 } }).libvirt;
      assert.deepEqual(await really(firewallRules, machine, { ...given, libvirt: iptables }), []);
      // The table libvirt makes tells which of the two it writes.
      await machine.run(["nft", "add table ip libvirt_network; add chain ip libvirt_network forward"]);
      assert.match(
        (await really(firewallRules, machine, { ...given, libvirt: nftables })).join(),
        /^warning subnets: Docker's firewall chain ip filter FORWARD has the policy drop/,
      );
      await machine.run(["nft", 'add rule ip filter DOCKER-USER iifname "virbr*" accept']);
      assert.deepEqual(await really(firewallRules, machine, { ...given, libvirt: nftables }), []);
    });

    it("finds a chain of the operator's that drops", async function () {
      if (!existsSync("/usr/sbin/nft")) skip(this, "needs nft");
      const chain = "chain pass { type filter hook forward priority 0; policy drop; }";
      await machine.run(["nft", "-f", "-"], { stdin: `table inet guard {\n${chain}\n}` });
      const [line] = await really(firewallRules, machine, { subnets: lab("10.77.0.0/24") });
      assert.match(line!, /^warning subnets: firewall chain inet guard pass has the policy drop/);
      // The fix is a command that works, and after which nothing is found.
      const fixes = line!
        .split(" => ")[1]!
        .split(/, and in/)[0]!
        .split("; ");
      for (const fix of fixes) await machine.run(["sh", "-c", fix]);
      assert.deepEqual(await really(firewallRules, machine, { subnets: lab("10.77.0.0/24") }), []);
    });

    it("finds bridges of the host's whose frames meet Docker's policy", async function () {
      const knob = "/proc/sys/net/bridge/bridge-nf-call-iptables";
      if (!existsSync("/usr/sbin/nft") || !existsSync(knob)) skip(this, "needs nft and the module br_netfilter");
      await machine.run(["sh", "-c", `echo 1 > ${knob}`]);
      await ip("link", "add", "br0", "type", "bridge");
      await ip("link", "add", "docker0", "type", "bridge");
      await machine.run(["nft", "-f", "-"], {
        stdin: "table ip filter {\nchain FORWARD { type filter hook forward priority 0; policy drop; }\n}",
      });
      const [line, ...more] = await really(firewallRules, machine);
      assert.match(line!, /guests on bridge br0 are cut off from the network => iptables -I FORWARD -i br0 -o br0 /);
      assert.deepEqual(more, []);
      await machine.run(["nft", 'add rule ip filter FORWARD iifname "br0" oifname "br0" accept']);
      assert.deepEqual(await really(firewallRules, machine), []);
    });

    it("finds routes of the kernel's from router advertisements, and its fix works", async () => {
      await ip("route", "add", "2001:db8::/32", "dev", "eth0", "proto", "ra");
      const given = { subnets: lab("fd77::/64") };
      await machine.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra"]);
      const [line] = await really(routerAdvertisements, machine, given);
      assert.match(line!, /^error subnets: network lab \(fd77::\/64\) cannot start: eth0 has routes/);
      await machine.run(["sh", "-c", line!.split(" => ")[1]!]);
      assert.deepEqual(await really(routerAdvertisements, machine, given), []);
    });

    it("finds that forwarding was switched off, or cannot be switched on", async () => {
      const set = (value: string) => machine.run(["sh", "-c", `echo ${value} > /proc/sys/net/ipv4/ip_forward`]);
      const running = plainHost({
        report: { networks: [{ name: "lab", active: true, bridge: "virbr7", mode: "nat" }] },
      }).libvirt;
      await set("0");
      assert.match((await really(forwarding, machine, { libvirt: running })).join(), /^warning .*network lab runs/);
      assert.deepEqual(await really(forwarding, machine, { subnets: lab("10.77.0.0/24") }), []);
      const readOnly = through(
        ...["ip", "netns", "exec", namespace, "unshare", "--mount", "sh", "-c"],
        ...['mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"', "sh"],
      );
      assert.match(
        (await really(forwarding, readOnly, { subnets: lab("10.77.0.0/24") })).join(),
        /^error subnets: net.ipv4.ip_forward is 0 and cannot be set/,
      );
      await set("1");
      assert.deepEqual(await really(forwarding, readOnly, { subnets: lab("10.77.0.0/24") }), []);
    });
  });

  describe("in folders", () => {
    let base: string;
    const nobody = plainHost({
      report: { securityModels: [{ name: "dac", baseLabel: "+65534:+65534" }] },
    }).libvirt;
    const check = (machine: Machine, directory: string) =>
      really(permissions, machine, { directories: [directory], libvirt: nobody });

    beforeEach(() => {
      base = mkdtempSync(path.join(tmpdir(), "kvm doctor's "));
      chmodSync(base, 0o755);
    });

    afterEach(() => rmSync(base, { recursive: true }));

    it("finds one that QEMU's user may not enter, and its fix works", async () => {
      mkdirSync(path.join(base, "closed"), { mode: 0o700 });
      const directory = path.join(base, "closed", "images", "new");
      const [line] = await check(local, directory);
      assert.match(line!, /^error directories: QEMU's user nobody may not enter .*\/closed: disks in .*\/images\/new /);
      await local.run(["sh", "-c", line!.split(" => ")[1]!.split(", or use")[0]!]);
      assert.deepEqual(await check(local, directory), []);
    });

    it("follows symbolic links to where the disks really are", async () => {
      mkdirSync(path.join(base, "closed", "images"), { recursive: true });
      chmodSync(path.join(base, "closed"), 0o700);
      await local.run(["ln", "-s", path.join(base, "closed", "images"), path.join(base, "link")]);
      assert.match((await check(local, path.join(base, "link", "new"))).join(), /may not enter .*\/closed: /);
    });

    it("finds a file in the way", async () => {
      writeFileSync(path.join(base, "file"), "");
      assert.match(
        (await check(local, path.join(base, "file", "images"))).join(),
        /cannot be a folder: .*\/file is a file/,
      );
    });

    it("says the same to a user who is not root", async () => {
      mkdirSync(path.join(base, "closed"), { mode: 0o700 });
      const user = through("setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups");
      assert.match((await check(user, path.join(base, "closed"))).join(), /may not enter .*\/closed: .* => sudo /);
      assert.deepEqual(await check(user, path.join(base, "open")), []);
    });

    it("finds a file system that is nearly full", async () => {
      const mounted = through(
        ...["unshare", "--mount", "sh", "-c"],
        ...['mount -t tmpfs -o size=64m tmpfs "$0" && exec "$@"', base],
      );
      assert.match(
        (await really(space, mounted, { directories: [path.join(base, "images")] })).join(),
        /^error directories: .* has 0\.1 GiB \(100%\) of 0\.1 GiB left/,
      );
      const { bavail, blocks, bsize } = statfsSync(base);
      if (bavail * bsize < 2 ** 30 || bavail / blocks < 0.05) return;
      assert.deepEqual(await really(space, local, { directories: [path.join(base, "images")] }), []);
    });
  });

  describe("with a libvirtd", () => {
    const target = {
      connection: "qemu:///system",
      machine: { kind: "local" as const },
      subnets: [],
      needs: { images: true, lxc: true },
      directories: ["/var/lib/libvirt/images"],
    };

    it("raises no false alarm on this host", async function () {
      if (!existsSync("/run/libvirt/libvirt-sock")) skip(this, "no libvirtd runs here");
      // libvirt takes seconds for each call where QEMU's user may not open /dev/kvm.
      this.timeout(180_000);
      // Where the machine's control groups allow no containers, that is no false alarm.
      const lxc = (await groupsProblem(local)) === undefined;
      const { errors, inspection, results } = await diagnose({ ...target, needs: { images: true, lxc } });
      assert.deepEqual(errors, []);
      assert.ok(!(inspection.libvirt instanceof Error));
      assert.ok(!results.some(({ skipped }) => skipped?.startsWith("could not look")), JSON.stringify(results));
    });

    it("tells at once that none answers, and looks at the rest", async () => {
      const connection = `qemu:///system?socket=${tmpdir()}/none`;
      const { errors, results } = await diagnose({ ...target, needs: {}, connection });
      assert.deepEqual(
        errors.map(({ field }) => field),
        ["connection"],
      );
      assert.match(errors[0]!.problem, /^libvirtd is not running/);
      assert.deepEqual(results.find(({ check }) => check === "programs")!.skipped, undefined);
    });

    it("tells of a socket that is closed to the user", async function () {
      const socket = path.join(mkdtempSync(path.join(tmpdir(), "kvm-doctor-")), "libvirt-sock");
      chmodSync(path.dirname(socket), 0o755);
      const server = (await import("node:net")).createServer().listen(socket);
      await new Promise((resolve) => server.once("listening", resolve));
      chmodSync(socket, 0o600);
      const program = `
        const { diagnose } = require("./providers/host/doctor");
        diagnose({ connection: "qemu:///system?socket=${socket}", machine: { kind: "local" }, subnets: [], needs: {}, directories: [] })
          .then(({ errors }) => { console.log(JSON.stringify(errors)); process.exit(0); });`;
      try {
        const unprivileged = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
        const node = [process.execPath, "-r", "ts-node/register/transpile-only", "-e", program];
        const readable = await local.run([...unprivileged, "test", "-r", "package.json"], {
          cwd: process.cwd(),
          accept: [0, 1],
        });
        if (readable.exitCode !== 0) skip(this, "another user may not read this folder");
        const { stdout } = await local.run([...unprivileged, ...node], { cwd: process.cwd() });
        assert.match(stdout, /no permission on .*libvirt-sock.*usermod -aG libvirt/);
      } finally {
        server.close();
        rmSync(path.dirname(socket), { recursive: true });
      }
    });
  });
});
