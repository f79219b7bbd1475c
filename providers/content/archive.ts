import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { OperatorError } from "../dynamic/errors";
import { readWar } from "./war";

/** "maven:group:artifact:version" or with ":war" or ":zip" at its end. */
const coordinates = /^maven:([\w.-]+):([\w.-]+):([\w.-]+)(?::(jar|war|zip))?$/;

/** Whether it is Maven's, and not a path. */
export function isFromMaven(source: string): boolean {
  return source.startsWith("maven:");
}

/** The bytes of an archive: by its path, or from Maven Central, where nothing else than this digest is taken. */
export async function readArchive(source: string, sha256: string, signal?: AbortSignal): Promise<Buffer> {
  if (!isFromMaven(source)) return readWar(source);
  const path = pathOf(source);
  const places = [join(homedir(), ".m2/repository"), cache()].map((folder) => join(folder, path));
  for (const place of places.filter((one) => existsSync(one))) {
    const bytes = readFileSync(place);
    if (digest(bytes) === sha256) return bytes;
  }
  const kept = places[1]!;
  const bytes = await download(source, path, sha256, kept, signal);
  mkdirSync(dirname(kept), { recursive: true });
  // Others may do the same just now.
  const own = `${kept}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(own, bytes);
  renameSync(own, kept);
  return bytes;
}

/** The bytes of an archive that is used for `purpose`, and has to have this digest still. */
export async function readPinned(
  { war: source, sha256 }: { war: string; sha256: string },
  purpose: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readArchive(source, sha256, signal);
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause;
    throw new OperatorError(`${source} of ${purpose} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (digest(bytes) === sha256) return bytes;
  throw new OperatorError(`${source} of ${purpose} changed while pulumi ran`, { fix: "run pulumi up again" });
}

async function download(source: string, path: string, sha256: string, kept: string, signal?: AbortSignal) {
  const url = `https://repo1.maven.org/maven2/${path}`;
  const fix = `put the file of ${url} at ${kept}, or have Maven fetch it: mvn dependency:get -Dartifact=${source.slice(6)}`;
  let bytes: Buffer;
  try {
    const answer = await fetch(url, { signal });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    bytes = Buffer.from(await answer.arrayBuffer());
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const { message, cause: deeper } = cause as Error;
    const reason = deeper instanceof Error ? deeper.message : message;
    throw new OperatorError(`${source} cannot be had from ${url}: ${reason}`, { fix, cause });
  }
  const got = digest(bytes);
  if (got === sha256) return bytes;
  throw new OperatorError(`${source} from ${url} is not what it was: sha-256 ${got}, and ${sha256} is right`, { fix });
}

function pathOf(source: string): string {
  const found = coordinates.exec(source);
  if (!found)
    throw new OperatorError(`${source} is not of Maven`, { fix: 'say e.g. "maven:javax.portlet:portlet-api:2.0"' });
  const [, group, artifact, version, packaging = "jar"] = found;
  return `${group!.replaceAll(".", "/")}/${artifact}/${version}/${artifact}-${version}.${packaging}`;
}

function cache(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "pulumi-kvm/maven");
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
