import { posix } from "node:path";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { relay } from "./relay";

/** A file of a repository, by its path there, and its bytes. */
export interface NeededFile {
  path: string;
  size: number;
}

/** The lines "SIZE PATH" that the programs of backup jobs print. */
export function neededFiles(lines: readonly string[]): NeededFile[] {
  return lines.map((line) => ({
    size: Number(line.split(" ", 1)[0]),
    path: line.slice(line.indexOf(" ") + 1),
  }));
}

/** Copies files of a repository from one machine into a folder of another. */
export async function bring(
  from: Machine,
  repository: string,
  machine: Machine,
  folder: string,
  files: readonly NeededFile[],
  { signal, progress }: { signal: AbortSignal; progress(message: string): void },
): Promise<void> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const { path, size } of files) {
    await relay(from, posix.join(repository, path), machine, posix.join(folder, path), size, signal);
    done += size;
    if (size > 0)
      progress(`${Math.round((done / total) * 100)}% of ${Math.round(total / 1e6)} MB brought from ${from.label}`);
  }
}

/** The last words of a backup job's program are the error. */
export async function said<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === undefined) throw error;
    const lines = error.stderr
      .trim()
      .split("\n")
      .filter((line) => !/^level \d+$/.test(line));
    throw new OperatorError(lines.join("\n").replace(/^kvm-(guest-)?backup( \S+)?: /gm, ""), { cause: error });
  }
}
