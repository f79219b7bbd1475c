import { createHash } from "node:crypto";
import { tarEnd, tarHeader, tarPadding, type TarMember } from "../content/tar";
import { OperatorError } from "../dynamic/errors";
import type { Feed } from "../machine/feed";
import { ByteReader } from "./byte-reader";
import { fileCapabilities } from "./capability";
import { payloadEntries, type PayloadEntry } from "./cpio";
import { shown, type RpmFile } from "./files";
import { damaged } from "./header";
import type { RpmPackage } from "./package-file";
import type { Tree, TreeNode } from "./tree";
import { unpacked } from "./unpack";

/**
 * The tree as a tar archive: folders, then files package by package as their payloads bring them, then links and
 * devices. Every file's content is compared with the digest that its package's header has of it: the archive fails where
 * they differ, and is of no use then.
 *
 * No member lies below one that is no folder, so that unpacking it writes nowhere else.
 */
export function treeArchive(tree: Tree, progress: (done: number, total: number) => void = () => {}): Feed {
  const plan = new Plan(tree);
  const total = plan
    .members()
    .reduce((sum, { size, ...member }) => sum + tarHeader({ ...member, size }).length + size + tarPadding(size), 0);
  const length = total + tarEnd.length;
  async function* chunks(): AsyncGenerator<Buffer> {
    let done = 0;
    for await (const chunk of plan.chunks()) {
      done += chunk.length;
      progress(done, length);
      yield chunk;
    }
  }
  return { length, chunks: chunks() };
}

/** One file with all its names in the tree; the first is the one whose content is sent. */
type Names = [TreeNode, ...TreeNode[]];

class Plan {
  private readonly folders: TreeNode[] = [];
  private readonly others: TreeNode[] = [];
  /** Files of each package that are in the tree, by `keyOf`. */
  private readonly files = new Map<RpmPackage, Map<string, Names>>();

  constructor({ nodes }: Tree) {
    const sorted = [...nodes.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const node of sorted) {
      // Also a package without files is read, and compared with what it says.
      if (node.origin && !this.files.has(node.origin.package)) this.files.set(node.origin.package, new Map());
      if (node.type === "directory") this.folders.push(node);
      else if (node.type === "file") this.addFile(node);
      else this.others.push(node);
    }
  }

  private addFile(node: TreeNode): void {
    const { package: source, file } = node.origin!;
    const files = this.files.get(source)!;
    const names = files.get(keyOf(file));
    if (names) names.push(node);
    else files.set(keyOf(file), [node]);
  }

  members(): TarMember[] {
    const files = [...this.files.values()].flatMap((each) => [...each.values()].map(([first]) => memberOf(first)));
    return [...this.folders.map(memberOf), ...files, ...this.rest()];
  }

  private rest(): TarMember[] {
    const links = [...this.files.values()].flatMap((each) =>
      [...each.values()].flatMap(([first, ...more]) => more.map((name) => linkTo(first, name))),
    );
    return [...this.others.map(memberOf), ...links];
  }

  async *chunks(): AsyncGenerator<Buffer> {
    for (const folder of this.folders) yield tarHeader(memberOf(folder));
    for (const [source, files] of this.files) {
      try {
        yield* packageChunks(source, files);
      } catch (cause) {
        if (!(cause instanceof OperatorError)) throw cause;
        throw new OperatorError(`${source.label} ${cause.message}`, { cause });
      }
    }
    for (const member of this.rest()) yield tarHeader(member);
    yield tarEnd;
  }
}

async function* packageChunks(source: RpmPackage, files: Map<string, Names>): AsyncGenerator<Buffer> {
  const reader = new ByteReader(unpacked(source));
  const left = new Map(files);
  try {
    for await (const entry of payloadEntries(reader, source.files)) {
      const { file, size } = entry;
      if (file.type === "symlink") await checkTarget(entry);
      if (file.type !== "file" || size !== file.size) continue;
      const names = left.get(keyOf(file));
      left.delete(keyOf(file));
      if (names) yield tarHeader(memberOf(names[0]));
      for await (const chunk of checked(entry, source.digestAlgorithm)) if (names) yield chunk;
      if (names) yield Buffer.alloc(tarPadding(size));
    }
  } finally {
    await reader.close();
  }
  const [missing] = left.values();
  if (missing) throw damaged(`its payload lacks the content of ${shown(missing[0].path)}`);
}

async function* checked({ file, content }: PayloadEntry, algorithm: string): AsyncGenerator<Buffer> {
  const hash = file.digest === "" ? undefined : createHash(algorithm);
  for await (const chunk of content()) {
    hash?.update(chunk);
    yield chunk;
  }
  if (hash && hash.digest("hex") !== file.digest)
    throw damaged(`the content of ${shown(file.path)} does not have the digest that its header says`);
}

async function checkTarget({ file, content }: PayloadEntry): Promise<void> {
  const parts: Buffer[] = [];
  for await (const chunk of content()) parts.push(chunk);
  if (Buffer.concat(parts).toString("latin1") !== file.target)
    throw damaged(`${shown(file.path)} leads elsewhere in its payload than in its header`);
}

function keyOf({ links, index }: RpmFile): string {
  return links ?? String(index);
}

function memberOf({ path, type, mode, uid, gid, mtime, size, target, device, capabilities }: TreeNode): TarMember {
  return {
    name: nameOf(path, type === "directory"),
    type,
    ...{ mode, uid, gid, mtime },
    size: type === "file" ? size : 0,
    ...(type === "symlink" && { target: Buffer.from(target, "latin1") }),
    ...((type === "character" || type === "block") && { device }),
    ...(type === "file" &&
      capabilities !== "" && { attributes: { "security.capability": fileCapabilities(capabilities) } }),
  };
}

function linkTo(first: TreeNode, { path, mode, uid, gid, mtime }: TreeNode): TarMember {
  const target = nameOf(first.path, false);
  return { name: nameOf(path, false), type: "link", mode, uid, gid, mtime, size: 0, target };
}

function nameOf(path: string, folder: boolean): Buffer {
  return Buffer.from(path === "/" ? "./" : `${path.slice(1)}${folder ? "/" : ""}`, "latin1");
}
