import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";

/** Numbers that are the same for the same seed (mulberry32). */
export class Chance {
  constructor(private seed: number) {}

  below(limit: number): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit);
  }

  pick<T>(among: readonly T[]): T {
    return among[this.below(among.length)]!;
  }
}

/** All of a tree that a backup has to keep: by path type, mode, owners, time, content or target, attributes; then links. */
export function look(root: string): { [path: string]: string } {
  const found: { [path: string]: string } = {};
  const inodes = new Map<bigint, string[]>();
  const attributes = extendedAttributes(root);
  const visit = (path: string) => {
    const status = lstatSync(path, { bigint: true });
    const name = relative(root, path);
    let content = "";
    if (!status.isDirectory() && status.nlink > 1n) inodes.set(status.ino, [...(inodes.get(status.ino) ?? []), name]);
    if (status.isFile()) content = createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
    else if (status.isSymbolicLink()) content = readlinkSync(path);
    else if (status.isDirectory()) for (const entry of readdirSync(path)) visit(join(path, entry));
    const { mode, uid, gid, mtimeNs } = status;
    found[name] = [mode.toString(8), uid, gid, mtimeNs, content, attributes.get(name) ?? ""].join(" ");
  };
  visit(root);
  for (const names of inodes.values()) found[`links of ${names.sort()[0]}`] = names.join(", ");
  return found;
}

