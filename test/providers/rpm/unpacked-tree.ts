import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** One place of a tree, with all that an image has to keep of it. */
interface Place {
  kind: string;
  mode: string;
  uid: number;
  gid: number;
  /** Seconds since 1970. */
  mtime: number;
  sha256?: string;
  target?: string;
  device?: number;
  capabilities?: string;
  /** The first of the names of a file that has several. */
  firstName?: string;
}

export type Places = { [path: string]: Place };

/** What is in a folder. */
export function placesIn(folder: string): Places {
  const places: Places = {};
  const firstNames = new Map<number, string>();
  const capabilities = capabilitiesIn(folder);
  const look = (path: string) => {
    const real = Buffer.from(join(folder, path), "latin1");
    const { mode, uid, gid, mtimeMs, ino, nlink, rdev } = lstatSync(real);
    const kind = (mode >> 12).toString(8).padStart(2, "0");
    const place: Place = { kind, mode: (mode & 0o7777).toString(8), uid, gid, mtime: Math.floor(mtimeMs / 1000) };
    if (kind === "10") place.sha256 = createHash("sha256").update(readFileSync(real)).digest("hex");
    if (kind === "12") place.target = readlinkSync(real, "latin1");
    if (kind === "02" || kind === "06") place.device = rdev;
    if (kind !== "04" && nlink > 1) {
      if (!firstNames.has(ino)) firstNames.set(ino, path);
      place.firstName = firstNames.get(ino)!;
    }
    const granted = capabilities.get(path);
    if (granted !== undefined) place.capabilities = granted;
    if (path !== "") places[path] = place;
    if (kind !== "04") return;
    for (const name of readdirSync(real, "latin1").sort()) look(`${path}/${name}`);
  };
  look("");
  return places;
}

function capabilitiesIn(folder: string): Map<string, string> {
  const lines = execFileSync("getcap", ["-r", folder], { encoding: "latin1" }).split("\n");
  return new Map(
    lines.filter(Boolean).map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(folder.length, at), line.slice(at + 1)];
    }),
  );
}

/** The owners that an RPM names beside root, each with a number of its own, as an image is told them. */
export function ownersIn(rpm: string) {
  const numbered = (key: string) => {
    const names = new Set(rows(rpm, [key]).flat());
    return Object.fromEntries([...names].filter((name) => name !== "root").map((name, at) => [name, 500 + at]));
  };
  return { users: numbered("FILEUSERNAME"), groups: numbered("FILEGROUPNAME") };
}

/**
 * What `rpm2cpio | cpio -idm` unpacks into a new folder, with what it leaves out as rpm says it: owners and capabilities,
 * which are not in the payload, and times of links and of folders, which cpio does not set or loses again. Folders that
 * the package does not list are root's, and of no time.
 */
export function placesByCpio(rpm: string, folder: string): Places {
  mkdirSync(folder);
  const unpack = 'cd "$1" && umask 022 && rpm2cpio "$2" | cpio -idm --quiet --no-absolute-filenames 2>&1';
  execFileSync("sh", ["-c", unpack, "sh", folder, rpm]);
  const places = placesIn(folder);
  for (const place of Object.values(places))
    if (place.kind === "04") Object.assign(place, { uid: 0, gid: 0, mtime: 0 });
  const { users, groups } = ownersIn(rpm);
  const keys = ["FILENAMES", "FILEUSERNAME", "FILEGROUPNAME", "FILEMTIMES", "FILECAPS"];
  for (const [path, user, group, mtime, granted] of rows(rpm, keys)) {
    const place = places[path!];
    if (!place) continue; // a file that the package lists and does not bring
    Object.assign(place, { uid: users[user!] ?? 0, gid: groups[group!] ?? 0, mtime: Number(mtime) });
    if (granted && granted !== "(none)") place.capabilities = granted;
  }
  return places;
}

function rows(rpm: string, keys: string[]): string[][] {
  const format = `[${keys.map((key) => `%{${key}}`).join("\t")}\n]`;
  const listed = execFileSync("rpm", ["-qp", "--nosignature", "--qf", format, rpm], {
    encoding: "latin1",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return listed
    .split("\n")
    .filter((line) => line !== "" && line !== "(none)" && !line.startsWith("(none)\t"))
    .map((line) => line.split("\t"));
}
