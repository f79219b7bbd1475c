import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { jobScript } from "../../../providers/backup/job-script";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { TarBackupHandler } from "../../../providers/handlers/tar-backup";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import { FakeMachine } from "../machine/fake-machine";
import { Played } from "./played";

const machine = { kind: "agent" as const, uri: "qemu:///system", domain: "web-1" };
const args = { machine, name: "home", paths: ["/home"], target: "/var/backup" };
const program = "/usr/local/sbin/kvm-backup-home";
const config = "/etc/kvm-backup/home.conf";
const service = "/etc/systemd/system/kvm-backup-home.service";
const timer = "/etc/systemd/system/kvm-backup-home.timer";
const cron = "/etc/cron.d/kvm-backup-home";
const status = "/var/lib/kvm-backup/home/status.json";

/** 2026-07-29 12:00 in UTC. */
const noon = Date.parse("2026-07-29T12:00:00Z") / 1000;

/** A guest with something that runs jobs; its clock stands still. */
class Guest extends FakeMachine {
  now = noon;
  installed = noon - 600;
  timer = { ActiveState: "inactive", UnitFileState: "disabled" };

  constructor(public scheduler: "systemd" | "cron" | "none" = "systemd") {
    super();
    this.folder("/usr/local/sbin", "/etc", "/etc/cron.d", "/etc/systemd/system");
    this.on(/^sh -c \nunit=/, (argv) => ({ stdout: this.look(argv.slice(7)) }))
      .on(/ check$/)
      .on(/^systemctl daemon-reload/)
      .on(/^systemctl stop/)
      .on(/^systemctl enable/, () => this.set({ UnitFileState: "enabled" }))
      .on(/^systemctl restart/, () => this.set({ ActiveState: "active" }))
      .on(/^systemctl disable/, () => this.set({ ActiveState: "inactive", UnitFileState: "disabled" }));
  }

  private set(timer: Partial<Guest["timer"]>) {
    Object.assign(this.timer, timer);
    return {};
  }

  private look(paths: readonly string[]): string {
    const digest = (path: string) => createHash("sha256").update(this.text(path)!).digest("hex");
    const next = this.timer.ActiveState === "active" ? "@1785369600" : "";
    return [
      `scheduler ${this.scheduler}`,
      `now ${this.now} +0200`,
      ...paths.filter((path) => this.files.has(path)).map((path) => `digest ${digest(path)} ${path}`),
      ...(this.files.has(timer)
        ? [
            ...Object.entries(this.timer).map(([name, value]) => `timer ${name}=${value}`),
            `timer NextElapseUSecRealtime=${next}`,
          ]
        : []),
      ...(this.files.has(config) ? [`installed ${this.installed}`] : []),
      ...(this.text(status) ?? "").split("\n").map((line) => `status ${line}`),
    ].join("\n");
  }

  ran_(): string[] {
    return this.commands.filter((command) => !command.includes("unit=$1"));
  }

  says(of: object): this {
    return this.file(status, JSON.stringify(of, null, 2));
  }
}

