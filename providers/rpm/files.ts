import { OperatorError } from "../dynamic/errors";
import { damaged, tag, type Header } from "./header";

/** One file that an RPM lists. Text is latin1: a character a byte. */
export interface RpmFile {
  /** Its place in the package's list, which payloads of large files name it by. */
  index: number;
  /** Absolute, without empty parts, "." and "..". */
  path: string;
  type: "file" | "directory" | "symlink" | "character" | "block" | "fifo";
  /** Permission bits, with setuid, setgid and sticky. */
  mode: number;
  user: string;
  group: string;
  size: number;
  /** Seconds since 1970. */
  mtime: number;
  /** Hex; of files alone, and not of all. */
  digest: string;
  /** Where a symbolic link leads. */
  target: string;
  /** A device's number. */
  device: { major: number; minor: number };
  /** As text, "cap_net_raw=ep"; empty where it has none. */
  capabilities: string;
  /** Files of a package with the same one are one file with several names; undefined of files with one name. */
  links?: string;
  /** Whether the package owns it without bringing it: a log, a cache. */
  ghost: boolean;
}

const ghost = 1 << 6; // RPMFILE_GHOST
const kinds: { [bits: number]: RpmFile["type"] } = {
  0o01: "fifo",
  0o02: "character",
  0o04: "directory",
  0o06: "block",
  0o10: "file",
  0o12: "symlink",
};

/** What an RPM's header lists. Refuses paths that lead out of a root, and such as lie below what is no folder. */
export function filesOf(header: Header): RpmFile[] {
  const names = header.strings(tag.BaseNames);
  if (!names) return [];
  const column = columns(header, names.length);
  const folders = header.strings(tag.DirNames) ?? [];
  const places = column.numbers(tag.DirIndexes);
  const modes = column.numbers(tag.FileModes);
  const sizes = header.has(tag.LongFileSizes) ? column.numbers(tag.LongFileSizes) : column.numbers(tag.FileSizes);
  const mtimes = column.numbers(tag.FileMtimes);
  const users = column.strings(tag.FileUserName);
  const groups = column.strings(tag.FileGroupName);
  const flags = column.numbers(tag.FileFlags, true);
  const digests = column.strings(tag.FileDigests, true);
  const targets = column.strings(tag.FileLinkTos, true);
  const rdevs = column.numbers(tag.FileRdevs, true);
  const inodes = column.numbers(tag.FileInodes, true);
  const devices = column.numbers(tag.FileDevices, true);
  const capabilities = column.strings(tag.FileCaps, true);

  const files = names.map((name, index): RpmFile => {
    const path = `${folders[places[index]!] ?? ""}${name}`;
    const type = kinds[modes[index]! >> 12];
    if (type === undefined)
      throw new OperatorError(
        `has ${shown(path)}, which is of a kind that is not unpacked (mode ${modes[index]!.toString(8)})`,
      );
    if (type === "symlink" && !targets?.[index]) throw damaged(`its header does not say where ${shown(path)} leads`);
    const rdev = rdevs?.[index] ?? 0;
    return {
      index,
      path: inside(path),
      type,
      mode: modes[index]! & 0o7777,
      user: users[index]!,
      group: groups[index]!,
      size: sizes[index]!,
      mtime: mtimes[index]!,
      digest: digests?.[index] ?? "",
      target: targets?.[index] ?? "",
      // 16 bits hold the classic form alone.
      device: { major: rdev >> 8, minor: rdev & 0xff },
      capabilities: capabilities?.[index] ?? "",
      ...(type === "file" && inodes && { links: `${devices?.[index] ?? 0}:${inodes[index]}` }),
      ghost: flags !== undefined && (flags[index]! & ghost) !== 0,
    };
  });
  forgetSingleLinks(files);
  refuseUnlikeLinks(files);
  refuseBelowOthers(files);
  return files;
}

function columns(header: Header, length: number) {
  const checked = <T>(key: number, values: T[] | undefined, optional?: boolean): T[] => {
    // What is optional may be missing, and its reader knows.
    if (values === undefined && optional) return undefined as unknown as T[];
    if (values?.length !== length)
      throw damaged(`its header has ${values?.length ?? "no"} values ${key} for ${length} files`);
    return values;
  };
  function numbers(key: number): number[];
  function numbers(key: number, optional: true): number[] | undefined;
  function numbers(key: number, optional?: boolean) {
    return checked(key, header.numbers(key), optional);
  }
  function strings(key: number): string[];
  function strings(key: number, optional: true): string[] | undefined;
  function strings(key: number, optional?: boolean) {
    return checked(key, header.strings(key), optional);
  }
  return { numbers, strings };
}

/** The path, when every part of it goes deeper into the root; "/" is the root itself. */
function inside(path: string): string {
  const parts = path.split("/");
  const whole =
    path === "/" || (parts.shift() === "" && parts.every((part) => part !== "" && part !== "." && part !== ".."));
  if (!whole)
    throw new OperatorError(`has ${shown(path)}, which would leave the image or name a place in it ambiguously`, {
      fix: "do not use this package: rpm makes none like it",
    });
  return path;
}

function forgetSingleLinks(files: RpmFile[]): void {
  const count = new Map<string, number>();
  for (const { links } of files) if (links !== undefined) count.set(links, (count.get(links) ?? 0) + 1);
  for (const file of files) if (file.links !== undefined && count.get(file.links) === 1) delete file.links;
}

/** Names of one file say the same of it. */
function refuseUnlikeLinks(files: readonly RpmFile[]): void {
  const first = new Map<string, RpmFile>();
  for (const file of files) {
    if (file.links === undefined) continue;
    const other = first.get(file.links);
    if (other === undefined) first.set(file.links, file);
    else if ((["size", "digest", "mode", "user", "group"] as const).some((each) => file[each] !== other[each]))
      throw damaged(`its header says that ${shown(other.path)} and ${shown(file.path)} are one file, and unlike`);
  }
}

function refuseBelowOthers(files: readonly RpmFile[]): void {
  const types = new Map<string, RpmFile["type"]>();
  for (const { path, type } of files) {
    if (types.has(path))
      throw new OperatorError(`has ${shown(path)} twice`, { fix: "do not use this package: rpm makes none like it" });
    types.set(path, type);
  }
  for (const { path } of files)
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const above = path.slice(0, end);
      const type = types.get(above);
      if (type === undefined || type === "directory") continue;
      const what = type === "symlink" ? "a symbolic link" : "no folder";
      throw new OperatorError(`has ${shown(path)} below ${shown(above)}, which in the package itself is ${what}`, {
        fix: "do not use this package: rpm makes none like it",
      });
    }
}

/** A path for people: its bytes are read as UTF-8. */
export function shown(path: string): string {
  const text = Buffer.from(path, "latin1").toString();
  return /[\p{Cc}\ufffd]/u.test(text) ? JSON.stringify(text) : text;
}
