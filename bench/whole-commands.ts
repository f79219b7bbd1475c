import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Lab } from "../test/lab/lab";
import type { LabHost } from "../test/lab/lab-host";
import { command } from "./environments/command";
import { table } from "./environments/report";
import { scriptsEnvironment } from "./environments/scripts-environment";

const repository = resolve(__dirname, "..");

const operations = {
  up: ["up", "--yes", "--skip-preview"],
  preview: ["preview", "--expect-no-changes"],
  "up without a change": ["up", "--yes", "--skip-preview", "--expect-no-changes"],
  refresh: ["refresh", "--yes", "--skip-preview", "--expect-no-changes"],
  destroy: ["destroy", "--yes", "--skip-preview"],
};

type Operation = keyof typeof operations;
type Seconds = { [Name in Operation]: number[] };

/** A project in bench/projects that makes so many of something on a host of the lab; without any it is empty. */
export interface Scaled {
  project: string;
  /** What a count of them is called. */
  things: (count: number) => string;
  /** Of one: what a second of the difference is divided by, with its name. */
  part: { name: string; per: number };
  /** A project in bench/projects that has as many resources which do nothing, beside it. */
  bare?: string;
  /** Throws unless the host has so many. */
  check: (host: LabHost, count: number) => Promise<void>;
}

type Program = Pick<Scaled, "project" | "things"> & Partial<Pick<Scaled, "check">>;

/** Whole commands on each count, in turns with an empty program; prints a table of their medians, and writes it to `out`. */
export async function compareWithEmpty(scaled: Scaled, counts: number[], runs: number, out?: string): Promise<void> {
  const environment = await scriptsEnvironment();
  const lab = await Lab.up({ name: `bench-${scaled.project}`, disk: "8GiB" });
  try {
    const { bare, part } = scaled;
    const measured = (head: string, program: Program, counts: number[]) => ({
      head,
      program,
      seconds: new Map(counts.map((count) => [count, newSeconds()])),
    });
    const spent = [measured("pulumi-kvm, s", scaled, [0, ...counts])];
    if (bare !== undefined) {
      const things = (count: number) => `bare resources of ${scaled.things(count)}`;
      spent.push(measured("bare resources, s", { project: bare, things }, counts));
    }
    for (let run = 0; run < runs; run++)
      for (const { program, seconds } of spent)
        for (const [count, one] of seconds) await liveThrough(lab.host("kvm1"), program, count, environment, one);
    const tables = counts.map((count) => {
      const rows = (Object.keys(operations) as Operation[]).map((name) => {
        const least = median(spent[0]!.seconds.get(0)![name]);
        const whole = spent.map(({ seconds }) => median(seconds.get(count)![name]));
        const each = whole.map((one) => (((one - least) * 1000) / (part.per * count)).toFixed(1));
        return [name, least.toFixed(2), ...whole.flatMap((one, at) => [one.toFixed(2), each[at]!])];
      });
      const heads = spent.flatMap(({ head }) => [head, `ms a ${part.name}`]);
      return `${table([scaled.things(count), "empty program, s", ...heads], rows)}\n`;
    });
    console.log(tables.join("\n"));
    if (out) await writeFile(out, tables.join("\n"));
  } finally {
    await lab.down();
  }
}

function newSeconds(): Seconds {
  return { up: [], preview: [], "up without a change": [], refresh: [], destroy: [] };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Runs every command once on a project of its own, and checks that the host is as it says. */
async function liveThrough(
  host: LabHost,
  { project, things, check }: Program,
  count: number,
  environment: NodeJS.ProcessEnv,
  seconds: Seconds,
) {
  const folder = await mkdtemp(join(tmpdir(), `bench-${project}-`));
  try {
    await cp(join(__dirname, "projects", project), folder, { recursive: true });
    await mkdir(join(folder, "node_modules"));
    await mkdir(join(folder, "state"));
    await symlink(repository, join(folder, "node_modules/pulumi-kvm"));
    await symlink(join(repository, "node_modules/@pulumi"), join(folder, "node_modules/@pulumi"));
    const pulumi = (argv: readonly string[]) =>
      command(["pulumi", ...argv, "--stack", "bench", "--non-interactive", "--color", "never"], {
        cwd: folder,
        env: {
          ...environment,
          PULUMI_BACKEND_URL: `file://${folder}/state?metadata=skip`,
          PULUMI_CONFIG_PASSPHRASE: "bench",
          BENCH: JSON.stringify({ count, connection: host.uri(), machine: host.machine }),
        },
      });
    await pulumi(["stack", "init"]);
    for (const [name, argv] of Object.entries(operations) as [Operation, string[]][]) {
      const start = performance.now();
      await pulumi(argv);
      seconds[name].push((performance.now() - start) / 1000);
      console.error(`${things(count)}: ${name} ${seconds[name].at(-1)!.toFixed(2)}`);
      await check?.(host, name === "destroy" ? 0 : count);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
