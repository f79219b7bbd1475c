import type { Duplex } from "node:stream";
import { SnapshotCalls } from "./calls-snapshot";
import type { Domain, StorageVol } from "./handles";
import type { Procedure } from "./rpc/procedure";
import { domains } from "./rpc/procedures-domain";
import { storage } from "./rpc/procedures-storage";
import { RpcStream } from "./rpc/rpc-stream";
import { type Source, type TransferOptions, download, upload } from "./volume-transfer";

const SPARSE_STREAM = 1;

/** Calls that open a data stream. Each has a connection of its own, so that bulk data delays no other call. */
export abstract class StreamCalls extends SnapshotCalls {
  /**
   * Fills a volume. After a failure or an abort the volume is partly written.
   *
   * @example
   * await connection.storageVolUpload(volume, createReadStream("disk.qcow2"), { onProgress: (bytes) => show(bytes) });
   */
  async storageVolUpload(vol: StorageVol, source: Source, options: TransferOptions = {}): Promise<void> {
    const { offset = 0, length = 0, sparse } = options;
    const args = { vol, offset, length, flags: sparse ? SPARSE_STREAM : 0 };
    const signal = options.signal ?? this.options.signal;
    await upload(await this.stream(storage.storageVolUpload, args, signal), source, { ...options, signal });
  }

  /** Writes a volume's content to `sink` and ends it. */
  async storageVolDownload(vol: StorageVol, sink: NodeJS.WritableStream, options: TransferOptions = {}): Promise<void> {
    const { offset = 0, length = 0, sparse } = options;
    const args = { vol, offset, length, flags: sparse ? SPARSE_STREAM : 0 };
    const signal = options.signal ?? this.options.signal;
    await download(await this.stream(storage.storageVolDownload, args, signal), sink, { ...options, signal });
  }

  /** The guest's console, both ways; null takes the first. It ends with the guest; destroy it to hang up before. */
  domainOpenConsole(dom: Domain, devName: string | null = null, flags = 0): Promise<Duplex> {
    return this.dialogue(domains.domainOpenConsole, { dom, devName, flags });
  }

  /** A channel device that libvirt keeps open for clients, by its target's name. */
  domainOpenChannel(dom: Domain, name: string | null = null, flags = 0): Promise<Duplex> {
    return this.dialogue(domains.domainOpenChannel, { dom, name, flags });
  }

  private async dialogue<Args>(procedure: Procedure<Args, any>, args: Args): Promise<Duplex> {
    const stream = await this.stream(procedure, args, this.options.signal);
    return stream.once("end", () => stream.end());
  }

  private async stream<Args>(procedure: Procedure<Args, any>, args: Args, signal?: AbortSignal): Promise<RpcStream> {
    signal?.throwIfAborted();
    const stream = await RpcStream.open(await this.pool.dedicated(), procedure, args);
    if (signal?.aborted) stream.on("error", () => {}).destroy();
    signal?.throwIfAborted();
    return stream;
  }
}
