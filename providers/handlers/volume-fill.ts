import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { ErrorCode, isLibvirtError } from "../libvirt/errors";
import type { StoragePool, StorageVol } from "../libvirt/handles";
import { volumeXML } from "../libvirt/xml/volume";
import { bytes, formatSize } from "../schema/size";
import type { VolumeInputs } from "../schema/volume";
import { found } from "./adopt";
import { inspectSource, type SourceFile } from "./source-file";
import { makeMarker } from "./upload-marker";

/** Why the file cannot be the volume's content; undefined when it can. */
export function imageProblem(inputs: VolumeInputs, image: SourceFile): { field: string; reason: string } | undefined {
  const { format, capacity, source } = inputs;
  if (image.format !== format)
    return {
      field: "format",
      reason: `${source!.path} is ${image.format}, not ${format}. Fix: set format: "${image.format}"`,
    };
  if (capacity !== undefined && bytes(capacity) < image.capacity)
    return {
      field: "capacity",
      reason: `${capacity} is less than the ${formatSize(image.capacity)} of ${source!.path}. Fix: leave it out, or give that or more`,
    };
  return undefined;
}

/** Why the pool has no room; undefined when it has. */
export async function spaceProblem(
  connection: Connection,
  pool: StoragePool,
  needed: number,
): Promise<string | undefined> {
  // What guests and other programs wrote since shows only after a refresh, which a busy pool refuses.
  await connection.storagePoolRefresh(pool).catch(unlessBusy);
  const { available } = await connection.storagePoolGetInfo(pool);
  if (available >= needed) return undefined;
  return roomProblem(pool.name, available, needed);
}

export function roomProblem(pool: string, available: number, needed: number): string {
  const [has, needs] = [Math.floor(available / 2 ** 20), Math.ceil(needed / 2 ** 20)];
  return `storage pool ${pool} has ${has} MiB free, ${needs} MiB are needed. Fix: make room on the host, or use another pool`;
}

/** A pool in which a volume is being made cannot be refreshed now, and will be by whoever works in it. */
export function unlessBusy(error: unknown): void {
  if (!isLibvirtError(error, ErrorCode.INTERNAL_ERROR)) throw error;
}

/** Makes the volume and uploads its content. After a failure neither the volume nor its marker is left. */
export async function fill(
  connection: Connection,
  pool: StoragePool,
  inputs: VolumeInputs,
  context: Context,
): Promise<StorageVol> {
  const image = await inspectSource(inputs.source!.path);
  const problem = imageProblem(inputs, image);
  if (problem) throw new OperatorError(problem.reason);
  const space = await spaceProblem(connection, pool, image.length);
  if (space !== undefined) throw new OperatorError(space);

  const marker = await makeMarker(connection, pool, inputs.name);
  let volume: StorageVol | undefined;
  try {
    const { name, format } = inputs;
    volume = await connection.storageVolCreateXML(pool, volumeXML({ name, format, capacity: image.capacity }));
    await upload(connection, volume, inputs, image, context);
    const wanted = inputs.capacity === undefined ? image.capacity : bytes(inputs.capacity);
    if (wanted > image.capacity) {
      // libvirt reads the new header when it is asked about the volume, and resizes from what it knows.
      await connection.storageVolGetInfo(volume);
      await connection.storageVolResize(volume, wanted);
    }
    await connection.storageVolDelete(marker);
    return volume;
  } catch (cause) {
    throw await failure(connection, pool, [volume, marker], image.length, cause);
  }
}

/** Removes what was made, and says more where the pool is full. What cannot be removed now, the next run removes. */
async function failure(
  connection: Connection,
  pool: StoragePool,
  made: (StorageVol | undefined)[],
  needed: number,
  cause: unknown,
): Promise<unknown> {
  // The operation's own time may be over: cleaning up has its own.
  const cleaner = connection.with({ signal: undefined });
  try {
    for (const volume of made) if (volume) await found(cleaner.storageVolDelete(volume));
    const full = isLibvirtError(cause) ? await spaceProblem(cleaner, pool, needed) : undefined;
    return full === undefined ? cause : new OperatorError(full, { cause });
  } catch {
    return cause;
  }
}

async function upload(
  connection: Connection,
  volume: StorageVol,
  { source, format }: VolumeInputs,
  image: SourceFile,
  context: Context,
): Promise<void> {
  const digest = createHash("sha256");
  const total = `${Math.ceil(image.length / 2 ** 20)} MiB`;
  let told = Date.now();
  async function* content(): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(source!.path, { highWaterMark: 1 << 20 })) {
      if (source!.sha256 !== undefined) digest.update(chunk);
      yield chunk;
    }
  }
  await connection.storageVolUpload(volume, content(), {
    signal: context.signal,
    // A new raw volume is all zeros; a new qcow2 one has a header to be overwritten, zeros included.
    sparse: format === "raw",
    onProgress: (done) => {
      if (Date.now() - told < 2000) return;
      told = Date.now();
      context.progress(`uploaded ${Math.floor((done / image.length) * 100)}% of ${total}`);
    },
  });
  const got = digest.digest("hex");
  if (source!.sha256 !== undefined && got !== source!.sha256)
    throw new OperatorError(`${source!.path} has the SHA-256 digest ${got}, not ${source!.sha256}`, {
      fix: "fetch the file again, or correct source.sha256",
    });
  context.progress(`uploaded ${total}`);
}
