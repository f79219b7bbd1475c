import { createHash } from "node:crypto";
import { OperatorError } from "../dynamic/errors";
import { explain } from "../image/build-error";
import { ImageFiles } from "../image/image-files";
import { CommandError } from "../machine/command-error";
import { before } from "../machine/feed";
import type { Machine } from "../machine/machine";
import type { RpmImageInputs, RpmSource } from "../schema/rpm-image";
import { bytes, formatSize } from "../schema/size";
import { treeArchive } from "./archive";
import { fetchPackage } from "./download";
import { rpmImageParts, rpmImageScript } from "./image-script";
import { readPackage, type RpmPackage } from "./package-file";
import { urlOf } from "./repository";
import { checkSignatures } from "./signature";
import { layer, type Tree } from "./tree";

/** What an image holds, as its manifest says in JSON. */
export interface RpmManifest {
  /** "nginx-1.24.0-1.x86_64", in their order. */
  contents: string[];
  /** The scripts that were not run: "nginx-1.24.0-1.x86_64: %pre, %post". */
  scriptlets: string[];
  /** What packages need and none of them has: "nginx-1.24.0-1.x86_64: libc.so.6()(64bit)". */
  unmet: string[];
  /** Paths that came from the package given last of those that have it. */
  overridden: string[];
}

export interface BuildOptions {
  signal?: AbortSignal;
  timeout: number;
  progress(message: string): void;
}

/** Changes when the same packages are unpacked in another way. */
const generation = "1";

/** What an image is called without its ending: packages and options alike, whatever their paths, make the same name. */
export function rpmImageName(inputs: RpmImageInputs): { name: string; hash: string } {
  const { packages, format, size, conflicts, devices, setuid, users, groups, serial } = inputs;
  const sorted = (numbers: { [name: string]: number }) => Object.entries(numbers).sort(([a], [b]) => (a < b ? -1 : 1));
  const digests = packages.map(({ sha256 }) => sha256);
  const all = [generation, digests, format, size, conflicts, devices, setuid, sorted(users), sorted(groups), serial];
  const hash = createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 12);
  return { name: `rpm-${hash}`, hash };
}

/** The packages that are here by now, read and checked; the others have to be downloaded. */
export async function localPackages(inputs: RpmImageInputs): Promise<RpmPackage[]> {
  return Promise.all(
    inputs.packages
      .filter(({ path }) => path !== undefined)
      .map(({ path, sha256 }) => readPackage(path!, labelOf(path!), sha256)),
  );
}

/** What a place takes at least: empty files and folders fill a disk too. */
const block = 4096;

/** What the packages make together, where that is allowed. */
export function treeOf(packages: readonly RpmPackage[], inputs: RpmImageInputs): Tree {
  const tree = layer(packages, inputs);
  const total = [...tree.nodes.values()].reduce(
    (sum, { size }) => sum + Math.max(1, Math.ceil(size / block)) * block,
    0,
  );
  if (total > bytes(inputs.maxSize))
    throw new OperatorError(
      `the packages unpack to ${formatSize(Math.ceil(total / 2 ** 20) * 2 ** 20)}, more than maxSize ${inputs.maxSize}`,
      { fix: "set a larger maxSize, if that is meant" },
    );
  return tree;
}

/** Makes images of RPMs on a machine: whole or not at all, and nothing where it is there. */
export class RpmImageBuilder {
  constructor(private readonly machine: Machine) {}

  /** Throws OperatorError with what went wrong and what to do. */
  async build(inputs: RpmImageInputs, options: BuildOptions): Promise<RpmManifest> {
    const { name } = rpmImageName(inputs);
    const files = new ImageFiles(this.machine, inputs.directory, name, rpmImageParts[inputs.format]);
    if (!(await files.inspect(options.signal)).whole) await this.make(inputs, name, files, options);
    const manifest = await this.machine.read(files.path(".manifest"), { signal: options.signal });
    // Images that were made before lack it.
    return { unmet: [], ...JSON.parse(manifest.toString()) };
  }

