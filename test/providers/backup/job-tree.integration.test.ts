import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { skip } from "../../skip";
import { JobLab } from "./job-lab";
import { Chance, differences, look, mutate } from "./tree";

/** KVM_BACKUP_FILES and KVM_BACKUP_BYTES make it larger: 100000 and 1000000000 take some ten minutes. */
const count = Number(process.env["KVM_BACKUP_FILES"] ?? 3_000);
const bytes = Number(process.env["KVM_BACKUP_BYTES"] ?? 20_000_000);

describe("a backup job: trees", function () {
  this.timeout(3_600_000);
  let lab: JobLab;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  afterEach(() => lab.remove());

  it(`of ${count} files that change are restored at each of 10 points as they were`, () => {
    lab = new JobLab();
    lab.patience = 900_000;
    const chance = new Chance(count);
    const noise = randomBytes(1_000_000);
    for (let i = 0; i < count; i++) {
      const folder = join(lab.source, `folder ${i % 50}`, `inner-${Math.floor(i / 50) % 20}`);
      if (i < 1000) mkdirSync(folder, { recursive: true });
      const size = chance.below((2 * bytes) / count);
      writeFileSync(
        join(folder, `file-${i}`),
        noise.subarray(chance.below(1_000_000 - size), undefined).subarray(0, size),
      );
    }
    const was: { [path: string]: string }[] = [];
    for (let turn = 0; turn < 10; turn++) {
      if (turn > 0) mutate(lab.source, chance, 150);
      const { said } = lab.done("run");
      assert.match(
        said,
        turn === 0 ? /^level 0/ : new RegExp(`^level ${turn}\n`),
        "no folder that was moved makes a run a full one",
      );
      was.push(look(lab.source));
    }
    for (const [turn, { run }] of lab.points().entries()) {
      const restored = lab.restored(run);
      assert.deepEqual(differences(was[turn]!, look(restored)), [], run);
      rmSync(join(restored, "../../../.."), { recursive: true, force: true });
    }
  });
});