/** Extended attributes with ACLs, by path. */
function extendedAttributes(root: string): Map<string, string> {
  const argv = ["-R", "-h", "-P", "-d", "-m", "-", "-e", "hex", "."];
  const { stdout } = spawnSync("getfattr", argv, { cwd: root, encoding: "latin1", maxBuffer: 1e9 });
  return new Map(
    stdout
      .split("\n\n")
      .filter((block) => block !== "")
      .map((block) => {
        const [, name, values] = /^# file: (.*)\n([^]*)$/.exec(block)!;
        const plain = name!.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
        const path = Buffer.from(plain, "latin1").toString();
        return [path === "." ? "" : path.replace(/^\.\//, ""), values!.trim().split("\n").sort().join(" ")];
      }),
  );
}

/** The paths in which two looks differ, with both sides. */
export function differences(was: { [path: string]: string }, is: { [path: string]: string }): string[] {
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((path) => was[path] !== is[path])
    .map((path) => `${JSON.stringify(path)}: ${was[path]} | ${is[path]}`);
}

const names = [
  "a",
  "b",
  "c",
  "d",
  "ü",
  "x y",
  "new\nline",
  "back\\slash",
  "-o",
  "quote'",
  "tab\t",
  "*",
  "\u0001\u0002",
];

const deeds = {
  create: 5,
  folder: 2,
  append: 3,
  unlink: 2,
  rename: 3,
  moveFolder: 3,
  swapFolders: 1,
  deleteFolder: 1,
  mode: 2,
  owner: 1,
  link: 2,
  symlink: 1,
  attribute: 1,
  noAttributes: 1,
  acl: 0.2,
  time: 1,
  secretly: 1,
  becomeFolder: 1,
  moveIn: 1,
};
export type Deed = keyof typeof deeds;

/** Makes, changes, moves and removes things in a tree, as many as asked for. */
export function mutate(root: string, chance: Chance, times: number, only?: readonly Deed[]): void {
  const among = (Object.keys(deeds) as Deed[])
    .filter((deed) => !only || only.includes(deed))
    .flatMap((deed) => Array<Deed>(Math.max(1, Math.round(deeds[deed]))).fill(deed));
  let tree = survey(root);
  for (let i = 0; i < times; i++) {
    try {
      if (act(root, tree, chance, chance.pick(among), i)) tree = survey(root);
    } catch (error) {
      // What cannot be (a folder into itself, a name that is taken) is left.
      if (
        !["EINVAL", "EACCES", "EEXIST", "ENOTEMPTY", "ENOTDIR", "EISDIR", "ELOOP", "ENOENT", "EPERM"].includes(
          (error as NodeJS.ErrnoException).code ?? "",
        )
      )
        throw error;
      tree = survey(root);
    }
  }
}

interface Survey {
  folders: string[];
  others: string[];
}

function survey(root: string): Survey {
  const found: Survey = { folders: [root], others: [] };
  for (let i = 0; i < found.folders.length; i++)
    for (const entry of readdirSync(found.folders[i]!, { withFileTypes: true }))
      found[entry.isDirectory() ? "folders" : "others"].push(join(found.folders[i]!, entry.name));
  return found;
}

/** Does it; whether the tree's names may have changed. */
function act(root: string, { folders, others }: Survey, chance: Chance, deed: Deed, turn: number): boolean {
  const fresh = () => `${chance.pick(folders)}/${chance.pick(names)}${chance.below(5)}`;
  const inner = folders.slice(1);
  const any = () => chance.pick([...folders, ...others]);
  const file = () => chance.pick(others.filter((path) => lstatSync(path).isFile()));
  if (others.length === 0 && !["create", "folder"].includes(deed)) return false;
  switch (deed) {
    case "create":
      writeFileSync(fresh(), Buffer.from(`${turn} `.repeat(chance.below(200))), { flag: "wx" });
      return true;
    case "folder":
      mkdirSync(fresh());
      return true;
    case "append":
      appendFileSync(file(), `more ${turn}`);
      return false;
    case "unlink":
      rmSync(chance.pick(others));
      return true;
    case "rename":
      renameSync(chance.pick(others), fresh());
      return true;
    case "moveFolder":
      if (inner.length > 0) renameSync(chance.pick(inner), fresh());
      return true;
    case "swapFolders": {
      if (inner.length < 2) return false;
      const [one, other] = [chance.pick(inner), chance.pick(inner)];
      renameSync(one, join(root, "between"));
      try {
        renameSync(other, one);
      } finally {
        renameSync(join(root, "between"), statSync(other, { throwIfNoEntry: false }) ? one : other);
      }
      return true;
    }
    case "deleteFolder":
      if (inner.length > 3) rmSync(chance.pick(inner), { recursive: true });
      return true;
    case "mode":
      // Of a symbolic link it would be the mode of what it leads to.
      chmodSync(chance.pick([...folders, file()]), chance.pick([0o755, 0o700, 0o644, 0o4755, 0o1777, 0o000]));
      return false;
    case "owner":
      lchownSync(any(), chance.below(3) * 1000, chance.below(3) * 1000);
      return false;
    case "link":
      linkSync(file(), fresh());
      return true;
    case "symlink":
      symlinkSync(chance.pick(["/nowhere", "../x", "nowhere", "ü"]), fresh());
      return true;
    case "attribute":
      attribute("-n", `user.k${chance.below(2)}`, "-v", String(turn), chance.pick([...folders, file()]));
      return false;
    case "noAttributes":
      for (const key of ["user.k0", "user.k1"]) attribute("-x", key, any());
      return false;
    case "acl":
      spawnSync("setfacl", ["-m", "u:1000:r", "--", chance.pick([...folders, file()])]);
      return false;
    case "time":
      lutimesSync(any(), chance.below(1e9), chance.below(1e9) + 0.25);
      return false;
    case "secretly": {
      // Its content changes, and its time of modification does not.
      const path = file();
      const { atime, mtime } = statSync(path);
      appendFileSync(path, "secret");
      utimesSync(path, atime, mtime);
      return false;
    }
    case "becomeFolder": {
      const path = chance.pick(others);
      rmSync(path);
      mkdirSync(path);
      writeFileSync(join(path, "in"), "");
      return true;
    }
    case "moveIn": {
      const outside = `${root}-outside`;
      mkdirSync(join(outside, "sub"), { recursive: true });
      writeFileSync(join(outside, "sub", "f"), "o");
      linkSync(join(outside, "sub", "f"), join(outside, "hard"));
      renameSync(outside, fresh());
      return true;
    }
  }
}

function attribute(...words: string[]): void {
  spawnSync("setfattr", ["-h", ...words.slice(0, -1), "--", words.at(-1)!]);
}

/** Takes off what keeps files from being deleted. */
export function bringBack(folder: string): void {
  spawnSync("chattr", ["-R", "-f", "-i", folder]);
}

export function remove(folder: string): void {
  execFileSync("rm", ["-rf", "--one-file-system", folder]);
}
