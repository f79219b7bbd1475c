import { OperatorError } from "../dynamic/errors";
import { shown, type RpmFile } from "./files";
import type { RpmPackage } from "./package-file";

/** What an image is made of beside the packages. */
export interface TreeOptions {
  /** What happens to a path that two packages have, each in another way. */
  conflicts: "error" | "last";
  devices: boolean;
  /** Whether setuid and setgid bits and capabilities are kept. */
  setuid: boolean;
  /** Numbers of users and groups by name, beside root's. */
  users: { [name: string]: number };
  groups: { [name: string]: number };
}

/** One place of the tree. */
export interface TreeNode extends Pick<
  RpmFile,
  "type" | "mode" | "size" | "mtime" | "target" | "device" | "capabilities"
> {
  path: string;
  uid: number;
  gid: number;
  /** Where it comes from; a folder that no package lists comes from none. */
  origin?: { package: RpmPackage; file: RpmFile };
}

export interface Tree {
  /** By path, "/" first. No path of it leads through a symbolic link. */
  nodes: Map<string, TreeNode>;
  /** Paths of which the package given last was taken. */
  overridden: string[];
}

/** As many symbolic links are followed for one path; Linux does the same (path_resolution(7)). */
const mostLinks = 40;
const shownAtMost = 8;

/**
 * The tree that packages make when each is unpacked over those before it. Symbolic links of earlier packages that lead to
 * folders are followed as in a system whose root the tree is: never out of it.
 *
 * @throws OperatorError with every conflict, and every file that options do not allow
 */
export function layer(packages: readonly RpmPackage[], options: TreeOptions): Tree {
  const layering = new Layering(options);
  for (const each of packages) layering.add(each);
  layering.complain();
  return { nodes: layering.nodes, overridden: layering.overridden };
}

class Layering {
  readonly nodes = new Map<string, TreeNode>([["/", implied("/")]]);
  readonly overridden: string[] = [];
  private readonly conflicts: string[] = [];
  private readonly devices: string[] = [];
  /** The first path of each package's owner whose number is not known. */
  private readonly strangers = new Map<string, string>();

  constructor(private readonly options: TreeOptions) {}

  add(source: RpmPackage): void {
    const files = source.files.filter(({ ghost }) => !ghost);
    // A folder comes before what is in it.
    for (const file of files.sort((a, b) => (a.path < b.path ? -1 : 1))) {
      if ((file.type === "character" || file.type === "block") && !this.options.devices)
        this.devices.push(`${shown(file.path)} in ${source.label}`);
      this.place(this.node(source, file));
    }
  }

  complain(): void {
    const { conflicts, devices, strangers } = this;
    if (devices.length > 0)
      throw new OperatorError(`device nodes are not unpacked: ${some(devices, ", ")}`, {
        fix: "set devices: true where they are wanted; hosts and containers make their own /dev",
      });
    if (strangers.size > 0) {
      const [kind, name] = [...strangers.keys()][0]!.split(" ") as [string, string];
      throw new OperatorError(
        `files belong to owners whose numbers are not known: ${some([...strangers.values()], ", ")}`,
        {
          fix: `say their numbers in the image, e.g. ${kind}s: { ${JSON.stringify(name)}: 990 }`,
        },
      );
    }
    if (conflicts.length > 0)
      throw new OperatorError(`packages do not go together:\n  ${some(conflicts, "\n  ")}`, {
        fix: 'leave a package out, change their order, or set conflicts: "last" to take files of the one given last',
      });
  }

  private node(source: RpmPackage, file: RpmFile): TreeNode {
    const { path, type, size, mtime, target, device } = file;
    const kept = this.options.setuid || type === "directory" ? file.mode : file.mode & 0o1777;
    return {
      ...{ path, type, size, mtime, target, device, mode: kept },
      capabilities: this.options.setuid ? file.capabilities : "",
      uid: this.number("user", file.user, source, path),
      gid: this.number("group", file.group, source, path),
      origin: { package: source, file },
    };
  }

  private number(kind: "user" | "group", name: string, { label }: RpmPackage, path: string): number {
    if (name === "root") return 0;
    const known = this.options[`${kind}s`];
    if (Object.hasOwn(known, name)) return known[name]!;
    const key = `${kind} ${name}`;
    if (!this.strangers.has(key)) this.strangers.set(key, `${kind} ${shown(name)} (${shown(path)} in ${label})`);
    return 0;
  }

