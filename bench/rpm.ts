// The files of one large RPM, unpacked by RpmImage and by `rpm2cpio | cpio -idm`, in turns:
//   node -r ts-node/register bench/rpm.ts [xz|gzip|zstd|bzip2|lzma|none]
// Needs root, rpmbuild, rpm2cpio and cpio. RpmImage reads the file twice (digests, then content), compares every file with
// its digest, and syncs what it wrote; the pipeline does neither, so it is followed by `sync -f`.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { LocalMachine } from "../providers/machine/local-machine";
import { RpmImageBuilder } from "../providers/rpm/rpm-image";
import { rpmImageSchema } from "../providers/schema/rpm-image";
import type { payloads } from "../test/providers/rpm/built-rpm";
import { builtRpm } from "../test/providers/rpm/built-rpm";

const payload = (process.argv[2] ?? "zstd") as keyof typeof payloads;
const rounds = 3;

const install = `mkdir -p usr/share/large
for folder in $(seq 40); do
  mkdir usr/share/large/$folder
  for file in $(seq 50); do
    { head -c 60000 /dev/urandom; head -c 90000 /dev/zero; } >usr/share/large/$folder/$file
  done
done`;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-bench-rpm-"));
  try {
    const path = builtRpm(folder, { name: "large", install, files: "/usr/share/large", payload });
    const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
    const seconds = { ours: [] as number[], theirs: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      const directory = join(folder, `ours${round}`);
      const theirs = join(folder, `theirs${round}`);
      mkdirSync(directory);
      mkdirSync(theirs);
      const inputs = v.parse(rpmImageSchema, { machine: { kind: "local" }, directory, packages: [{ path, sha256 }] });
      let began = performance.now();
      await new RpmImageBuilder(new LocalMachine()).build(inputs, { timeout: 600_000, progress() {} });
      seconds.ours.push((performance.now() - began) / 1000);
      began = performance.now();
      const pipeline = 'cd "$1" && rpm2cpio "$2" | cpio -idm --quiet && sync -f .';
      execFileSync("sh", ["-c", pipeline, "sh", theirs, path]);
      seconds.theirs.push((performance.now() - began) / 1000);
    }
    const median = (list: number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
    const [ours, theirs] = [median(seconds.ours), median(seconds.theirs)];
    console.log(
      `${payload}: ${ours.toFixed(2)} s, rpm2cpio | cpio ${theirs.toFixed(2)} s, ratio ${(ours / theirs).toFixed(2)}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
