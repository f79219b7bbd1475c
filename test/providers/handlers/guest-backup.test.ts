import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { onHost } from "../../../providers/backup/guest-installation";
import { guestJobScript } from "../../../providers/backup/guest-job-script";
import { GuestBackupHandler } from "../../../providers/handlers/guest-backup";
import type { Connection } from "../../../providers/libvirt/connection";
import { ConnectError } from "../../../providers/libvirt/errors";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import { FakeMachine } from "../machine/fake-machine";
import { Played } from "./played";

const args = {
  connection: "qemu+ssh://root@kvm1/system",
  machine: { kind: "ssh" as const, host: "kvm1", user: "root" },
  guest: "web-1",
  name: "web-1",
  target: "/srv/backup/",
};
const program = "/usr/local/sbin/kvm-guest-backup-web-1";
const config = "/etc/kvm-guest-backup/web-1.conf";
const service = "/etc/systemd/system/kvm-guest-backup-web-1.service";
const timer = "/etc/systemd/system/kvm-guest-backup-web-1.timer";
const cron = "/etc/cron.d/kvm-guest-backup-web-1";
const status = "/var/lib/kvm-guest-backup/web-1/status.json";
const noon = Date.parse("2026-07-29T12:00:00Z") / 1000;

/** A host with something that runs jobs; its clock stands still. */
class Host extends FakeMachine {
  private waits = "inactive";

  constructor(private readonly scheduler: "systemd" | "cron" | "none") {
    super("host kvm1");
    this.folder("/usr/local/sbin", "/etc", "/etc/cron.d", "/etc/systemd/system");
    this.on(/^sh -c \nunit=/, (argv) => ({ stdout: this.look(argv.slice(7)) }))
      .on(/ (check|forget|forget --images)$/)
      .on(/^systemctl/)
      .on(/^systemctl restart/, () => ((this.waits = "active"), {}));
  }

  private look(paths: readonly string[]): string {
    const digest = (path: string) => createHash("sha256").update(this.text(path)!).digest("hex");
    return [
      `scheduler ${this.scheduler}`,
      `now ${noon} +0000`,
      ...paths.filter((path) => this.files.has(path)).map((path) => `digest ${digest(path)} ${path}`),
      ...(this.files.has(timer) ? [`timer ActiveState=${this.waits}`, "timer UnitFileState=enabled"] : []),
      ...(this.files.has(config) ? [`installed ${noon - 600}`] : []),
      ...(this.text(status) ?? "").split("\n").map((line) => `status ${line}`),
    ].join("\n");
  }

  did(): string[] {
    return this.commands.filter((command) => !command.includes("unit=$1"));
  }
}

