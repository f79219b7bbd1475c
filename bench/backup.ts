import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { borg, compressors, kvmBackup, rawTar, restic, type Contender, type Way } from "./backup/contender";
import { changeSource, makeSource } from "./backup/source";

const usage = `Backups of one folder, side by side: raw tar, this repository's job, restic and borg store it, store its changes, and restore
it, in turns. Needs root, and restic and borgbackup where they are to be compared.

  npx ts-node bench/backup.ts [--files 6600] [--size 1070] [--rounds 3] [--folder /var/tmp] [--only NAME,NAME] [--out FILE]
                              [--split SIZE] [--compress ${Object.keys(compressors).join("|")}]

Size is in MB. What --split and --compress say is for raw tar and this repository's job. The source is read once before, so that it is in memory where that is large enough.`;

const phases = ["first", "increment", "restore"] as const;
type Phase = (typeof phases)[number];
interface Sample {
  wall: number;
  cpu: number;
  size: number;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      files: { type: "string", default: "6600" },
      size: { type: "string", default: "1070" },
      rounds: { type: "string", default: "3" },
      folder: { type: "string", default: "/var/tmp" },
      only: { type: "string" },
      split: { type: "string", default: "1GiB" },
      compress: { type: "string", default: "zstd" },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(usage);
  if (!Object.hasOwn(compressors, values.compress)) throw new Error(usage);
  const way: Way = { split: values.split, compress: values.compress as Way["compress"] };
  const contenders = [rawTar(way), kvmBackup(way), restic, borg].filter(
    ({ name }) => !values.only || values.only.split(",").some((wanted) => name.includes(wanted)),
  );
  for (const { name, version } of contenders) console.error(`${name}: ${version()}`);
  const folder = mkdtempSync(join(values.folder, "kvm-backup-bench-"));
  const samples = new Map<string, Sample[]>();
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      const source = join(folder, "source");
      makeSource(source, Number(values.files), Number(values.size) * 1e6);
      execFileSync("sh", ["-c", 'sync; tar -cf - "$1" | cat >/dev/null', "sh", source], { stdio: "ignore" });
      // Those that come later find a disk as busy as those before: each round begins with another one.
      const order = [...contenders.slice(round % contenders.length), ...contenders.slice(0, round % contenders.length)];
      for (const contender of order) contender.prepare(join(folder, contender.name.replace(" ", "-")), source);
      for (const contender of order) measure(contender, "first", 0);
      changeSource(source, 230, 1);
      for (const contender of order) measure(contender, "increment", 1);
      for (const contender of order) measure(contender, "restore", 1);
      execFileSync("sh", ["-c", 'rm -rf "$1"/*', "sh", folder]);
      function measure(contender: Contender, phase: Phase, turn: number): void {
        const sample = timed(contender, phase, turn, folder, source);
        const key = `${contender.name} ${phase}`;
        samples.set(key, [...(samples.get(key) ?? []), sample]);
        console.error(
          `${key}: ${sample.wall.toFixed(2)} s, CPU ${sample.cpu.toFixed(2)} s, ${(sample.size / 1e6).toFixed(1)} MB`,
        );
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const text = report(contenders, samples);
  if (values.out) writeFileSync(values.out, text);
  console.log(text);
}

function timed(contender: Contender, phase: Phase, turn: number, folder: string, source: string): Sample {
  const repository = join(folder, contender.name.replace(" ", "-"));
  const out = join(folder, "out");
  mkdirSync(out);
  const before = used(repository);
  const line = phase === "restore" ? contender.restore(turn) : contender.backUp(turn);
  const script = `TIMEFORMAT="time %R %U %S"; set -o pipefail; exec 3>&2; time { { ${line}; } >/dev/null 2>"$LOG"; } 2>&3`;
  const env = { ...process.env, REPO: repository, SRC: source, OUT: out, LOG: join(folder, "log") };
  const { status, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8", env });
  if (status !== 0)
    throw new Error(`${contender.name} ${phase}: ${execFileSync("tail", ["-n", "5", env.LOG], { encoding: "utf8" })}`);
  const [wall, user, system] = /time ([\d.]+) ([\d.]+) ([\d.]+)/.exec(stderr)!.slice(1).map(Number) as [
    number,
    number,
    number,
  ];
  if (phase === "restore") {
    const { stdout } = spawnSync("diff", ["-rq", "--no-dereference", source, join(out, source)], { encoding: "utf8" });
    if (stdout !== "") throw new Error(`${contender.name} restored something else:\n${stdout.slice(0, 500)}`);
  }
  rmSync(out, { recursive: true });
  execFileSync("sync");
  return { wall, cpu: user + system, size: phase === "restore" ? 0 : used(repository) - before };
}

function used(folder: string): number {
  return Number(execFileSync("du", ["-s", "-B", "1", folder], { encoding: "utf8" }).split("\t")[0]);
}

function report(contenders: Contender[], samples: Map<string, Sample[]>): string {
  const median = (of: number[]) => [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)]!;
  const rows = phases.map((phase) => {
    const cells = contenders.map(({ name }) => {
      const all = samples.get(`${name} ${phase}`)!;
      const [wall, cpu, size] = (["wall", "cpu", "size"] as const).map((what) => median(all.map((one) => one[what])));
      return `${wall!.toFixed(2)} s, ${cpu!.toFixed(1)} s${size! > 0 ? `, ${(size! / 1e6).toFixed(1)} MB` : ""}`;
    });
    return `| ${phase} | ${cells.join(" | ")} |`;
  });
  return [
    `| | ${contenders.map(({ name }) => name).join(" | ")} |`,
    `|---|${contenders.map(() => "---:|").join("")}`,
    ...rows,
    "",
  ].join("\n");
}

main();
