import { OperatorError } from "../dynamic/errors";
import { attribute, child, children, parse, text } from "../libvirt/xml/document";
import { formatSize } from "../schema/size";
import type { Evr } from "./version";

/** A file of a repository, as its metadata tell of it. */
export interface Listed {
  /** Below the repository's base URL. */
  href: string;
  sha256: string;
  /** In bytes. */
  size: number;
}

/** The list of packages, of which repomd.xml says where it is. */
export interface PrimaryList extends Listed {
  /** What its packing calls for: "gzip", "xz", "zstd", "bzip2" or "none". */
  compressor: string;
}

/** A package as the repository's list has it. */
export interface ListedPackage extends Listed, Evr {
  name: string;
  architecture: string;
}

/** The most of a list that is read: packed, unpacked, and of one package. */
export const mostPacked = 256 * 2 ** 20;
const mostUnpacked = 2 * 2 ** 30;
const mostOfPackage = 16 * 2 ** 20;

const compressors: { [ending: string]: string } = { gz: "gzip", xz: "xz", zst: "zstd", bz2: "bzip2", xml: "none" };

/** Reads repomd.xml (https://github.com/rpm-software-management/createrepo_c writes it): where the list of packages is. */
export function primaryOf(xml: string): PrimaryList {
  const root = parsed(xml, "repomd.xml");
  const data = children(root, "data").find((each) => attribute(each, "type") === "primary");
  if (root.nodeName !== "repomd" || !data)
    throw new OperatorError("has a repomd.xml that names no list of packages", {
      fix: "check baseurl: it is the folder that holds repodata/",
    });
  const listed = listedIn(data, "repomd.xml", Number(text(data, "size")));
  const compressor = compressors[listed.href.slice(listed.href.lastIndexOf(".") + 1)];
  if (!compressor)
    throw new OperatorError(`packs its list of packages as ${listed.href}, which is not read`, {
      fix: "have createrepo_c pack it with gz, xz, zst or bz2",
    });
  if (!(listed.size <= mostPacked))
    throw new OperatorError(
      `has a list of packages of ${formatSize(listed.size)}, and ${formatSize(mostPacked)} is the most that is read`,
    );
  return { ...listed, compressor };
}

/**
 * The packages of a list whose names are wanted, and the names of all. Only those that are wanted are parsed: lists of
 * distributions have 100,000.
 */
export async function packagesOf(
  list: AsyncIterable<Buffer>,
  wanted: (name: string) => boolean,
): Promise<{ packages: ListedPackage[]; names: Set<string> }> {
  const names = new Set<string>();
  const packages: ListedPackage[] = [];
  for await (const xml of packageElements(list)) {
    const name = /<name>([^<]*)<\/name>/.exec(xml)?.[1];
    if (name === undefined) throw malformed("its list of packages", "a package has no name");
    names.add(name);
    if (wanted(name)) packages.push(packageIn(xml));
  }
  return { packages, names };
}

const [begin, end] = ["<package ", "</package>"];

/** The text of one element after the other. "<" is no part of any text in XML. */
async function* packageElements(list: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let [rest, total] = ["", 0];
  for await (const chunk of list) {
    total += chunk.length;
    if (total > mostUnpacked)
      throw new OperatorError(`has a list of packages that unpacks to more than ${formatSize(mostUnpacked)}`);
    rest += decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let to = rest.indexOf(end); to >= 0; to = rest.indexOf(end, from)) {
      const at = rest.indexOf(begin, from);
      if (at >= 0 && at < to) yield rest.slice(at, to + end.length);
      from = to + end.length;
    }
    rest = rest.slice(from);
    if (rest.length > mostOfPackage)
      throw new OperatorError(`has a package in its list that takes more than ${formatSize(mostOfPackage)}`);
  }
}

function packageIn(xml: string): ListedPackage {
  const where = "its list of packages";
  const element = child(parsed(`<m xmlns:rpm="http://linux.duke.edu/metadata/rpm">${xml}</m>`, where), "package")!;
  const [name, architecture, edition] = [text(element, "name"), text(element, "arch"), child(element, "version")];
  const [version, release] = [attribute(edition, "ver"), attribute(edition, "rel")];
  if (!name || !architecture || !version || !release) throw malformed(where, `${name ?? "a package"} is told in part`);
  const epoch = attribute(edition, "epoch") || "0";
  const size = Number(attribute(child(element, "size"), "package"));
  return { name, architecture, epoch, version, release, ...listedIn(element, name, size) };
}

function listedIn(element: ReturnType<typeof parse>, what: string, size: number): Listed {
  const location = child(element, "location");
  const href = attribute(location, "href");
  const checksum = child(element, "checksum");
  const type = attribute(checksum, "type");
  const sha256 = checksum?.textContent?.trim().toLowerCase() ?? "";
  if (!href || !Number.isSafeInteger(size) || size < 0) throw malformed(what, "a file's place or size is missing");
  if (attribute(location, "xml:base")) throw leaves(what, attribute(location, "xml:base")!);
  if (type !== "sha256")
    throw new OperatorError(`has checksums of the kind ${type ?? "none"} for ${what}, and sha256 is what is checked`, {
      fix: "have createrepo_c write them: --checksum sha256",
    });
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw malformed(what, `${JSON.stringify(sha256)} is no SHA-256 digest`);
  return { href: below(href, what), sha256, size };
}

/** The place, when every part of it leads deeper. What URLs make of "%2e" or "?" is none of a repository's business. */
function below(href: string, what: string): string {
  const parts = href.split("/");
  const plain = parts.every((part) => /^[A-Za-z0-9._+~^@,=:-]+$/.test(part) && part !== "." && part !== "..");
  if (!plain || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(href)) throw leaves(what, href);
  return href;
}

function leaves(what: string, href: string): OperatorError {
  return new OperatorError(`says that ${what} is at ${JSON.stringify(href)}, which may lead out of its base URL`, {
    fix: "do not use this repository, or ask who keeps it",
  });
}

function parsed(xml: string, what: string): ReturnType<typeof parse> {
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) throw malformed(what, "it declares entities, which metadata never do");
  try {
    return parse(xml);
  } catch (cause) {
    throw malformed(what, /malformed XML: .*/.exec((cause as Error).message)?.[0] ?? "no XML", cause);
  }
}

function malformed(what: string, reason: string, cause?: unknown): OperatorError {
  return new OperatorError(`has damaged metadata: ${what}: ${reason}`, {
    fix: "check baseurl: it is the folder that holds repodata/",
    cause,
  });
}
