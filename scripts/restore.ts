// Restores from the backup jobs that a stack has declared, on the machines that they back up:
//
//   npm run restore -- JOB                       the job's restore points
//   npm run restore -- JOB --path GLOB...        the files of a point that it means
//   npm run restore -- JOB --to DIR [--at TIME] [--path GLOB]... [--add | --overwrite] [--damaged] [--target N]
//                      [--identity FILE] [--stack NAME]
//
//   npm run restore -- JOB [--at TIME] [--disk DISK] --to FILE [--format qcow2|raw] [--overwrite] [--stack NAME]
//
// The last is for a GuestBackup, whose points are images of disks: FILE is an image on the guest's host, checked first.
//
// DIR is a folder on the job's machine; it is empty or made, unless --add or --overwrite allow more. TIME is what date(1)
// takes, or a point's name; the last point until then is meant. The key of an encrypted job stays here: it travels to the
// machine's memory, never to its disk. Exits as the job's program: 0, 1 failed, 2 wrong arguments, 3 restored in part.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs, promisify } from "node:util";
import { guestPlaces } from "../providers/backup/guest-installation";
import { tarPlaces } from "../providers/backup/tar-installation";
import { findJob, jobArguments, type Deployment } from "../providers/backup/restore-request";
import { CommandError } from "../providers/machine/command-error";
import { open } from "../providers/machine/open-machine";

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      stack: { type: "string" },
      at: { type: "string" },
      path: { type: "string", multiple: true },
      disk: { type: "string" },
      format: { type: "string" },
      to: { type: "string" },
      target: { type: "string" },
      identity: { type: "string" },
      add: { type: "boolean" },
      overwrite: { type: "boolean" },
      damaged: { type: "boolean" },
    },
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new TypeError("name one job: npm run restore -- JOB [--to DIR] ...");
  const stack = values.stack ?? process.env["PULUMI_STACK"] ?? "dev";
  const job = findJob(await exported(stack), name, stack);
  const identity = values.identity === undefined ? undefined : readFileSync(values.identity, "utf8");
  try {
    const places = job.kind === "TarBackup" ? tarPlaces(job.name) : guestPlaces(job.name);
    const argv = [places.program, ...jobArguments(job.kind, values)];
    const { exitCode } = await open(job.machine).run(argv, {
      accept: [0, 1, 2, 3, 75],
      stdin: identity,
      timeout: 7 * 86_400_000,
      onOutput: (stream, data) => void process[stream].write(data),
    });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== 127) throw error;
    console.error(
      `restore: ${error.machine} has no job ${name}. Fix: npm run up, or use the program in the repository`,
    );
    return 1;
  }
}

async function exported(stack: string): Promise<Deployment> {
  const { stdout } = await promisify(execFile)("pulumi", ["stack", "export", "--stack", stack], { maxBuffer: 1e9 });
  return (JSON.parse(stdout) as { deployment: Deployment }).deployment;
}

void main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(`restore: ${error.message}`);
    process.exit(error instanceof TypeError ? 2 : 1);
  },
);