  private async make(inputs: RpmImageInputs, name: string, files: ImageFiles, options: BuildOptions): Promise<void> {
    const users = await files.users(options.signal);
    if (users.length > 0)
      throw new OperatorError(
        `${files.main} is not whole, and in use, which a new one would break: ${users.join(", ")}`,
        {
          fix: "restore its files, or remove what uses it",
        },
      );
    const packages = await this.packages(inputs, options);
    await checkAllSignatures(packages, inputs, options.signal);
    const tree = treeOf(packages, inputs);
    const manifest = Buffer.from(`${JSON.stringify(manifestOf(packages, tree), undefined, 2)}\n`);
    await this.send(inputs, name, tree, manifest, options);
  }

  private async packages({ packages, repositories }: RpmImageInputs, options: BuildOptions): Promise<RpmPackage[]> {
    const read: RpmPackage[] = [];
    for (const source of packages) {
      const { path, href, sha256 } = source;
      const url = href === undefined ? source.url : urlOf(source, repositories);
      const at = path ?? (await fetchPackage(url!, sha256!, options));
      const one = await readPackage(at, labelOf(path ?? href ?? new URL(url!).pathname), sha256);
      refuseAnother(one, source);
      read.push(one);
    }
    return read;
  }

  private async send(
    { format, directory, size }: RpmImageInputs,
    name: string,
    tree: Tree,
    manifest: Buffer,
    { signal, timeout, progress }: BuildOptions,
  ): Promise<void> {
    let told = Date.now();
    const archive = treeArchive(tree, (done, total) => {
      if (Date.now() - told < 3000) return;
      told = Date.now();
      progress(`unpacking: ${Math.floor((done / total) * 100)}% of ${Math.ceil(total / 2 ** 20)} MiB`);
    });
    const numbers = [manifest.length, archive.length, tree.nodes.size, size === undefined ? 0 : bytes(size)];
    const argv = ["sh", "-c", rpmImageScript(format), "sh", directory, name, ...numbers.map(String)];
    progress(`unpacking ${Math.ceil(archive.length / 2 ** 20)} MiB`);
    try {
      await this.machine.run(argv, { stdin: before(manifest, archive), signal, timeout });
    } catch (error) {
      if (error instanceof CommandError && error.cause instanceof OperatorError) throw error.cause;
      throw explain(error, this.machine.label);
    }
  }
}

/** Metadata that nobody signed could call any signed package by any name. */
function refuseAnother({ label, name }: RpmPackage, { found, repository }: RpmSource): void {
  if (found === undefined || found.replace(/-[0-9]+:/, "-") === name) return;
  throw new OperatorError(`${label} is ${name}, and repository ${repository} calls it ${found}`, {
    fix: "do not use this repository, or ask who keeps it",
  });
}

/** Files and URLs against `keys`, packages of repositories against those of theirs. */
async function checkAllSignatures(
  packages: readonly RpmPackage[],
  { packages: sources, keys, repositories = {} }: RpmImageInputs,
  signal?: AbortSignal,
): Promise<void> {
  const of = (name?: string) => packages.filter((_, index) => sources[index]!.repository === name);
  if (keys) await checkSignatures(of(undefined), keys, signal);
  for (const [name, { gpgcheck, gpgkey }] of Object.entries(repositories)) {
    const words = { keys: `gpgkey of repository ${name}`, without: "set gpgcheck: false" };
    if (gpgcheck && of(name).length > 0) await checkSignatures(of(name), gpgkey, signal, words);
  }
}

function manifestOf(packages: readonly RpmPackage[], tree: Tree): RpmManifest {
  return {
    contents: packages.map(({ name }) => name),
    scriptlets: packages
      .filter(({ scriptlets }) => scriptlets.length > 0)
      .map(({ name, scriptlets }) => `${name}: ${scriptlets.join(", ")}`),
    unmet: unmetOf(packages),
    overridden: tree.overridden.map((path) => Buffer.from(path, "latin1").toString()),
  };
}

/** Names alone are compared: what a version or a condition asks for is its reader's to judge. */
function unmetOf(packages: readonly RpmPackage[]): string[] {
  const there = new Set(packages.flatMap(({ provides, files }) => [...provides, ...files.map(({ path }) => path)]));
  return packages.flatMap(({ name, requires }) => {
    const missing = new Set(requires.filter((each) => !there.has(each)));
    return missing.size > 0 ? [`${name}: ${[...missing].join(", ")}`] : [];
  });
}

/** The last part of a path. */
export function labelOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1) || path;
}