describe("TarBackupHandler", () => {
  let guest: Guest;
  let job: Played;
  const begin = (scheduler?: Guest["scheduler"]) => {
    guest = new Guest(scheduler);
    job = new Played(new TarBackupHandler(() => guest));
  };
  beforeEach(() => begin());
  /** What is said beside the resource. */
  async function said(work: () => Promise<unknown>): Promise<string[]> {
    const lines: string[] = [];
    const log = console.log;
    console.log = (line: string) => void lines.push(line);
    try {
      await work();
    } finally {
      console.log = log;
    }
    return lines;
  }

  it("puts program, configuration and timer on the machine, after it has proved that they could work", async () => {
    await job.up({ ...args, schedule: "daily 03:30", keep: { days: 14 } });
    assert.deepEqual(
      guest.ran_().map((command) => command.replace(/\.new/g, ".new")),
      [
        `${program}.new --config ${config}.new check`,
        "systemctl daemon-reload",
        "systemctl enable kvm-backup-home.timer",
        "systemctl restart kvm-backup-home.timer",
      ],
    );
    assert.equal(guest.text(program), jobScript);
    assert.match(guest.text(config)!, /^name home\n(.*\n)*path \/home\n(.*\n)*keep days 14\n/);
    assert.equal(guest.files.get(config)!.mode, 0o600);
    assert.match(guest.text(service)!, /^ExecStart=\/usr\/local\/sbin\/kvm-backup-home run$/m);
    assert.match(
      guest.text(timer)!,
      /^OnCalendar=\*-\*-\* 03:30:00\nRandomizedDelaySec=900\nAccuracySec=1min\nPersistent=true$/m,
    );
    assert.ok(!guest.files.has(`${program}.new`) && !guest.files.has(`${config}.new`) && !guest.files.has(cron));
    assert.equal(job.state["health"], "no run yet");
    assert.equal(job.state["scheduler"], "systemd");
    assert.equal(job.state["nextRun"], "2026-07-30T00:00:00Z");
  });

  it("changes nothing the second time, and takes up what an interrupted run left", async () => {
    await job.up(args);
    assert.deepEqual(await job.up(args), []);
    assert.deepEqual(await job.refresh(), []);
    const again = new Played(new TarBackupHandler(() => guest));
    assert.deepEqual(await again.preview(args), []);
    await again.up(args);
  });

  it("uses cron where systemd does not run", async () => {
    begin("cron");
    await job.up({ ...args, schedule: "weekly Sun 03:30", jitter: "5m" });
    assert.equal(
      guest.text(cron),
      `# Written by pulumi-kvm.
SHELL=/bin/sh
MAILTO=""
30 3 * * 0 root ${program} run --jitter 300
@reboot root ${program} run --jitter 300 --missed 604800
`,
    );
    assert.deepEqual(guest.ran_(), [`${program}.new --config ${config}.new check`]);
    assert.ok(!guest.files.has(service));
    // Sunday, by a clock that is two hours before UTC.
    assert.equal(job.state["nextRun"], "2026-08-02T01:30:00Z");
  });

  it("says at preview that nothing would run it, and that the name is taken", async () => {
    begin("none");
    assert.deepEqual(await job.preview(args), [
      "backup home on guest web-1: schedule: the machine has neither systemd nor cron to run it. Fix: have a Package install cron (dependsOn), " +
        'or set schedule: "never" and run /usr/local/sbin/kvm-backup-home run by other means',
    ]);
    assert.deepEqual(await job.preview({ ...args, schedule: "never" }), []);
    begin();
    guest.file(config, "name home\n");
    assert.deepEqual(await job.preview(args), [
      "backup home on guest web-1: name: the machine has another job home (/etc/kvm-backup/home.conf). Fix: choose another name, or remove that job",
    ]);
    guest.away = new UnreachableError("guest web-1", "off");
    assert.deepEqual(await job.preview(args), []);
  });

  it("leaves nothing of a job that could not work, and of a change the old one", async () => {
    guest.on(/ check$/, {
      exitCode: 1,
      stderr: "kvm-backup home: missing: zstd. Fix: install them with the machine's package manager\n",
    });
    await assert.rejects(job.up(args), {
      message:
        "backup home on guest web-1: cannot create: missing: zstd. Fix: install them with the machine's package manager",
    });
    assert.deepEqual(
      [...guest.files.keys()].filter((path) => path.includes("kvm-backup")),
      [],
    );
    guest.on(/ check$/);
    await job.up(args);
    const before = guest.text(config);
    guest.on(/ check$/, { exitCode: 1, stderr: "kvm-backup home: cannot make a repository at nas:/srv/home\n" });
    await assert.rejects(
      job.up({ ...args, target: { host: "nas", path: "/srv" } }),
      /cannot update: cannot make a repository at nas:\/srv\/home$/,
    );
    assert.equal(guest.text(config), before);
    assert.ok(!guest.files.has(`${config}.new`));
  });

  it("changes in place, and says what a change amounts to", async () => {
    await job.up(args);
    guest.ran.length = 0;
    assert.deepEqual(await job.up({ ...args, keep: { last: 3 } }), ["keep: live"]);
    assert.match(guest.text(config)!, /^keep last 3$/m);
    assert.deepEqual(guest.ran_(), [
      `${program}.new --config ${config}.new check`,
      "systemctl enable kvm-backup-home.timer",
    ]);
    guest.ran.length = 0;
    assert.deepEqual(await job.up({ ...args, keep: { last: 3 }, schedule: "hourly" }), ["schedule: live"]);
    assert.deepEqual(guest.ran_().slice(1), [
      "systemctl daemon-reload",
      "systemctl enable kvm-backup-home.timer",
      "systemctl restart kvm-backup-home.timer",
    ]);
    guest.ran.length = 0;
    await job.up({ ...args, schedule: "never" });
    assert.ok(!guest.files.has(timer));
    assert.deepEqual(guest.ran_().slice(1), [
      "systemctl disable --now kvm-backup-home.timer",
      "systemctl daemon-reload",
    ]);
    await assert.rejects(job.up({ ...args, name: "other" }), /would be replaced/);
  });

  it("tells what a change does to the next run", async () => {
    await job.up(args);
    const { state } = job;
    const { inputs } = await dispatch(new TarBackupHandler(() => guest)).check(state, { ...args, paths: ["/srv"] });
    const lines = await said(() => dispatch(new TarBackupHandler(() => guest)).diff("id", state, inputs));
    assert.deepEqual(lines, [
      'backup home on guest web-1: paths ["/home"] -> ["/srv"] (live: the next run is a full one)',
    ]);
  });

  it("finds drift in files and timer, and repairs it", async () => {
    await job.up(args);
    guest.file(config, "changed by hand");
    let lines: string[] = [];
    assert.deepEqual(await job.refresh(), ["installed"]);
    assert.equal(job.state["installed"], `${config} was changed`);
    lines = await said(() =>
      dispatch(new TarBackupHandler(() => guest)).diff("id", job.state, { ...job.recorded!.inputs }),
    );
    assert.match(
      lines.join(),
      /installed changes \(live: \/etc\/kvm-backup\/home\.conf was changed: it is written again\)/,
    );
    await job.up(args);
    assert.match(guest.text(config)!, /^name home\n/);
    guest.timer.ActiveState = "inactive";
    await job.refresh();
    assert.equal(job.state["installed"], "kvm-backup-home.timer is not active");
    await job.up(args);
    assert.equal(guest.timer.ActiveState, "active");
    for (const path of [program, config, service, timer]) guest.files.delete(path);
    assert.deepEqual(await job.refresh(), ["gone"]);
  });

  const run = (result: string, message = "", ago = 3600) => ({ time: noon - ago, result, message });
  const success = {
    time: noon - 3600,
    run: "20260729T110000Z-2",
    chain: "20260727T110000Z",
    level: 2,
    points: 3,
    size: 123,
    bytes: 456,
    entries: 7,
    seconds: 8,
    warnings: 0,
  };

  it("reads the last runs into outputs", async () => {
    await job.up(args);
    guest.says({
      job: "home",
      run: run("ok"),
      success,
      drill: { time: noon - 60, result: "ok", run: success.run, message: "", verified: noon - 60 },
    });
    assert.deepEqual(await job.refresh(), []);
    const { health, lastRun, lastSuccess, size, duration, chain, lastVerifiedRestore } = job.state;
    assert.deepEqual(
      { health, lastRun, lastSuccess, size, duration, chain, lastVerifiedRestore },
      {
        health: "ok",
        lastRun: "2026-07-29T11:00:00Z",
        lastSuccess: "2026-07-29T11:00:00Z",
        size: 123,
        duration: 8,
        chain: "20260727T110000Z",
        lastVerifiedRestore: "2026-07-29T11:59:00Z",
      },
    );
    assert.deepEqual(await said(() => job.preview(args)), []);
  });

  it("warns in every preview of a job that failed, was overdue, or whose drill failed", async () => {
    await job.up(args);
    const warned = () => said(() => job.preview(args));
    guest.says({ run: run("failed", "tar failed (2)"), success });
    assert.deepEqual(await warned(), [
      "backup home on guest web-1: warning: failed: tar failed (2) (2026-07-29T11:00:00Z); the last success was at 2026-07-29T11:00:00Z",
    ]);
    guest.says({
      run: run("ok"),
      success,
      drill: { time: noon, result: "failed", run: "x", message: "2 differences", verified: 0 },
    });
    assert.match((await warned())[0]!, /warning: failed: the drill: 2 differences \(2026-07-29T12:00:00Z\)/);
    guest.says({ run: run("ok", "", 4 * 86_400), success: { ...success, time: noon - 4 * 86_400 } });
    assert.match((await warned())[0]!, /warning: overdue: the last success was at 2026-07-25T12:00:00Z$/);
    assert.match((await said(() => job.refresh()))[0]!, /warning: overdue/);
    guest.files.delete(status);
    guest.installed = noon - 2 * 86_400;
    assert.match((await warned())[0]!, /warning: overdue: installed at 2026-07-27T12:00:00Z, and no run yet$/);
    guest.away = new UnreachableError("guest web-1", "off");
    assert.deepEqual(await warned(), []);
  });

  it("removes the job and leaves its backups", async () => {
    await job.up(args);
    guest.says({ job: "home" }).folder("/var/backup/home").file("/var/backup/home/README", "");
    guest.ran.length = 0;
    assert.deepEqual(await said(() => job.destroy()), [
      "backup home on guest web-1: its backups stay: /var/backup/home",
    ]);
    assert.deepEqual(guest.ran_(), [
      "systemctl disable --now kvm-backup-home.timer",
      "systemctl stop kvm-backup-home.service",
      "systemctl daemon-reload",
    ]);
    assert.deepEqual(
      [...guest.files.keys()].filter((path) => /kvm-backup/.test(path)),
      [],
    );
    assert.ok(guest.files.has("/var/backup/home/README"));
  });

  describe("check", () => {
    const refused: [args: object, message: string | RegExp][] = [
      [{ name: "a.b" }, 'name: "a.b" is not a job\'s name. Allowed: letters, digits, "_" and "-"'],
      [{ paths: [] }, "paths: is empty. Allowed: at least one path"],
      [{ paths: ["home"] }, /^paths\.0: "home" is not an absolute path\./],
      [{ paths: ["/home", "/home/anna"] }, 'paths: "/home/anna" is in "/home" already. Fix: name one of them'],
      [{ paths: ["/"] }, 'paths: "/" has /proc and /sys in it. Fix: oneFileSystem: true, or name the folders'],
      [{ exclude: ["[a"] }, /^exclude\.0: "\[a" is not a pattern\. Allowed: "\*", "\?", "\[abc\]"/],
      [
        { exclude: ["cache/"] },
        'exclude.0: "cache/" has a "/" at its end, or two. Fix: leave it out; a folder goes with all in it',
      ],
      [{ exclude: ["?"] }, 'exclude.0: "?" leaves out everything. Allowed: a pattern that does not match "."'],
      [
        { target: [] },
        "target: is empty. Allowed: a folder, { host, path }, { bucket, path }, or a list of them, the first of which is read from",
      ],
      [{ target: "backup" }, /"backup" is not an absolute path/],
      [{ target: { path: "/a", user: "x" } }, "target: user, port and options are those of a host. Fix: name the host"],
      [
        { target: { bucket: "B" } },
        /"B" is not a bucket's name\. Allowed: 3 to 63 lower-case letters, digits, "\." and "-"/,
      ],
      [
        { target: { bucket: "backups", path: "/a" } },
        /"\/a" is not a prefix in a bucket\. Allowed: "servers\/web", without "\/" at its ends/,
      ],
      [
        { target: { bucket: "backups", endpoint: "s3.example.org" } },
        /"s3\.example\.org" is not an endpoint\. Allowed: "https:\/\/s3\.example\.org"/,
      ],
      [{ target: ["/a", "/a/"] }, "target: the same place twice. Fix: name each once"],
      [{ level: "incr" }, /^level: got "incr"\. Allowed: "incremental", "differential" or "full"/],
      [
        { full: "yearly" },
        /^full: "yearly" is not a period\. Allowed: "daily", "weekly", "monthly", or a duration of at least an hour, e\.g\. "10d", or a number of runs from 1 to 10000$/,
      ],
      [{ compress: "lz4" }, /^compress: got "lz4".* Allowed: "zstd", "gzip", "xz" or "none"$/],
      [{ compress: "gzip", compressLevel: 12 }, "compressLevel: got 12. Allowed for gzip: 1 to 9"],
      [{ compress: "none", compressLevel: 1 }, "compressLevel: nothing is compressed. Fix: leave compressLevel out"],
      [{ split: "20B" }, "split: got 20B. Allowed: at least 1KiB"],
      [
        { keep: {} },
        "keep: keeps nothing. Fix: name at least one number above 0, or leave keep out to keep everything",
      ],
      [{ keep: { day: 3 } }, /^keep\.day: unknown field "day"; did you mean "days"\?/],
      [
        { encrypt: ["AGE-SECRET-KEY-1QQQ"] },
        'encrypt.0: "AGE-SECRET-KEY-..." is not a public key. Allowed: "age1...", "ssh-ed25519 ..." or "ssh-rsa ..."; the private key stays away from the machine',
      ],
      [
        { encrypt: ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"], drill: "weekly" },
        "drill: a drill needs the private key, which must not be on the machine. Fix: leave drill out, and prove restores elsewhere: npm run restore -- NAME --identity FILE",
      ],
      [{ check: ["true"] }, 'check: is run by drills, of which there are none. Fix: drill: "weekly"'],
      [{ drill: "sometimes" }, /^drill: "sometimes" is not a period\..* or "never"$/],
      [{ schedule: "nightly" }, /^schedule: "nightly" is not a schedule\. Allowed: "hourly", "daily"/],
      [{ jitter: "15" }, /^jitter: "15" is not a duration\./],
      [{ before: "pg_dump" }, /^before: is not a list of words\. Allowed: \["program", "argument", \.\.\.\]/],
      [{ nice: 20 }, "nice: got 20. Allowed: a whole number from 0 to 19"],
    ];
    for (const [wrong, message] of refused)
      it(`refuses ${JSON.stringify(wrong)}`, async () => {
        const reasons = await job.preview({ ...args, ...wrong });
        assert.ok(reasons.length > 0);
        if (typeof message === "string") assert.equal(reasons[0], message);
        else assert.match(reasons[0]!, message);
      });
  });
});
