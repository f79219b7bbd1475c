import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { OperatorError } from "../dynamic/errors";

/** One file of a folder, by its path in it. */
export interface ContentFile {
  path: string;
  mode: "644" | "755";
  sha256: string;
  size: number;
}

/** What is in a folder on the machine that runs pulumi. */
export interface Content {
  /** Changes with any file's path, mode or bytes. */
  digest: string;
  /** By path. */
  files: ContentFile[];
  /** A line a file: `SHA256 MODE PATH`. */
  manifest: string;
}

/** Reads a folder whole. Throws where something in it cannot be sent: symbolic links, devices, names over two lines. */
export function readContent(folder: string): Content {
  const files = walk(folder, "").sort((a, b) => (a.path < b.path ? -1 : 1));
  if (files.length === 0) throw new OperatorError(`folder ${folder} is empty`, { fix: "put files into it" });
  const manifest = manifestOf(files);
  return { digest: createHash("sha256").update(manifest).digest("hex").slice(0, 16), files, manifest };
}

export function manifestOf(files: readonly ContentFile[]): string {
  return files.map(({ sha256, mode, path }) => `${sha256} ${mode} ${path}\n`).join("");
}

function walk(folder: string, below: string): ContentFile[] {
  const place = join(folder, below);
  return entries(folder, place).flatMap((entry) => {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (/[\n\\]/.test(entry.name))
      throw new OperatorError(
        `the name of ${JSON.stringify(path)} in ${folder} has a line break or a backslash in it`,
        {
          fix: "give it another name",
        },
      );
    if (entry.isDirectory()) return walk(folder, path);
    if (!entry.isFile())
      throw new OperatorError(
        `${path} in ${folder} is a ${entry.isSymbolicLink() ? "symbolic link" : "special file"}`,
        {
          fix: "put the file itself there",
        },
      );
    const bytes = readFileSync(join(folder, path));
    const executable = (statSync(join(folder, path)).mode & 0o100) !== 0;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return [{ path, mode: executable ? ("755" as const) : ("644" as const), sha256, size: bytes.length }];
  });
}

function entries(folder: string, place: string) {
  try {
    return readdirSync(place, { withFileTypes: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "does not exist" : code === "ENOTDIR" ? "is not a folder" : message;
    throw new OperatorError(`folder ${folder} ${reason} (looked in ${process.cwd()})`, { cause });
  }
}
