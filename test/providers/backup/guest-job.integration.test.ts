import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
  closeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { skip } from "../../skip";
import { GuestJobLab } from "./guest-job-lab";
import { JobLab } from "./job-lab";

const KiB = 1024;
/** How docs/backup.md restores a point without the program. */
const documented = /^qemu-img convert .*$/m.exec(readFileSync(join(__dirname, "../../../docs/backup.md"), "utf8"))![0];

describe("the program that backs up a guest's disks", function () {
  this.timeout(120_000);
  let lab: GuestJobLab;
  const ok = (...argv: string[]) => {
    const { status, said } = lab.run(...argv);
    assert.equal(status, 0, said);
    return said;
  };
  const last = () => lab.points.at(-1)!.manifest;

  afterEach(async () => {
    await lab?.stop();
  });

  it("writes a full image and increments that each restore what the disk was", async function () {
    lab = await GuestJobLab.start(this);
    const contents: Buffer[] = [];
    const backUp = () => {
      ok("run");
      contents.push(Buffer.from(lab.content));
    };
    lab.write(0x11, 0, 1024 * KiB);
    lab.write(0x22, 2048 * KiB, 300 * KiB);
    backUp();
    lab.write(0x33, 100 * KiB, 10 * KiB);
    backUp();
    // What the guest makes empty has to be so in the image too.
    lab.write(0, 0, 512 * KiB);
    backUp();
    lab.write(0x44, 3 * 1024 * KiB, 64 * KiB);
    lab.write(0x55, 130 * KiB, 1 * KiB);
    backUp();
    const { points } = lab;
    assert.deepEqual(
      points.map(({ manifest }) => [manifest["level"], manifest["note"], manifest["frozen"]]),
      [
        [0, "no former point", false],
        [1, "", false],
        [2, "", false],
        [3, "", false],
      ],
    );
    assert.equal(new Set(points.map(({ path }) => dirname(path))).size, 1);
    for (const [at, { manifest, path }] of points.entries()) {
      assert.ok(lab.restored(manifest["run"]).equals(contents[at]!), `point ${at}`);
      // The way without the program, as the manifest has it.
      const [disk] = manifest["disks"];
      assert.equal(disk.restore, documented.replace("20260729T033000Z-2", `${manifest["run"]}-${at}`));
      const scratch = join(lab.folder, `by-hand-${at}`);
      mkdirSync(scratch);
      execFileSync("sh", ["-c", disk.restore.replace(/vda\.qcow2$/, `${scratch}/vda.qcow2`)], { cwd: dirname(path) });
      assert.ok(lab.raw(join(scratch, "vda.qcow2")).equals(contents[at]!), `point ${at} by hand`);
    }
    const sizes = points.map(({ manifest }) => manifest["disks"][0].size);
    assert.ok(sizes[1] < sizes[0] / 2, sizes.join());
    assert.deepEqual(lab.checkpoints, [last()["checkpoint"]]);
    assert.equal(ok("verify"), "4 points are whole");
    assert.match(ok("list"), /^\d{8}T\d{6}Z chain \d{8}T\d{6}Z level 0, disks vda \(no former point\)\n/);
    const to = join(lab.folder, "precious");
    writeFileSync(to, "content");
    const refused = (message: RegExp, ...words: string[]) => {
      const { status, said } = lab.run("restore", ...words);
      assert.equal(status, 1);
      assert.match(said, message);
    };
    refused(/precious exists: nothing is overwritten\. Fix: name another file, or say --overwrite$/, "--to", to);
    assert.equal(readFileSync(to, "utf8"), "content");
    const runs = points.map(({ manifest }) => manifest["run"]);
    const none = `there is no point until 2001-01-01. Those that are there: ${runs.join(" ")}`;
    refused(new RegExp(`${none}$`), "--at", "2001-01-01", "--to", `${to}-2`);
    refused(/someday is no time$/, "--at", "someday", "--to", `${to}-2`);
    refused(/its folder is not there$/, "--to", `${to}-2/x`);
    refused(/is in the repository: restore to another place$/, "--to", join(lab.repository, "x"));
    refused(/disk\.qcow2 is in use by a running guest\. Fix: shut it off first$/, "--overwrite", "--to", lab.disk);
    refused(/--format vmdk\. Allowed: qcow2, raw$/, "--format", "vmdk", "--to", `${to}-2`);
    refused(/unknown option --path\. Allowed: --at, --disk, --format, --overwrite, --to$/, "--path", "/a");
    chmodSync(to, 0o640);
    ok("restore", "--overwrite", "--format", "raw", "--at", runs[1], "--to", to);
    assert.ok(readFileSync(to).equals(contents[1]!));
    assert.equal(statSync(to).mode & 0o777, 0o640);
    assert.match(ok("list", "--at", runs[2]), new RegExp(`^${runs[2]} chain ${runs[0]} level 2, disks vda$`));
    assert.equal(lab.status["success"].points, 4);
    lab.undefine();
  });

  it("begins with a full image where it cannot go on, and says why", async function () {
    lab = await GuestJobLab.start(this);
    lab.write(0x11, 0, 64 * KiB);
    ok("run");
    // The bitmap is lost behind libvirt's back.
    lab.virsh("destroy", lab.guest);
    execFileSync("qemu-img", ["bitmap", "--remove", lab.disk, last()["checkpoint"]]);
    lab.virsh("start", lab.guest, "--paused");
    lab.write(0x12, 64 * KiB, 64 * KiB);
    ok("run");
    assert.equal(last()["level"], 0);
    assert.match(last()["note"], /^no increment is possible: .*bitmap/);
    assert.ok(lab.restored(last()["run"]).equals(lab.content));
    assert.deepEqual(lab.checkpoints, [last()["checkpoint"]]);
    // The guest was shut down and started again: the bitmap is kept in the image.
    lab.virsh("destroy", lab.guest);
    lab.virsh("start", lab.guest, "--paused");
    lab.write(0x13, 128 * KiB, 64 * KiB);
    ok("run");
    assert.equal(last()["level"], 1, last()["note"]);
    assert.ok(lab.restored(last()["run"]).equals(lab.content));
    // libvirt forgot the checkpoint with the guest.
    const former = last()["checkpoint"];
    lab.undefine();
    const second = lab.makeDisk("second.qcow2");
    lab.define();
    ok("run");
    assert.equal(last()["note"], `checkpoint ${former} is gone`);
    lab.virsh("attach-disk", lab.guest, second, "vdb", "--subdriver", "qcow2");
    ok("run");
    assert.equal(last()["note"], "the guest's disks changed");
    assert.deepEqual(
      last()["disks"].map(({ disk }: { disk: string }) => disk),
      ["vda", "vdb"],
    );
    assert.match(
      lab.run("restore", "--to", join(lab.folder, "x")).said,
      /there are the disks vda vdb: name one with --disk$/,
    );
    lab.virsh("attach-disk", lab.guest, lab.makeDisk("third.raw", "raw"), "vdc", "--subdriver", "raw");
    ok("run");
    assert.equal(last()["note"], "vdc is raw: only qcow2 disks keep track of what changes");
    assert.deepEqual(lab.checkpoints, []);
    lab.virsh("destroy", lab.guest);
    const { status, said } = lab.run("run");
    assert.equal(status, 1);
    assert.match(said, /guest guest is shut off: only a running guest writes images of its disks$/);
    assert.equal(lab.status["run"].result, "failed");
    assert.equal(lab.status["success"].run, last()["run"]);
  });

  it("takes up after a run that was killed, and leaves nothing of one that was ended", async function () {
    lab = await GuestJobLab.start(this, 160);
    lab.write(0x11, 0, 1024 * KiB);
    ok("run");
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      lab.write(signal === "SIGKILL" ? 0x21 : 0x22, 0, 150 * 1024 * KiB);
      const bin = join(lab.folder, signal);
      mkdirSync(bin);
      writeFileSync(join(bin, "virsh"), slowVirsh(join(bin, "begun")), { mode: 0o755 });
      const child = lab.spawn(["run"], bin);
      const ended = once(child, "exit");
      while (!existsSync(join(bin, "begun"))) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.ok(lab.files.some((file) => file.endsWith(".part")));
      assert.equal(lab.checkpoints.length, 2);
      process.kill(signal === "SIGKILL" ? -child.pid! : child.pid!, signal);
      await ended;
      // After SIGKILL it goes on in QEMU, or has ended there.
      if (signal === "SIGTERM") {
        assert.match(lab.virsh("domjobinfo", lab.guest), /^Job type: *None/);
        assert.ok(!lab.files.some((file) => file.endsWith(".part")));
        assert.equal(lab.checkpoints.length, 1);
        assert.equal(lab.status["run"].message, "interrupted");
      }
      const points = lab.points.length;
      assert.equal(ok("verify"), `${points} points are whole`);
      ok("run");
      assert.equal(last()["level"], points, last()["note"]);
      assert.ok(lab.restored(last()["run"]).equals(lab.content));
      assert.deepEqual(lab.checkpoints, [last()["checkpoint"]]);
      assert.ok(!lab.files.some((file) => file.endsWith(".part")));
    }
    // One that is not the job's own is left alone: this one lasts until it is ended.
    const xml = join(lab.folder, "foreign.xml");
    const scratch = join(lab.folder, "foreign.qcow2");
    const sockets = join(lab.folder, "sockets");
    mkdirSync(sockets);
    chmodSync(sockets, 0o777);
    writeFileSync(
      xml,
      `<domainbackup mode='pull'><server transport='unix' socket='${join(sockets, "nbd")}'/><disks><disk name='vda' type='file'><driver type='qcow2'/><scratch file='${scratch}'/></disk></disks></domainbackup>`,
    );
    lab.virsh("backup-begin", lab.guest, xml);
    assert.match(lab.run("run").said, /guest guest is busy with another job \(virsh domjobinfo guest\)$/);
    assert.doesNotMatch(lab.virsh("domjobinfo", lab.guest), /^Job type: *None/);
    lab.virsh("domjobabort", lab.guest);
  });

  it("fails on a full disk and goes on when there is room", async function () {
    let mounted = "";
    lab = await GuestJobLab.start(this, 16, (folder) => {
      mounted = join(folder, "target");
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=711", "tmpfs", mounted]);
    });
    try {
      lab.write(0x11, 0, 1024 * KiB);
      ok("run");
      lab.write(0x22, 0, 12 * 1024 * KiB);
      const { status, said } = lab.run("run");
      assert.equal(status, 1);
      assert.match(said, /QEMU could not write the images to .*\/target\/job\/\S+ \(Failed; \S+ free there\)$/);
      assert.equal(lab.points.length, 1);
      assert.ok(!lab.files.some((file) => file.endsWith(".part")));
      assert.deepEqual(lab.checkpoints, [last()["checkpoint"]]);
      execFileSync("mount", ["-o", "remount,size=64m", mounted]);
      // In the daemon's own namespace the mount is the same file system.
      ok("run");
      assert.equal(last()["level"], 1, last()["note"]);
      assert.ok(lab.restored(last()["run"]).equals(lab.content));
    } finally {
      execFileSync("umount", ["--lazy", mounted]);
    }
  });

  it("names what is damaged, does not restore it, and goes on with a full image", async function () {
    lab = await GuestJobLab.start(this);
    lab.write(0x11, 0, 1024 * KiB);
    ok("run");
    lab.write(0x12, 0, 64 * KiB);
    ok("run");
    const [full, increment] = lab.points.map(({ path, manifest }) => join(dirname(path), manifest["disks"][0].file));
    const kept = join(lab.folder, "kept");
    copyFileSync(full!, kept);
    const whole = readFileSync(full!);
    const at = whole.length - 100;
    const file = openSync(full!, "r+");
    writeSync(file, Buffer.from([whole[at]! ^ 1]), 0, 1, at);
    closeSync(file);
    const { status, said } = lab.run("verify");
    assert.equal(status, 1);
    assert.equal(said, `${full} is damaged: its sha256 is another\nkvm-guest-backup job: 1 damaged`);
    const to = join(lab.folder, "to");
    assert.match(lab.run("restore", "--to", to).said, /the point cannot be restored$/);
    assert.ok(!existsSync(to));
    copyFileSync(kept, full!);
    ok("restore", "--to", to);
    rmSync(increment!);
    assert.match(lab.run("verify").said, new RegExp(`^${increment} is missing`));
    ok("run");
    assert.equal(last()["note"], `the former chain is damaged: ${increment} is missing`);
    assert.equal(last()["level"], 0);
    rmSync(lab.points[0]!.path);
    assert.match(lab.run("verify").said, /^level 0 of chain \S+ is missing/);
  });

  it("proves by a drill that the newest point restores", async function () {
    lab = await GuestJobLab.start(this);
    const seen = join(lab.folder, "seen");
    const scratch = join(lab.folder, "scratch");
    const check = `test "$KVM_BACKUP_JOB" = job && qemu-img convert -O raw "$KVM_BACKUP_FOLDER/vda.qcow2" "$1" &&\\ntest ! -e '${lab.folder}/bad' || { echo it\\'s bad; exit 3; }`;
    const words = ["sh", "-c", check, "sh", seen];
    lab.configure(["drill weekly", `scratch ${scratch}`, ...words.map((word) => `check ${word}`)]);
    lab.write(0x11, 0, 1024 * KiB);
    ok("run");
    lab.write(0x12, 0, 64 * KiB);
    assert.doesNotMatch(ok("run"), /drill/);
    const { drill } = lab.status;
    assert.deepEqual([drill["result"], drill["message"], drill["run"]], ["ok", "", lab.points[0]!.manifest["run"]]);
    assert.equal(drill["verified"], drill["time"]);
    assert.match(ok("drill"), new RegExp(`: drill: ${last()["run"]} restores, and is as it was$`));
    assert.ok(readFileSync(seen).equals(lab.content));
    assert.deepEqual(readdirSync(scratch), []);
    assert.ok(lab.files.some((file) => file.endsWith(`${last()["run"]}.proof`)));
    const { verified } = lab.status["drill"];
    const failed = (message: string) => {
      const { status, said } = lab.run("drill");
      assert.equal(status, 1);
      assert.equal(said, `kvm-guest-backup job: drill: ${last()["run"]}: ${message}`);
      assert.deepEqual([lab.status["drill"].result, lab.status["drill"].message], ["failed", message]);
      assert.equal(lab.status["drill"].verified, verified);
      assert.equal(lab.status["run"].result, "ok");
      assert.deepEqual(readdirSync(scratch), []);
    };
    writeFileSync(join(lab.folder, "bad"), "");
    failed("the check failed (exit code 3): it's bad");
    rmSync(join(lab.folder, "bad"));
    const increment = lab.points.map(({ path, manifest }) => join(dirname(path), manifest["disks"][0].file)).at(-1)!;
    const whole = readFileSync(increment);
    writeFileSync(increment, Buffer.concat([whole.subarray(0, -1), Buffer.from([whole.at(-1)! ^ 1])]));
    failed(`${increment} is damaged: its sha256 is another`);
    ok("forget", "--images");
    assert.ok(!existsSync(lab.repository));
    assert.deepEqual(lab.checkpoints, []);
  });

  it("writes what a job of files takes elsewhere, each image once, and restores from there", async function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
    lab = await GuestJobLab.start(this);
    const elsewhere = new JobLab();
    try {
      elsewhere.settings = { paths: [lab.target], compress: "none" };
      lab.write(0x11, 0, 1024 * KiB);
      for (const pattern of [0x12, 0x13]) {
        lab.write(pattern, 64 * KiB, 64 * KiB);
        ok("run");
        elsewhere.done("run");
      }
      const [full, increment] = elsewhere.points().map(({ manifest }) => manifest["size"] as number);
      assert.ok(increment! < full! / 2, `${increment} of ${full}`);
      const to = join(elsewhere.folder, "restored");
      elsewhere.done("restore", "--to", to);
      const repository = join(to, lab.repository);
      const there = (...words: string[]) =>
        execFileSync(lab.program, ["--repository", repository, ...words], { encoding: "utf8" }).trim();
      assert.equal(there("verify"), "2 points are whole");
      there("restore", "--to", join(lab.folder, "back.qcow2"));
      assert.ok(lab.raw(join(lab.folder, "back.qcow2")).equals(lab.content));
    } finally {
      elsewhere.remove();
    }
  });

  it("deletes whole chains of which no point is kept", async function () {
    lab = await GuestJobLab.start(this);
    lab.configure(["full 2", "keep last 3"]);
    for (let i = 1; i <= 6; i++) {
      lab.write(i, 0, 64 * KiB);
      ok("run");
    }
    // The third point from the end is the end of a chain, of which the beginning stays too.
    assert.deepEqual(
      lab.points.map(({ manifest }) => manifest["level"]),
      [0, 1, 0, 1],
    );
    assert.equal(ok("verify"), "4 points are whole");
    const metrics = join(lab.folder, "metrics");
    mkdirSync(metrics);
    lab.configure(["full 2", "keep days 1", "immutable 1", `metrics ${metrics}`]);
    lab.write(7, 0, 64 * KiB);
    // The chain that a run would delete is younger than a day; what is new cannot be changed by root either.
    ok("run");
    assert.equal(lab.points.length, 5);
    const image = join(dirname(lab.points.at(-1)!.path), last()["disks"][0].file);
    if (execFileSync("lsattr", [image], { encoding: "utf8" }).split(" ")[0]!.includes("i")) {
      assert.throws(() => unlinkSync(image), { code: "EPERM" });
      assert.throws(() => openSync(image, "r+"), { code: "EPERM" });
    }
    const told = readFileSync(join(metrics, "kvm-guest-backup-job.prom"), "utf8");
    assert.match(told, /^kvm_guest_backup_last_run_success\{job="job",guest="guest"\} 1$/m);
    assert.match(told, /^kvm_guest_backup_points\{job="job",guest="guest"\} 5$/m);
    assert.match(told, /^kvm_guest_backup_last_success_timestamp_seconds\{job="job",guest="guest"\} \d{10}$/m);
    assert.ok(lab.restored(last()["run"]).equals(lab.content));
    ok("run");
    assert.equal(last()["level"], 1, last()["note"]);
    assert.ok(lab.restored(last()["run"]).equals(lab.content));
    lab.configure(["full 2", "keep last 1", `metrics ${metrics}`]);
    lab.write(8, 0, 64 * KiB);
    const { said } = lab.run("run");
    assert.match(said, /: deleted \d{8}T\d{6}Z: none of its 2 points is kept\n/);
    assert.deepEqual(
      lab.points.map(({ manifest }) => manifest["level"]),
      [0],
    );
    assert.equal(readdirSync(lab.repository).length, 1);
    ok("forget");
    assert.deepEqual(lab.checkpoints, []);
    lab.undefine();
  });
});

/** virsh that makes a backup crawl once it has begun, in one call: libvirt numbers the job, and QEMU refuses other numbers. */
function slowVirsh(begun: string): string {
  return `#!/bin/sh
for word do case $word in backup-begin) begins=yes ;; esac; done
[ "\${begins-}" ] || exec /usr/bin/virsh "$@"
connection=$3
shift 3
commands=$*
for number in $(seq 32); do
  job='{"execute":"block-job-set-speed","arguments":{"device":"backup-vda-libvirt-'$number'-format","speed":65536}}'
  commands="$commands; qemu-monitor-command guest '$job'"
done
/usr/bin/virsh --quiet --connect "$connection" "$commands" >/dev/null || exit
: >'${begun}'
`;
}
