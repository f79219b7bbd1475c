import { constants } from "node:fs";
import { access, open } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import type { Connection } from "./connection";
import { VIR_DOMAIN_CONSOLE_SAFE } from "./constants";
import type { Domain } from "./handles";

/** Bytes that are kept: enough for the last lines. */
const kept = 16 * 1024;

/**
 * What a guest printed last. On this machine its log is read when it is asked for; on another one the console is
 * listened to from the start, which works only while nobody else does.
 */
export class ConsoleTail {
  private tail = Buffer.alloc(0);

  private constructor(
    private readonly log: string | undefined,
    private readonly stream: Duplex | undefined,
  ) {
    stream?.on("data", (data: Buffer) => (this.tail = Buffer.concat([this.tail, data]).subarray(-kept)));
    stream?.on("error", () => {});
  }

  /** @param log the console's log on the host, where there is one */
  static async open(connection: Connection, domain: Domain, log: string | undefined): Promise<ConsoleTail> {
    const local = /^[a-z]+:\/\/\/[^?]*$/.test(connection.uri);
    if (log !== undefined && local && (await readable(log))) return new ConsoleTail(log, undefined);
    const stream = await connection.domainOpenConsole(domain, null, VIR_DOMAIN_CONSOLE_SAFE).catch(() => undefined);
    return new ConsoleTail(undefined, stream);
  }

  /** The last `count` lines that are not blank, without colours and cursor movements. */
  async lines(count: number): Promise<string[]> {
    const text = this.log === undefined ? this.tail : await readTail(this.log).catch(() => Buffer.alloc(0));
    return stripVTControlCharacters(text.toString())
      .split(/[\r\n]+/)
      .map((line) => line.replace(/\p{Cc}/gu, "").trimEnd())
      .filter((line) => line !== "")
      .slice(-count);
  }

  close(): void {
    this.stream?.destroy();
  }
}

function readable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function readTail(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(kept), 0, kept, Math.max(0, size - kept));
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
