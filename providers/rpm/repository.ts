import { distance } from "fastest-levenshtein";
import { OperatorError } from "../dynamic/errors";
import type { RpmRepository, RpmSource } from "../schema/rpm-image";
import { checkDetachedSignature } from "./detached-signature";
import { fetchBytes, fetchPackage, type FetchOptions } from "./download";
import { packagesOf, primaryOf, type ListedPackage } from "./repository-metadata";
import { unpacked } from "./unpack";
import { compareEvr } from "./version";

type Repositories = { [name: string]: RpmRepository };

/** What repomd.xml and its signature have at most; theirs are some KiB. */
const mostIndex = 2 ** 20;
const mostSignature = 2 ** 16;

/** A package of a repository. */
type Candidate = ListedPackage & { repository: string };

/**
 * The newest package that each name means, of all repositories together, for an architecture: name, place below the base
 * URL and digest. Of equal ones the repository that comes first has it.
 *
 * @param wanted - as dnf takes them: "nginx", "nginx.x86_64", "nginx-1.24.0", "nginx-1:1.24.0-1.x86_64"
 * @throws OperatorError for a repository that cannot be trusted or read, and for names that none has
 */
export async function lookUp(
  wanted: readonly string[],
  repositories: Repositories,
  architecture: string,
  options: FetchOptions,
): Promise<Map<string, RpmSource>> {
  const lists: List[] = [];
  for (const [name, repository] of Object.entries(repositories))
    lists.push(await listOf(name, repository, wanted, options));
  const candidates = lists.flatMap(({ packages }) => packages);
  const found = new Map<string, RpmSource>();
  const missing: string[] = [];
  for (const spec of wanted) {
    const means = candidates.filter((each) => spellings(each).includes(spec));
    const fitting = means.filter((each) => runs(each, architecture) || spec.endsWith(`.${each.architecture}`));
    const newest = fitting.reduce((best, each) => (best && compareEvr(best, each) >= 0 ? best : each), fitting[0]);
    if (newest) found.set(spec, sourceOf(spec, newest));
    else missing.push(absent(spec, architecture, candidates, lists));
  }
  if (missing.length > 0)
    throw new OperatorError(missing.join("; "), { fix: "correct the name, or add the repository that has it" });
  return found;
}

/** The URL of a package that was found. */
export function urlOf({ repository, href }: RpmSource, repositories: Repositories | undefined): string {
  return new URL(href!, repositories![repository!]!.baseurl).href;
}

interface List {
  repository: string;
  packages: Candidate[];
  names: Set<string>;
}

async function listOf(
  name: string,
  repository: RpmRepository,
  wanted: readonly string[],
  options: FetchOptions,
): Promise<List> {
  try {
    const primary = primaryOf((await trustedIndex(repository, options)).toString());
    const url = new URL(primary.href, repository.baseurl).href;
    const path = await fetchPackage(url, primary.sha256, { ...options, most: primary.size });
    const mayMean = (known: string) => wanted.some((spec) => spec === known || /^[-.]/.test(after(spec, known)));
    const list = unpacked({ path, payload: { offset: 0, compressor: primary.compressor } });
    const { packages, names } = await packagesOf(list, mayMean);
    return { repository: name, packages: packages.map((each) => ({ ...each, repository: name })), names };
  } catch (cause) {
    throw cause instanceof OperatorError ? new OperatorError(`repository ${name}: ${cause.message}`, { cause }) : cause;
  }
}

async function trustedIndex({ baseurl, gpgkey, repo_gpgcheck }: RpmRepository, options: FetchOptions): Promise<Buffer> {
  const url = new URL("repodata/repomd.xml", baseurl).href;
  const index = await fetchBytes(url, { ...options, most: mostIndex });
  if (!repo_gpgcheck) return index;
  let signature: Buffer;
  try {
    signature = await fetchBytes(`${url}.asc`, { ...options, most: mostSignature });
  } catch (cause) {
    if (!(cause instanceof OperatorError)) throw cause;
    throw new OperatorError(`its metadata are not signed, as far as can be seen: ${cause.message}`, {
      fix: "or set repo_gpgcheck: false, where its packages alone are signed",
      cause,
    });
  }
  await checkDetachedSignature("repomd.xml", index, signature, gpgkey, options.signal);
  return index;
}

function after(spec: string, name: string): string {
  return spec.startsWith(name) ? spec.slice(name.length) : "";
}

/** What a package may be called by, as dnf does. */
function spellings({ name, epoch, version, release, architecture }: ListedPackage): string[] {
  const versions = [`${name}-${version}`, `${name}-${epoch}:${version}`];
  const whole = versions.map((each) => `${each}-${release}`);
  return [name, ...versions, ...whole].flatMap((each) => [each, `${each}.${architecture}`]);
}

function runs({ architecture }: ListedPackage, wanted: string): boolean {
  return architecture === wanted || architecture === "noarch";
}

function sourceOf(name: string, found: Candidate): RpmSource {
  const { repository, href, sha256 } = found;
  return { found: nevra(found), href, name, repository, sha256 };
}

/** "nginx-1:1.24.0-1.x86_64"; without an epoch where it is 0. */
function nevra({ name, epoch, version, release, architecture }: ListedPackage): string {
  return `${name}-${epoch === "0" ? "" : `${epoch}:`}${version}-${release}.${architecture}`;
}

const mostNear = 3;

function absent(spec: string, architecture: string, candidates: readonly Candidate[], lists: readonly List[]): string {
  const looked = lists.map(({ repository }) => repository).join(", ");
  const others = candidates.filter(({ name }) => name === spec || /^[-.]/.test(after(spec, name)));
  const problem = `there is no package ${JSON.stringify(spec)} for ${architecture} in ${looked}`;
  if (others.length > 0) {
    const there = others.sort((a, b) => compareEvr(b, a)).slice(0, mostNear);
    return `${problem}; there is ${there.map((each) => `${nevra(each)} (${each.repository})`).join(", ")}`;
  }
  const farthest = Math.min(3, Math.max(2, Math.floor(spec.length / 3)));
  const near = lists
    .flatMap(({ repository, names }) => [...names].map((name) => ({ name, repository, far: farness(name, spec) })))
    .filter(({ far }) => far <= farthest)
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, mostNear);
  return near.length === 0
    ? `${problem}, nor one of a similar name`
    : `${problem}; near it: ${near.map(({ name, repository }) => `${name} (${repository})`).join(", ")}`;
}

function farness(name: string, spec: string): number {
  if (name.startsWith(`${spec}-`)) return 2;
  return Math.abs(name.length - spec.length) > 3 ? Infinity : distance(name, spec);
}