  private place(node: TreeNode): void {
    const folder = node.path === "/" ? "/" : this.resolve(parent(node.path), node);
    if (folder === undefined) return;
    const path = node.path === "/" ? "/" : join(folder, node.path.slice(node.path.lastIndexOf("/") + 1));
    const there = this.nodes.get(path);
    if (node.type === "directory" && there?.type === "symlink") return this.placeFolder(path, node);
    this.put({ ...node, path }, there);
  }

  /** A folder where an earlier package has a symbolic link is the one that it leads to. */
  private placeFolder(link: string, node: TreeNode): void {
    const path = this.resolve(link, node);
    if (path !== undefined) this.put({ ...node, path }, this.nodes.get(path));
  }

  private put(node: TreeNode, there: TreeNode | undefined): void {
    const folders = [node, there].filter((each) => each?.type === "directory").length;
    if (there?.origin === undefined && (there === undefined || folders === 2)) {
      this.nodes.set(node.path, node);
      return;
    }
    const [before, after] = [nameOf(there!), nameOf(node)];
    if (folders === 1) {
      this.conflicts.push(`${shown(node.path)} is ${kind(there!)} in ${before} and ${kind(node)} in ${after}`);
      return;
    }
    const difference = differs(there!, node);
    if (difference !== undefined && this.options.conflicts === "error") {
      this.conflicts.push(`${shown(node.path)} is in ${before} and ${after} with another ${difference}`);
      return;
    }
    if (difference !== undefined) this.overridden.push(node.path);
    this.nodes.set(node.path, node);
  }

  /** Where a folder's path leads within the tree; it is made where it is missing. Undefined where there cannot be one. */
  private resolve(folder: string, on: TreeNode): string | undefined {
    let at = "/";
    let links = 0;
    const parts = folder.split("/").reverse();
    while (parts.length > 0) {
      const part = parts.pop()!;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        at = parent(at);
        continue;
      }
      const path = join(at, part);
      const there = this.nodes.get(path);
      if (there === undefined) this.nodes.set(path, implied(path));
      if (there?.type === "symlink") {
        if (++links > mostLinks) {
          this.conflicts.push(
            `${shown(on.path)} in ${nameOf(on)} lies below ${shown(path)}, a link that leads in a circle`,
          );
          return undefined;
        }
        if (there.target.startsWith("/")) at = "/";
        parts.push(...there.target.split("/").reverse());
        continue;
      }
      if (there !== undefined && there.type !== "directory") {
        this.conflicts.push(
          `${shown(on.path)} in ${nameOf(on)} lies below ${shown(path)}, which is ${kind(there)} in ${nameOf(there)}`,
        );
        return undefined;
      }
      at = path;
    }
    return at;
  }
}

function implied(path: string): TreeNode {
  const nothing = { size: 0, mtime: 0, target: "", device: { major: 0, minor: 0 }, capabilities: "" };
  return { path, type: "directory", mode: 0o755, uid: 0, gid: 0, ...nothing };
}

/** In what two files of one path differ, in words; not in what nobody would miss, such as their times. */
function differs(a: TreeNode, b: TreeNode): string | undefined {
  if (a.type !== b.type) return "kind";
  if (a.type === "symlink") return a.target === b.target ? undefined : "target";
  if (a.uid !== b.uid || a.gid !== b.gid) return "owner";
  if (a.mode !== b.mode) return "mode";
  if (a.capabilities !== b.capabilities) return "capabilities";
  if (a.type === "file" && (a.size !== b.size || !sameContent(a, b))) return "content";
  const numbered = a.type === "character" || a.type === "block";
  return numbered && (a.device.major !== b.device.major || a.device.minor !== b.device.minor) ? "number" : undefined;
}

function sameContent(a: TreeNode, b: TreeNode): boolean {
  const [one, other] = [a.origin!, b.origin!];
  if (one.file.digest === "" && one.file.size === 0) return true;
  return one.package.digestAlgorithm === other.package.digestAlgorithm && one.file.digest === other.file.digest;
}

function nameOf({ origin }: TreeNode): string {
  return origin?.package.label ?? "the packages before";
}

function kind({ type }: TreeNode): string {
  return {
    directory: "a folder",
    symlink: "a symbolic link",
    fifo: "a pipe",
    file: "a file",
    character: "a device",
    block: "a device",
  }[type];
}

function parent(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

function join(folder: string, name: string): string {
  return folder === "/" ? `/${name}` : `${folder}/${name}`;
}

function some(list: readonly string[], separator: string): string {
  const more = list.length - shownAtMost;
  return [...list.slice(0, shownAtMost), ...(more > 0 ? [`and ${more} more`] : [])].join(separator);
}