describe("GuestBackupHandler", () => {
  let host: Host;
  let job: Played;
  const begin = (scheduler: "systemd" | "cron" | "none" = "systemd") => {
    host = new Host(scheduler);
    const away = (uri: string): Promise<Connection> => Promise.reject(new ConnectError(uri, "it is away"));
    job = new Played(new GuestBackupHandler(() => host, away));
  };
  beforeEach(() => begin());

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

  it("puts program, configuration and timer on the host, after it has proved that they could work", async () => {
    await job.up({
      ...args,
      schedule: "daily 03:30",
      full: 5,
      keep: { last: 3, years: 2 },
      immutable: 7,
      metrics: "/srv/metrics",
    });
    assert.deepEqual(host.did(), [
      `${program}.new --config ${config}.new check`,
      "systemctl daemon-reload",
      "systemctl enable kvm-guest-backup-web-1.timer",
      "systemctl restart kvm-guest-backup-web-1.timer",
    ]);
    assert.equal(host.text(program), guestJobScript);
    assert.equal(
      host.text(config),
      "name web-1\nguest web-1\nconnection qemu:///system\ntarget /srv/backup\nfull 5\nfreeze auto\nkeep last 3\nkeep years 2\nimmutable 7\nmetrics /srv/metrics\n",
    );
    assert.match(host.text(service)!, /^ExecStart=\/usr\/local\/sbin\/kvm-guest-backup-web-1 run$/m);
    assert.match(host.text(timer)!, /^Description=Backup web-1 of guest web-1's disks, when it is due$/m);
    assert.match(host.text(timer)!, /^OnCalendar=\*-\*-\* 03:30:00\n/m);
    assert.equal(job.state["health"], "no run yet");
    assert.deepEqual(await job.refresh(), []);
  });

  it("tells the program of drills, and what they came to", async () => {
    const check = ["sh", "-c", "test -f $KVM_BACKUP_FOLDER/vda.qcow2 &&\necho 'a\\b'"];
    await job.up({ ...args, drill: "10d", check, scratch: "/srv/scratch" });
    assert.match(
      host.text(config)!,
      /\ndrill 864000\ncheck sh\ncheck -c\ncheck test -f \$KVM_BACKUP_FOLDER\/vda\.qcow2 &&\\necho 'a\\\\b'\nscratch \/srv\/scratch\n$/,
    );
    const run = { time: noon - 60, result: "ok", message: "" };
    const success = { time: noon - 60, run: "r", chain: "c", level: 0, points: 1, size: 1, seconds: 1, note: "" };
    const drill = { time: noon - 50, result: "ok", run: "r", message: "", verified: noon - 50 };
    host.file(status, JSON.stringify({ run, success, drill }));
    await job.refresh();
    assert.deepEqual([job.state["health"], job.state["lastVerifiedRestore"]], ["ok", "2026-07-29T11:59:10Z"]);
    host.file(status, JSON.stringify({ run, success, drill: { ...drill, result: "failed", message: "why" } }));
    assert.deepEqual(await said(() => job.refresh()), [
      "guest backup web-1 on ssh root@kvm1: warning: failed: the drill: why (2026-07-29T11:59:10Z); the last success was at 2026-07-29T11:59:00Z",
    ]);
  });

  it("puts back what was changed of its units, and what is declared anew", async () => {
    await job.up({ ...args, schedule: "daily 03:30" });
    for (const unit of [service, timer]) {
      host.file(unit, "changed by hand");
      assert.deepEqual(await job.refresh(), ["installed"]);
      await job.up({ ...args, schedule: "daily 03:30" });
      assert.doesNotMatch(host.text(unit)!, /by hand/);
    }
    host.ran.length = 0;
    assert.deepEqual(await job.up({ ...args, schedule: "weekly Sun 04:00" }), ["schedule: live"]);
    assert.match(host.text(timer)!, /^OnCalendar=Sun \*-\*-\* 04:00:00$/m);
    assert.ok(host.did().includes("systemctl restart kvm-guest-backup-web-1.timer"));
    assert.deepEqual(await job.up({ ...args, schedule: "never" }), ["schedule: live"]);
    assert.ok(!host.files.has(timer));
    assert.ok(host.did().includes("systemctl disable --now kvm-guest-backup-web-1.timer"));
  });

  it("takes its figures with it", async () => {
    const figures = "/var/lib/prometheus/node-exporter/kvm-guest-backup-web-1.prom";
    await job.up(args);
    host.file(figures, "");
    await job.destroy();
    assert.ok(!host.files.has(figures));
  });

  it("deletes the images where the program says so", async () => {
    await job.up({ ...args, retain: "delete" });
    assert.deepEqual(await said(() => job.destroy()), []);
    assert.ok(host.did().includes(`${program} forget --images`));
  });

  it("uses cron where systemd does not run, and says where nothing would run it", async () => {
    begin("cron");
    await job.up({ ...args, schedule: "weekly Sun 03:30", jitter: "5m" });
    assert.match(
      host.text(cron)!,
      /\n30 3 \* \* 0 root \S+\/kvm-guest-backup-web-1 run --jitter 300\n@reboot root \S+ run --jitter 300 --missed 604800\n$/,
    );
    begin("none");
    assert.deepEqual(await job.preview(args), [
      "guest backup web-1 on ssh root@kvm1: schedule: the machine has neither systemd nor cron to run it. Fix: have a Package install cron " +
        `(dependsOn), or set schedule: "never" and run ${program} run by other means`,
    ]);
  });

  it("reads the last runs into outputs, and warns of failures in every preview", async () => {
    await job.up(args);
    const success = { time: noon - 60, run: "r", chain: "c", level: 0, points: 4, size: 9, seconds: 2, note: "why" };
    host.file(status, JSON.stringify({ run: { time: noon - 60, result: "ok", message: "" }, success }));
    assert.deepEqual(await job.refresh(), []);
    const { health, lastSuccess, points, note, size, duration, chain } = job.state;
    assert.deepEqual(
      { health, lastSuccess, points, note, size, duration, chain },
      { health: "ok", lastSuccess: "2026-07-29T11:59:00Z", points: 4, note: "why", size: 9, duration: 2, chain: "c" },
    );
    host.file(
      status,
      JSON.stringify({ run: { time: noon, result: "failed", message: "guest web-1 is shut off" }, success }),
    );
    assert.deepEqual(
      (await said(() => job.preview(args))).filter((line) => !line.includes("was not checked")),
      [
        "guest backup web-1 on ssh root@kvm1: warning: failed: guest web-1 is shut off (2026-07-29T12:00:00Z); the last success was at 2026-07-29T11:59:00Z",
      ],
    );
  });

  it("repairs what was changed, and goes over to another guest, whose former one forgets it", async () => {
    await job.up(args);
    host.file(program, "changed by hand");
    assert.deepEqual(await job.refresh(), ["installed"]);
    await job.up(args);
    assert.equal(host.text(program), guestJobScript);
    assert.deepEqual(await job.up({ ...args, keep: { last: 3 } }), ["keep: live"]);
    host.ran.length = 0;
    assert.deepEqual(await job.up({ ...args, keep: { last: 3 }, guest: "web-2" }), ["guest: live"]);
    assert.deepEqual(host.did().slice(0, 2), [`${program} forget`, `${program}.new --config ${config}.new check`]);
    assert.match(host.text(config)!, /^guest web-2$/m);
    await assert.rejects(job.up({ ...args, guest: "web-2", name: "web-3" }), /would be replaced/);
  });

  it("has the job forget its checkpoints before it is removed, and leaves the images", async () => {
    await job.up(args);
    host.ran.length = 0;
    assert.deepEqual(await said(() => job.destroy()), [
      "guest backup web-1 on ssh root@kvm1: its images stay: /srv/backup/web-1",
    ]);
    assert.deepEqual(host.did(), [
      "systemctl disable --now kvm-guest-backup-web-1.timer",
      "systemctl stop kvm-guest-backup-web-1.service",
      `${program} forget`,
      "systemctl daemon-reload",
    ]);
    assert.deepEqual(
      [...host.files.keys()].filter((path) => path.includes("kvm-guest-backup")),
      [],
    );
    await job.up(args);
    host.on(/ forget$/, { exitCode: 75 });
    await assert.rejects(job.destroy(), /a run is under way\. Fix: wait for it, or end it, and try again$/);
    assert.ok(host.files.has(program));
    host.away = new UnreachableError("host kvm1", "is gone", { state: "gone" });
    await job.destroy();
  });

  it("asks the host's own libvirtd there", () => {
    assert.equal(onHost("qemu:///system?socket=/run/x"), "qemu:///system?socket=/run/x");
    assert.equal(onHost("qemu+ssh://root@kvm1:2222/system?keyfile=/k"), "qemu:///system");
    assert.equal(onHost("qemu+tls://kvm1/system"), "qemu:///system");
  });

  const refused: [args: object, message: string][] = [
    [
      { connection: "lxc:///system" },
      'connection: "lxc:///system": a container has no disks of its own. Fix: use BackupJob on the guest, which backs up its files',
    ],
    [
      { connection: "xen:///system" },
      'connection: "xen:///system": only QEMU writes images of the disks of running guests. Allowed: qemu:// and qemu+ssh://; elsewhere use BackupJob on the guest',
    ],
    [{ check: ["true"] }, 'check: is run by drills, of which there are none. Fix: drill: "weekly"'],
    [{ full: 0 }, "full: got 0. Allowed: a whole number from 1 to 1000"],
    [{ name: "a.b" }, 'name: "a.b" is not a job\'s name. Allowed: letters, digits, "_" and "-"'],
    [
      { retain: "delete", immutable: 7 },
      'retain: "delete" would take images with it that are immutable. Fix: retain: "keep", or leave immutable out',
    ],
    [{ keep: {} }, "keep: keeps nothing. Fix: name at least one number above 0, or leave keep out to keep everything"],
    [
      { guest: "web 1" },
      'guest: "web 1" is not a name. Allowed: letters, digits, "_", ".", "+" and "-", not beginning with "." or "-"',
    ],
  ];
  for (const [wrong, message] of refused)
    it(`refuses ${JSON.stringify(wrong)}`, async () => {
      assert.deepEqual(await job.preview({ ...args, ...wrong }), [message]);
    });
});
