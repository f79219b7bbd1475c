import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { LocalMachine } from "../../../providers/machine/local-machine";
import type { RunOptions } from "../../../providers/machine/machine";
import { rpmImageParts, rpmImageTools, type RpmImageFormat } from "../../../providers/rpm/image-script";
import { RpmImageBuilder, rpmImageName } from "../../../providers/rpm/rpm-image";
import { rpmImageSchema } from "../../../providers/schema/rpm-image";
import { skip } from "../../skip";
import { madeRpm } from "./made-rpm";

/** Every program that the making of an image starts. */
const programs = ["flock", "rm", "head", "chmod", "mkdir", "tar", "find", "wc", "sync", "mv", "stat", "cat"];
const disk = ["mke2fs", "qemu-img"];

/** Counts the programs that are started, and kills all that makes the image when its turn has come. */
const wrapper = `#!/bin/sh
step=1
until /bin/mkdir "$KILLED_STEPS/$step" 2>/dev/null; do step=$((step + 1)); done
PATH=/usr/sbin:/usr/bin:/sbin:/bin
program=\${0##*/}
if [ "$step" -eq "$KILLED_AT" ]; then
  [ "$program" != tar ] || head -c 600000 | tar "$@"
  kill -KILL 0
fi
exec "$program" "$@"
`;

/** This machine, where what makes an image is killed at one of its steps. */
class DeadlyMachine extends LocalMachine {
  constructor(
    private readonly bin: string,
    private readonly steps: string,
    private readonly at: number,
  ) {
    super();
  }

  override run(argv: readonly string[], options: RunOptions = {}) {
    const [shell, option, script, ...args] = argv;
    if (options.stdin === undefined || option !== "-c") return super.run(argv, options);
    const set = `KILLED_STEPS='${this.steps}' KILLED_AT=${this.at} PATH='${this.bin}':$PATH`;
    return super.run([shell!, option, `${set}\nexport KILLED_STEPS KILLED_AT PATH\n${script}`, ...args], options);
  }
}

describe("an image out of RPMs whose making is killed", function () {
  this.timeout(180_000);
  let folder: string;
  let bin: string;

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root");
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-rpm-"));
    bin = join(folder, "bin");
    mkdirSync(bin);
    for (const name of [...programs, ...disk]) {
      writeFileSync(join(bin, name), wrapper);
      chmodSync(join(bin, name), 0o755);
    }
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  for (const format of Object.keys(rpmImageParts) as RpmImageFormat[])
    it(`is not there until it is whole, and is made by the next run: ${format}`, async function () {
      for (const tool of rpmImageTools[format])
        if (![`/usr/bin/${tool}`, `/sbin/${tool}`].some(existsSync)) skip(this, `needs ${tool}`);
      const directory = join(folder, format);
      mkdirSync(directory);
      const content = "x".repeat(500_000);
      const files = ["a", "b", "c"].map((name) => ({ path: `/usr/${name}`, content: name + content }));
      const path = madeRpm(join(directory, "made.rpm"), { files });
      const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
      const place = { machine: { kind: "local" }, directory: join(directory, "images"), format };
      const size = format === "qcow2" ? { size: "16MiB" } : {};
      const inputs = v.parse(rpmImageSchema, { ...place, ...size, packages: [{ path, sha256 }] });
      const { name } = rpmImageName(inputs);
      const parts = rpmImageParts[format].map((part) => `${name}${part}`);
      const made = () => readdirSync(inputs.directory).sort();
      const options = { timeout: 60_000, progress() {} };
      mkdirSync(inputs.directory);

      let killed = 0;
      for (let at = 1; ; at++) {
        const steps = join(directory, `steps${at}`);
        mkdirSync(steps);
        const built = new RpmImageBuilder(new DeadlyMachine(bin, steps, at)).build(inputs, options);
        const done = await built.then(
          () => true,
          () => false,
        );
        if (done) break;
        killed++;
        // The main part comes last: where it is, all is there; and the next run has nothing to do.
        const main = made().includes(parts.at(-1)!);
        if (main) {
          for (const part of parts) assert.ok(made().includes(part), `${part} after step ${at}`);
          if (format === "directory")
            for (const { path, content } of files)
              assert.equal(readFileSync(join(inputs.directory, parts.at(-1)!, path), "latin1"), content);
          await new RpmImageBuilder(new LocalMachine()).build(inputs, options);
          for (const part of parts) rmSync(join(inputs.directory, part), { recursive: true });
        }
      }
      assert.ok(killed >= 9, `killed at ${killed} steps`);
      assert.deepEqual(made(), [...parts].sort());
    });
});
