/** The last `limit` bytes of a stream, in bounded memory. */
export class TailBuffer {
  private chunks: Buffer[] = [];
  private length = 0;
  /** True once bytes were dropped. */
  truncated = false;

  constructor(private readonly limit: number) {}

  append(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.length += chunk.length;
    while (this.chunks.length > 1 && this.length - this.chunks[0]!.length >= this.limit) {
      this.length -= this.chunks.shift()!.length;
      this.truncated = true;
    }
  }

  bytes(): Buffer {
    const all = Buffer.concat(this.chunks);
    if (all.length <= this.limit) return all;
    this.truncated = true;
    return all.subarray(all.length - this.limit);
  }
}
