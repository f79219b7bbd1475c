import assert from "node:assert/strict";
import { DiskRestoreHandler } from "../../../providers/handlers/disk-restore";
import { FakeMachine } from "../machine/fake-machine";
import { Played } from "./played";

const repository = "/srv/backup/web";
const to = "/srv/images/web.qcow2";
const args = { machine: { kind: "local" }, from: { kind: "ssh", host: "kvm2" }, repository, to };
const described = `restore of ${repository} to ${to} on this machine`;

/** What the program was last told on a machine, behind its own text. */
function words(machine: FakeMachine, verb: string): string {
  return machine.ran
    .map(({ argv }) => argv.slice(4))
    .findLast((argv) => argv.includes(verb))!
    .join(" ");
}

describe("DiskRestoreHandler", () => {
  let host: FakeMachine;
  let away: FakeMachine;
  let disk: Played;

  beforeEach(() => {
    away = new FakeMachine("host kvm2");
    away.folder(repository);
    away.on(/ files\b/, { stdout: "20260728T033000Z vda 1073741824\n3 c/a.json\n4 c/a-0-vda.qcow2\n" });
    away.file(`${repository}/c/a.json`, "abc").file(`${repository}/c/a-0-vda.qcow2`, "defg");
    host = new FakeMachine("this machine");
    host.folder("/srv/images", "/srv/images/.kvm-restore.abc/web/c", "/var/lib/kvm-guest-backup/restored");
    host
      .on(/^mkdir|^rmdir/)
      .on(/^mktemp -d/, { stdout: "/srv/images/.kvm-restore.abc\n" })
      .on(/ restore --at /, () => (host.file(to, "image"), {}))
      .on(/^qemu-io/);
    disk = new Played(new DiskRestoreHandler((spec) => (spec.kind === "local" ? host : away)));
  });

  it("brings what a restore of the point reads, restores it there, and leaves no copy", async () => {
    assert.deepEqual(await disk.preview(args), []);
    await disk.up({ ...args, disk: "vda", at: "yesterday" });
    assert.deepEqual(
      [disk.state["path"], disk.state["point"], disk.state["capacity"]],
      [to, "20260728T033000Z", "1GiB"],
    );
    assert.equal(words(away, "files"), `--repository ${repository} files --at yesterday --disk vda`);
    assert.equal(
      words(host, "restore"),
      `--repository /srv/images/.kvm-restore.abc/web restore --at 20260728T033000Z --format qcow2 --to ${to} --disk vda`,
    );
    assert.ok(![...host.files.keys()].some((path) => path.includes(".kvm-restore")));
    assert.deepEqual(await disk.refresh(), []);
    // What becomes of the backup does not matter any more.
    assert.deepEqual(await disk.up({ ...args, disk: "vda", at: "yesterday", repository: "/elsewhere" }), []);
  });

  it("takes up what a run restored that was cut off, and overwrites nothing", async () => {
    await disk.up(args);
    const again = new Played(new DiskRestoreHandler((spec) => (spec.kind === "local" ? host : away)));
    assert.deepEqual(await again.preview(args), []);
    await again.up(args);
    assert.equal(again.state["restoredAt"], disk.state["restoredAt"]);
    await again.destroy();
    assert.ok(host.files.has(to));
    assert.deepEqual(await disk.preview(args), []);
    disk.recorded = undefined;
    assert.deepEqual(await disk.preview(args), [
      `${described}: to: ${to} is there already. Fix: name another place, or move it away`,
    ]);
  });

  it("is restored anew for another point, where the old image may go", async () => {
    await disk.up(args);
    assert.deepEqual(await disk.preview({ ...args, at: "2026-07-27" }), [
      `${described}: at: it would be restored anew, and retain: "keep" leaves the image that is there, ${to}. Fix: name another place (to), or set retain: "delete" in an up of its own first`,
    ]);
    assert.deepEqual(await disk.up({ ...args, retain: "delete" }), ["retain: live"]);
    assert.deepEqual(await disk.preview({ ...args, retain: "delete", at: "2026-07-27" }), []);
    host.on(/^qemu-io/, { exitCode: 1, stderr: 'qemu-io: can\'t open device: Failed to get "write" lock' });
    await assert.rejects(
      disk.destroy(),
      /a guest runs on \/srv\/images\/web\.qcow2\. Fix: delete the guest first, or set/,
    );
    assert.ok(host.files.has(to));
  });

  it("says at preview what is not there", async () => {
    assert.deepEqual(await disk.preview({ ...args, repository: "/nowhere" }), [
      `restore of /nowhere to ${to} on this machine: repository: /nowhere is not on host kvm2`,
    ]);
    away.on(/ files\b/, {
      exitCode: 1,
      stderr: "kvm-guest-backup web: there is no point until 2001-01-01. Those that are there: none\n",
    });
    assert.deepEqual(await disk.preview({ ...args, at: "2001-01-01" }), [
      `${described}: at: there is no point until 2001-01-01. Those that are there: none`,
    ]);
    assert.deepEqual(await disk.preview({ ...args, disk: "/dev/vda" }), [
      'disk: "/dev/vda" is no disk. Allowed: a target in the guest, e.g. "vda"',
    ]);
  });
});
