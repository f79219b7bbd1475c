import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { command } from "./environments/command";
import type { Contender } from "./environments/contender";
import type { PowerState } from "./environments/guest";
import { LibvirtCalls } from "./environments/libvirt-calls";
import { measure } from "./environments/measure";
import { OpenTofu } from "./environments/opentofu";
import { EmptyProgram, PulumiKvm } from "./environments/pulumi";
import { report } from "./environments/report";
import { scriptsEnvironment } from "./environments/scripts-environment";
import { Virsh } from "./environments/virsh";

const usage = `Environments of small guests, side by side: pulumi-kvm, OpenTofu, a virsh loop and raw libvirt calls create,
preview, refresh, change and destroy the same guests in turns, on a libvirtd of their own. Needs root.

  npx ts-node bench/environments.ts [--guests 1,10,40] [--runs 3] [--state running|paused] [--only NAME,NAME] [--out FILE]

bench/peers.sh builds OpenTofu and its provider. BENCH_REAPER=machine: see bench/private-host.sh.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      guests: { type: "string", default: "1,10,40" },
      runs: { type: "string", default: "3" },
      state: { type: "string", default: "running" },
      only: { type: "string" },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(usage);
  if (!process.env["BENCH_INSIDE"]) return isolate();
  const environment = await scriptsEnvironment();
  const state = values.state as PowerState;
  const wanted = values.only?.split(",");
  const all: Contender[] = [
    new PulumiKvm(environment, state),
    new EmptyProgram(environment, state),
    new OpenTofu(),
    new Virsh(state),
    new LibvirtCalls(state),
  ];
  const contenders: Contender[] = [];
  const notes: string[] = [];
  for (const contender of all) {
    if (wanted && !wanted.some((name) => contender.name.includes(name))) continue;
    const version = await contender.version().catch((error: Error) => error);
    if (version instanceof Error) {
      notes.push(`- ${contender.name}: skipped, ${firstLine(version)}`);
    } else {
      notes.push(`- ${contender.name}: ${version}`);
      contenders.push(contender);
    }
  }
  console.error(notes.join("\n"));
  const tables: string[] = [];
  for (const guests of values.guests.split(",").map(Number)) {
    const timings = await measure({ contenders, guests, runs: Number(values.runs), progress: console.error });
    tables.push(report(guests, timings, { product: "pulumi-kvm", floor: "empty Pulumi program" }));
  }
  const text = [await machine(), notes.join("\n"), `Medians of ${values.runs} runs.`, ...tables].join("\n\n") + "\n";
  console.log(text);
  if (values.out) await writeFile(values.out, text);
}

/** Runs itself again on a host of its own. */
async function isolate(): Promise<void> {
  const again = [process.execPath, "-r", "ts-node/register/transpile-only", __filename, ...process.argv.slice(2)];
  const child = spawn("bash", [join(__dirname, "private-host.sh"), ...again], {
    stdio: "inherit",
    env: { ...process.env, BENCH_INSIDE: "yes" },
  });
  const [code] = await once(child, "exit");
  process.exitCode = code ?? 1;
}

async function machine(): Promise<string> {
  const libvirt = (await command(["libvirtd", "--version"])).trim().split(" ").at(-1);
  const qemu = firstLine(await command(["qemu-system-x86_64", "--version"])).replace(/ \(.*/, "");
  const memory = Math.round(totalmem() / 2 ** 30);
  const cores = availableParallelism();
  const reaper =
    process.env["BENCH_REAPER"] === "machine" ? "the machine's process 1" : "a process 1 that reaps at once";
  return `${cores} cores, ${memory} GiB, libvirt ${libvirt}, ${qemu} (TCG), Node ${process.version}; orphans go to ${reaper}.`;
}

function firstLine(text: string | Error): string {
  return (text instanceof Error ? text.message : text).split("\n")[0]!;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
