import { createHash } from "node:crypto";
import { readPinned } from "../content/archive";
import { manifestOf, type Content, type ContentFile } from "../content/folder";
import { Releases, type SendContext } from "../content/release";
import { zipEntries, type ZipEntry } from "../content/zip";
import { exclusive } from "../dynamic/mutex";
import type { Machine } from "../machine/machine";
import { distributions, type WildFlyModel } from "./model";

type Distribution = WildFlyModel["distribution"];

/** What no server of ours reads. */
const needless = /^(docs|domain|appclient|\.galleon)\//;

/** Where a distribution is on a machine: one folder for all servers that run it. */
export function distributionHome({ sha256 }: Distribution): string {
  return `${distributions}/releases/${sha256.slice(0, 16)}`;
}

/** Brings a distribution to a machine that does not have it; one that is there is not even read here. */
export async function sendDistribution(
  machine: Machine,
  distribution: Distribution,
  context: SendContext,
): Promise<void> {
  const sealed = `${distributionHome(distribution)}.manifest`;
  await exclusive(`WildFly's distribution on ${machine.label}`, async () => {
    if (await machine.status(sealed, { signal: context.signal })) return;
    await opened(distribution, context, async ({ content, entries }) => {
      const releases = new Releases(machine, distributions);
      await releases.sendFiles(distribution.file, content, ({ path }) => entries.get(path)!.bytes(), context);
    });
  });
}

interface Opened {
  content: Content;
  entries: Map<string, ZipEntry>;
}

/** Those that are being sent: one archive, which is large, for all machines that get it at the same time. */
const inUse = new Map<string, { users: number; archive: Promise<Opened> }>();

async function opened(
  distribution: Distribution,
  context: SendContext,
  use: (archive: Opened) => Promise<void>,
): Promise<void> {
  const key = distribution.sha256;
  const shared = inUse.get(key) ?? { users: 0, archive: open(distribution, context) };
  inUse.set(key, shared);
  shared.users++;
  try {
    await use(await shared.archive);
  } finally {
    if (--shared.users === 0) inUse.delete(key);
  }
}

async function open({ file, sha256 }: Distribution, { progress }: SendContext): Promise<Opened> {
  progress(`opening ${file}`);
  // Not stopped with the one that asked first: others may wait for it.
  const archive = await readPinned({ war: file, sha256 }, "WildFly");
  const entries = new Map(
    zipEntries(archive)
      .map((entry) => [entry.path.slice(entry.path.indexOf("/") + 1), entry] as const)
      .filter(([path]) => !needless.test(path)),
  );
  const files: ContentFile[] = [];
  for (const [path, entry] of entries) {
    const bytes = await entry.bytes();
    const mode = (entry.mode & 0o100) === 0 ? "644" : "755";
    files.push({ path, mode, sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length });
  }
  return { entries, content: { digest: sha256.slice(0, 16), files, manifest: manifestOf(files) } };
}
