import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Lab } from "../test/lab/lab";
import type { LabHost } from "../test/lab/lab-host";
import { command } from "./environments/command";
import { scriptsEnvironment } from "./environments/scripts-environment";
import { table } from "./environments/report";

const repository = resolve(__dirname, "..");
const project = join(__dirname, "projects/networks");

const usage = `NAT networks, each with a port forward, on a host of the lab that is reached over ssh, beside an empty program:
seconds of the whole command. Needs root.

  npx ts-node bench/networks.ts [--networks 50] [--runs 3] [--out FILE]`;

const operations = {
  up: ["up", "--yes", "--skip-preview"],
  preview: ["preview", "--expect-no-changes"],
  "up without a change": ["up", "--yes", "--skip-preview", "--expect-no-changes"],
  refresh: ["refresh", "--yes", "--skip-preview", "--expect-no-changes"],
  destroy: ["destroy", "--yes", "--skip-preview"],
};

type Operation = keyof typeof operations;
type Seconds = { [Name in Operation]: number[] };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      networks: { type: "string", default: "50" },
      runs: { type: "string", default: "3" },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(usage);
  const environment = await scriptsEnvironment();
  const lab = await Lab.up({ name: "bench-networks" });
  try {
    const host = lab.host("kvm1");
    const count = Number(values.networks);
    const [empty, full] = [newSeconds(), newSeconds()];
    for (let run = 0; run < Number(values.runs); run++) {
      await liveThrough(host, 0, environment, empty);
      await liveThrough(host, count, environment, full);
    }
    const rows = (Object.keys(operations) as Operation[]).map((name) => {
      const [floor, spent] = [median(empty[name]), median(full[name])];
      return [name, spent.toFixed(2), floor.toFixed(2), (((spent - floor) * 1000) / (2 * count)).toFixed(1)];
    });
    const head = [
      `${count} networks and ${count} port forwards, seconds`,
      "pulumi-kvm",
      "empty program",
      "ms a resource",
    ];
    const text = `${table(head, rows)}\n`;
    console.log(text);
    if (values.out) await writeFile(values.out, text);
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
async function liveThrough(host: LabHost, count: number, environment: NodeJS.ProcessEnv, seconds: Seconds) {
  const folder = await mkdtemp(join(tmpdir(), "bench-networks-"));
  try {
    await cp(project, folder, { recursive: true });
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
          BENCH_NETWORKS: JSON.stringify({ count, connection: host.uri(), machine: host.machine }),
        },
      });
    await pulumi(["stack", "init"]);
    for (const [name, argv] of Object.entries(operations) as [Operation, string[]][]) {
      const start = performance.now();
      await pulumi(argv);
      seconds[name].push((performance.now() - start) / 1000);
      console.error(`${count} networks: ${name} ${seconds[name].at(-1)!.toFixed(2)}`);
      await check(host, name === "destroy" ? 0 : count, name);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A figure counts only where the host is as asked for. */
async function check(host: LabHost, count: number, operation: string): Promise<void> {
  const script = `virsh --quiet net-list --name | grep -c ^bench-
    nft list chain inet pulumi_kvm published 2>/dev/null | grep -c dport`;
  const { stdout } = await host.run(["sh", "-c", script], { accept: "any" });
  if (stdout.trim() !== `${count}\n${count}`)
    throw new Error(`${operation} left ${stdout.trim().replace("\n", " networks and ")} forwards, not ${count}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
