import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RestoreHandler } from "../../../providers/handlers/restore";
import { skip } from "../../skip";
import { JobLab } from "../backup/job-lab";
import { differences, look } from "../backup/tree";
import { PrivateSshd } from "../machine/private-sshd";
import { Played } from "./played";

describe("Restore", function () {
  this.timeout(120_000);
  let lab: JobLab;
  let played: Played;
  let to: string;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  beforeEach(() => {
    lab = new JobLab();
    to = join(lab.folder, "to");
    lab.write("folder/file", "first");
    lab.write("large", randomBytes(40_000_000));
    lab.done("run");
    lab.write("folder/file", "second");
    lab.done("run");
    played = new Played(new RestoreHandler());
  });
  afterEach(async () => {
    await played.destroy();
    lab.remove();
  });
  const local = { kind: "local" };
  const args = (more: object = {}) => ({ machine: local, from: local, repository: lab.repository, to, ...more });
  const leftovers = () => readdirSync("/var/tmp").filter((name) => name.startsWith("kvm-restore."));

  it("brings a point back once, and leaves it when it goes", async () => {
    assert.deepEqual(await played.preview(args()), []);
    await played.up(args());
    assert.equal(played.state["point"], lab.points()[1]!.run);
    assert.deepEqual(differences(look(lab.source), look(join(to, lab.source))), []);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args({ repository: "/elsewhere" })), []);
    // A run that was cut off after it finds it done.
    rmSync(join(to, lab.source, "large"));
    const again = new Played(new RestoreHandler());
    await again.up(args());
    assert.equal(again.state["restoredAt"], played.state["restoredAt"]);
    await played.destroy();
    assert.ok(existsSync(join(to, lab.source, "folder/file")));
    assert.ok(!existsSync("/var/lib/kvm-backup/restored"));
    assert.deepEqual(leftovers(), []);
  });

  it("brings it from another machine, in pieces", async function () {
    const missing = PrivateSshd.missing();
    if (missing) skip(this, missing);
    const sshd = await PrivateSshd.start();
    try {
      await played.up(args({ from: sshd.spec(), at: lab.points()[0]!.run }));
      assert.deepEqual(differences(look(lab.restored(lab.points()[0]!.run)), look(join(to, lab.source))), []);
      assert.deepEqual(leftovers(), []);
    } finally {
      await sshd.stop();
      sshd.remove();
    }
  });

  it("brings a part, and overwrites nothing", async () => {
    await played.up(args({ paths: [`${lab.source}/folder`] }));
    assert.deepEqual(readdirSync(join(to, lab.source)), ["folder"]);
    const other = new Played(new RestoreHandler());
    await assert.rejects(other.up(args()), /cannot create: .*to has .*source already\. Fix: say --overwrite/s);
    assert.deepEqual(readdirSync(join(to, lab.source)), ["folder"]);
    assert.deepEqual(leftovers(), []);
  });

  it("says at preview what is not there", async () => {
    assert.deepEqual(await played.preview(args({ repository: "/nowhere/home" })), [
      `restore of /nowhere/home to ${to} on this machine: repository: /nowhere/home is not on this machine`,
    ]);
    assert.match(
      (await played.preview(args({ at: "2001-01-01" })))[0]!,
      /: at: there is no restore point until 2001-01-01\. Those that are there: /,
    );
    assert.match(
      (await played.preview(args({ identity: "secret-word" })))[0]!,
      /^identity: is no private key of age or ssh$/,
    );
  });
});
