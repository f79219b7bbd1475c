import { bytes } from "../schema/size";
import { milliseconds } from "../schema/duration";
import type { BackupTarget, TarBackupInputs } from "../schema/tar-backup";
import { pruneTest } from "./glob";

/** What of a job its program has to know: all but where and when it runs. */
export type JobSettings = Omit<TarBackupInputs, "machine" | "schedule" | "jitter" | "catchUp" | "installed"> & {
  /** Where the program keeps its notes. Default: /var/lib/kvm-backup/NAME. */
  state?: string;
};

/** The configuration file of a job: a setting a line, as job/10-settings.sh reads it. */
export function jobConfig(job: JobSettings): string {
  const lines: [string, string | number | undefined][] = [
    ["name", job.name],
    ["state", job.state],
    ["root", job.root],
    ["one_file_system", job.oneFileSystem ? "yes" : undefined],
    ...job.paths.map((path): [string, string] => ["path", path]),
    ...job.exclude.map((pattern): [string, string] => ["exclude", pattern]),
    ...job.exclude.map((pattern): [string, string] => ["prune", pruneTest(pattern).join(" ")]),
    ...job.target.flatMap(targetLines),
    ["mode", job.level],
    ["full", seconds(job.full)],
    ["compress", job.compress],
    ["compress_level", job.compressLevel],
    ["split", job.split === undefined ? undefined : bytes(job.split)],
    ...job.encrypt.map((recipient): [string, string] => ["recipient", recipient]),
    ...Object.entries(job.keep ?? {}).map(([what, many]): [string, string] => ["keep", `${what} ${many}`]),
    ["immutable", job.immutable || undefined],
    ["hashes", job.hashes ? undefined : "no"],
    ...(job.before ?? []).map((word): [string, string] => ["before", word]),
    ...(job.after ?? []).map((word): [string, string] => ["after", word]),
    ["nice", job.nice || undefined],
    ["io", job.ioClass === "idle" ? "3" : undefined],
    ["drill_every", job.drill && job.drill !== "never" ? seconds(job.drill) : undefined],
    ...(job.check ?? []).map((word): [string, string] => ["check", word]),
    ["scratch", job.scratch],
    ["verify_every", job.verify && seconds(job.verify)],
    ["metrics", job.metrics],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} ${escaped(String(value))}\n`)
    .join("");
}

function targetLines(target: BackupTarget): [string, string][] {
  const { path, host, user, port, options, bucket } = target;
  if (bucket !== undefined)
    return [
      ["target", path],
      ["bucket", bucket],
      ...(["endpoint", "region", "credentials"] as const).flatMap((key): [string, string][] =>
        target[key] === undefined ? [] : [[key, target[key]]],
      ),
    ];
  if (host === undefined) return [["target", path]];
  return [
    ["target", path],
    ["ssh", `${user === undefined ? host : `${user}@${host}`}${port === undefined ? "" : ` ${port}`}`],
    ...Object.entries(options ?? {}).map(([name, value]): [string, string] => ["ssh_option", `${name}=${value}`]),
  ];
}

/** A period as the program takes it: by the calendar by name, a duration in seconds. */
export function seconds(period: string): string {
  return /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(period) ? String(Math.round(milliseconds(period) / 1000)) : period;
}

/** One line: \n stands for a line's end, \\ for a backslash. */
export function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
