import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { skip } from "../../skip";
import { JobLab } from "./job-lab";
import { differences, look } from "./tree";

const sha256 = (data: Buffer | string) => createHash("sha256").update(data).digest("hex");

describe("a backup job: runs", function () {
  this.timeout(60_000);
  let lab: JobLab;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  beforeEach(() => {
    lab = JobLab.small();
  });
  afterEach(() => lab.remove());

  const names = (folder: string) => readdirSync(folder).sort();

  it("writes a manifest that says all of the run, and parts that are as it says", () => {
    lab.settings = { split: "20KiB" };
    const { said } = lab.done("run");
    assert.match(said, /^level 0, because nothing is there yet\npublished \d{8}T\d{6}Z-0: /);
    const [{ manifest, folder, chain, run }] = lab.points() as [ReturnType<JobLab["points"]>[0]];
    assert.equal(manifest["chain"], chain);
    assert.equal(manifest["run"], run);
    assert.equal(run, `${chain}-0`);
    for (const [field, value] of Object.entries({
      format: 1,
      job: "job",
      level: 0,
      kind: "full",
      base: "-",
      entries: 4,
    }))
      assert.equal(manifest[field], value, field);
    assert.deepEqual(manifest["paths"], [lab.source]);
    assert.deepEqual(manifest["exit"], { tar: 0, zstd: 0, write: 0 });
    assert.match(manifest["tools"]["tar"], /^1\.\d+$/);
    assert.match(manifest["tools"]["zstd"], /^1\.\d+\.\d+$/);
    assert.equal(new Date(manifest["time"] * 1000).toISOString().replace(/[-:]|\.000/g, ""), chain);
    assert.ok(manifest["parts"].length > 1);
    for (const part of [...manifest["parts"], ...manifest["files"]]) {
      const data = readFileSync(join(folder, part.name));
      assert.equal(data.length, part.size);
      assert.equal(sha256(data), part.sha256);
    }
    assert.ok(manifest["parts"].slice(0, -1).every((part: { size: number }) => part.size === 20480));
    const listed = execFileSync("zstd", ["-dcq", join(folder, manifest["files"][0].name)]);
    assert.equal(sha256(listed), manifest["list"]);
    const line = listed
      .toString()
      .split("\n")
      .find((one) => one.includes("/folder/file"))!
      .split("\t");
    assert.deepEqual([line[0], line[1], line[4], line[9]], ["f", "644", "8", sha256("content\n")]);
    const text = readFileSync(join(folder, `job-${run}.json`), "utf8");
    assert.equal(manifest["sha256"], sha256(text.slice(0, text.indexOf('  "sha256": "'))));
  });

  it("leaves no trace but the repository and its own notes", () => {
    lab.done("run");
    assert.deepEqual(names(lab.repository), ["README", "kvm-backup", "lock", lab.points()[0]!.chain].sort());
    assert.equal(readFileSync(join(lab.repository, "lock"), "utf8"), "");
    assert.deepEqual(names(lab.state), ["files", "snar", "status.json", "target-1"]);
    assert.deepEqual(names(lab.folder), ["bin", "conf", "kvm-backup-job", "source", "state", "target"]);
    assert.equal(statSync(lab.points()[0]!.folder).mode & 0o77, 0, "what was backed up is nobody else's to read");
  });

  it("restores by hand, with nothing but cat, tar and zstd, as each manifest says", () => {
    lab.settings = { split: "20KiB" };
    lab.done("run");
    const first = look(lab.source);
    rmSync(join(lab.source, "random"));
    lab.write("folder/other");
    renameSync(join(lab.source, "folder"), join(lab.source, "moved"));
    lab.done("run");
    const points = lab.points();
    assert.deepEqual(differences(first, look(lab.restoredByHand(points[0]!))), []);
    assert.deepEqual(differences(look(lab.source), look(lab.restoredByHand(points[1]!))), []);
  });

  it("restores by hand with the lines of docs/backup.md", () => {
    lab.settings = { split: "20KiB" };
    lab.done("run");
    rmSync(join(lab.source, "random"));
    lab.write("folder/other");
    lab.done("run");
    lab.done("verify");
    const document = readFileSync(join(__dirname, "../../../docs/backup.md"), "utf8");
    const to = join(lab.folder, "restored");
    const replaced: [string, string][] = [
      ["/var/backup/home ", `${lab.repository} `],
      ["20260727T033000Z", lab.points()[0]!.chain],
      ["/restored", to],
    ];
    const [byHand, byProgram] = [...document.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, lines]) => lines!);
    const run = (lines: string, replaced: [string, string][]) => {
      for (const [from, with_] of replaced) {
        assert.ok(lines.includes(from), from);
        lines = lines.replaceAll(from, with_);
      }
      execFileSync("sh", ["-ec", lines], { stdio: ["ignore", "ignore", "pipe"] });
    };
    run(byHand!, replaced);
    assert.deepEqual(differences(look(lab.source), look(join(to, lab.source))), []);
    run(byProgram!, [
      ["/var/backup/home", lab.repository],
      ["/restored-then", `${to}-then`],
      ["2026-07-28 12:00", "now"],
      ["/home/anna/*.txt", `${lab.source}/folder/*`],
    ]);
    assert.equal(readFileSync(join(`${to}-then`, lab.source, "folder/other"), "utf8"), "folder/other");
    assert.deepEqual(readdirSync(join(`${to}-then`, lab.source)), ["folder"]);
  });

  it("is read by the copy of the program in the repository, without a configuration", () => {
    lab.done("run");
    const program = join(lab.repository, "kvm-backup");
    const run = (...words: string[]) =>
      execFileSync("sh", [program, ...words], { cwd: lab.repository, encoding: "utf8" });
    assert.match(run("list", "--repository", "."), new RegExp(`^POINT.*\n${lab.points()[0]!.run} .* full `));
    run("restore", "--repository", lab.repository, "--to", join(lab.folder, "out"));
    assert.deepEqual(differences(look(lab.source), look(join(lab.folder, "out", lab.source))), []);
  });

  for (const compress of ["zstd", "gzip", "xz", "none"] as const)
    it(`compresses with ${compress}`, () => {
      lab.settings = { compress };
      lab.done("run");
      lab.write("more");
      lab.done("run");
      const suffix = { zstd: ".zst", gzip: ".gz", xz: ".xz", none: "" }[compress];
      const [, point] = lab.points();
      assert.ok(existsSync(join(point!.folder, `job-${point!.run}.tar${suffix}.000001`)));
      assert.deepEqual(differences(look(lab.source), look(lab.restored(point!.run))), []);
      assert.deepEqual(differences(look(lab.source), look(lab.restoredByHand(point!))), []);
    });

  it("makes no empty part where the archive ends with a part", () => {
    lab.settings = { compress: "none", split: "128KiB" };
    lab.done("run");
    const sizes = lab.points()[0]!.manifest["parts"].map((part: { size: number }) => part.size);
    // tar's record is 128 KiB, so the archive is whole parts.
    assert.ok(sizes.length > 0 && sizes.every((size: number) => size === 131072), sizes.join());
    assert.equal(names(lab.points()[0]!.folder).length, sizes.length + 2);
  });

  it("leaves out what is excluded, its own folders and sockets, and says the same in its list", async () => {
    lab.settings = {
      exclude: ["*.tmp", `${lab.source}/folder/*/cache`, "no[td]e", "deep/lo?", "quo'te*", "back\\\\slash", "lit\\*"],
      paths: [lab.folder],
    };
    for (const folder of ["folder/a/cache", "folder/a/b/cache", "deep", "folder/deep", "cache"])
      mkdirSync(join(lab.source, folder), { recursive: true });
    for (const name of [
      "x.tmp",
      "folder/.tmp",
      "tmp",
      "note",
      "node",
      "nose",
      "deep/log",
      "deep/logs",
      "folder/deep/log",
    ])
      lab.write(name);
    for (const name of ["quo'ted", "back\\slash", "lit*", "litx", "folder/a/cache/x", "folder/a/b/cache/x"])
      lab.write(name);
    const server = createServer().listen(join(lab.source, "socket"));
    await once(server, "listening");
    lab.done("run");
    server.close();
    const [point] = lab.points();
    const restored = Object.keys(look(join(lab.restored(point!.run), ".."))).filter((name) =>
      name.startsWith("source/"),
    );
    assert.deepEqual(restored.map((name) => name.slice(7)).sort(), [
      "cache",
      "deep",
      "deep/logs",
      "folder",
      "folder/a",
      "folder/a/b",
      "folder/a/b/cache",
      "folder/a/b/cache/x",
      "folder/deep",
      "folder/file",
      "litx",
      "nose",
      "random",
      "tmp",
    ]);
    const archived = execFileSync("sh", ["-c", 'cat "$1"/*.tar.zst.* | zstd -dc | tar -t', "sh", point!.folder], {
      encoding: "utf8",
    });
    assert.doesNotMatch(archived, /target\/.|\/state|socket/);
  });

  it("hashes large files while they are read", () => {
    lab.settings = { compress: "zstd" };
    const large = randomBytes(12_000_000);
    const names = ["large", "with a \t and a \\", "line\nend", "ä\xff"];
    for (const name of names) lab.write(`large/${name}`, large);
    // What comes out of tar is taken no sooner than the first is hashed: the pipe has not room for a file.
    lab.wrap(
      "zstd",
      `[ "$1" != -q ] || for i in $(seq 300); do [ ! -s '${lab.state}'/work.*/hashes.large ] || exec $real "$@"; sleep 0.1; done
      case $1 in -q) exit 1 ;; esac
      exec $real "$@"`,
    );
    lab.done("run");
    rmSync(join(lab.bin, "zstd"));
    const { folder, run } = lab.points()[0]!;
    const listed = execFileSync("zstd", ["-dc", join(folder, `job-${run}.files.zst`)], { encoding: "utf8" });
    const sums = listed.split("\n").filter((line) => line.includes("/large/"));
    assert.deepEqual(
      sums.map((line) => line.split("\t")[9]),
      names.map(() => sha256(large)),
    );
    assert.deepEqual(differences(look(lab.source), look(lab.restored(run))), []);
  });

  it("stays in one file system when told to", function () {
    const inside = join(lab.source, "mount");
    mkdirSync(inside);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "kvm-test", inside]);
    } catch {
      skip(this, "needs to mount a tmpfs");
    }
    try {
      lab.write("mount/elsewhere");
      lab.settings = { oneFileSystem: true };
      lab.done("run");
      const restored = lab.restored(lab.points()[0]!.run);
      assert.deepEqual(names(join(restored, "mount")), []);
      lab.settings = { oneFileSystem: false };
      assert.match(
        lab.done("run").said,
        /^level 0, because paths, excludes, file systems or recipients have changed\n/,
      );
      assert.deepEqual(names(join(lab.restored(lab.points()[1]!.run), "mount")), ["elsewhere"]);
    } finally {
      execFileSync("umount", [inside]);
    }
  });

  it("keeps holes, device nodes and fifos", () => {
    execFileSync("truncate", ["-s", "50M", join(lab.source, "holes")]);
    appendFileSync(join(lab.source, "holes"), "end");
    execFileSync("mkfifo", [join(lab.source, "fifo")]);
    execFileSync("mknod", [join(lab.source, "device"), "c", "1", "3"]);
    lab.done("run");
    assert.ok(lab.points()[0]!.manifest["size"] < 200_000);
    const restored = lab.restored(lab.points()[0]!.run);
    assert.deepEqual(differences(look(lab.source), look(restored)), []);
    assert.ok(statSync(join(restored, "holes")).blocks < 1000);
  });

  it("backs up another folder in the place of / where it is told so", () => {
    const snapshot = join(lab.folder, "snapshot");
    mkdirSync(join(snapshot, "etc"), { recursive: true });
    writeFileSync(join(snapshot, "etc", "hosts"), "of the snapshot");
    lab.settings = { root: snapshot, paths: ["/etc"] };
    lab.done("run");
    lab.done("restore", "--to", join(lab.folder, "out"));
    assert.equal(readFileSync(join(lab.folder, "out/etc/hosts"), "utf8"), "of the snapshot");
  });

  it("tells its status, and Prometheus", () => {
    lab.settings = { metrics: lab.folder };
    lab.done("run");
    lab.write("more");
    lab.done("run");
    const status = JSON.parse(lab.run("status").stdout) as { [key: string]: { [member: string]: unknown } };
    const [, point] = lab.points();
    assert.equal(status["run"]!["result"], "ok");
    assert.equal(status["success"]!["run"], point!.run);
    assert.equal(status["success"]!["points"], 2);
    assert.equal(status["success"]!["size"], point!.manifest["size"]);
    const metrics = readFileSync(join(lab.folder, "kvm-backup-job.prom"), "utf8");
    assert.match(metrics, /^kvm_backup_last_run_success\{job="job"\} 1$/m);
    assert.match(metrics, /^kvm_backup_last_success_timestamp_seconds\{job="job"\} \d{10}$/m);
    assert.match(metrics, new RegExp(`^kvm_backup_size_bytes\\{job="job"\\} ${String(point!.manifest["size"])}$`, "m"));
    rmSync(lab.source, { recursive: true });
    lab.run("run");
    assert.match(
      readFileSync(join(lab.folder, "kvm-backup-job.prom"), "utf8"),
      /^kvm_backup_last_run_success\{job="job"\} 0$/m,
    );
  });

  it("runs only where a success is missing, when told so", () => {
    lab.done("run", "--missed", "3600");
    lab.done("run", "--missed", "3600");
    assert.equal(lab.points().length, 1);
    lab.done("run", "--missed", "0");
    assert.equal(lab.points().length, 2);
  });

  it("keeps encrypted what it read, and what it is called", function () {
    const missing = JobLab.missing("age", "age-keygen");
    if (missing) skip(this, missing);
    const key = join(lab.folder, "key");
    execFileSync("age-keygen", ["-o", key], { stdio: "ignore" });
    const recipient = /public key: (age1\S+)/.exec(readFileSync(key, "utf8"))![1]!;
    lab.settings = { encrypt: [recipient], split: "30KiB" };
    lab.write("confidential-name", "confidential-content");
    lab.done("run");
    lab.write("confidential-name", "confidential-change");
    lab.done("run");
    const points = lab.points();
    assert.deepEqual(
      points.map(({ level }) => level),
      [0, 1],
    );
    for (const { folder } of points)
      for (const name of readdirSync(folder))
        assert.ok(!readFileSync(join(folder, name)).includes("confidential"), name);
    assert.match(lab.run("restore", "--to", join(lab.folder, "no")).said, /it is encrypted\. Fix: --identity FILE/);
    lab.done("verify", "--all");
    assert.deepEqual(differences(look(lab.source), look(lab.restored(points[1]!.run, "--identity", key))), []);
    const byPipe = lab.run("list", "--path", "*name", "--identity", "-");
    assert.equal(byPipe.status, 1, "no key came");
    assert.match(
      lab.pipe(readFileSync(key, "utf8"), "list", "--path", "*name", "--identity", "-").stdout,
      /confidential-name/,
    );
    const stranger = join(lab.folder, "stranger");
    execFileSync("age-keygen", ["-o", stranger], { stdio: "ignore" });
    assert.match(
      lab.run("restore", "--to", join(lab.folder, "no"), "--identity", stranger).said,
      /no identity matched/,
    );
    assert.ok(!existsSync(join(lab.folder, "no", lab.source)));
  });

  it("goes on as it began where its configuration changes meanwhile", () => {
    lab.settings = { before: ["sh", "-c", 'sed -i "s,^path .*,path /nowhere," "$1"', "sh", lab.config] };
    lab.write("file", "content");
    lab.done("run");
    assert.deepEqual(differences(look(lab.source), look(lab.restored(lab.points()[0]!.run))), []);
  });

  it("refuses arguments and configurations that it does not know", () => {
    const refused = (words: string[], message: RegExp) => {
      const { status, said } = lab.run(...words);
      assert.equal(status, 2, said);
      assert.match(said, message);
    };
    refused(["run", "--fast"], /run: unknown argument --fast/);
    refused(["restore"], /restore: --to DIR is required, an absolute path/);
    lab.lines = "password x\n";
    refused(["run"], /unknown setting password/);
  });

  it("runs in bash too", () => {
    const { status, said } = lab.shell("bash", "run");
    assert.equal(status, 0, said);
    assert.deepEqual(differences(look(lab.source), look(lab.restored(lab.points()[0]!.run))), []);
  });

  it("does not follow what a symbolic link names", () => {
    symlinkSync("/etc", join(lab.source, "link"));
    utimesSync(lab.source, 1e9, 1e9);
    lab.done("run");
    assert.deepEqual(differences(look(lab.source), look(lab.restored(lab.points()[0]!.run))), []);
  });
});
