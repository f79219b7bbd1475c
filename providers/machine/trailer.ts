/** The keeper's last words: how the command ended, and what of its output is still on the machine. */
export interface Ending {
  exitCode: number;
  /** Bytes left in the spool, where the output was too long to hand out. */
  spooled?: { stdout: number; stderr: number };
}

const longest = 80;

/** Takes the keeper's last line "RS token exit-code [out-size err-size]" out of a stream of stderr. */
export class Trailer {
  ending?: Ending;
  private held = Buffer.alloc(0);
  private readonly mark: Buffer;

  constructor(token: string) {
    this.mark = Buffer.from(`\x1e${token} `);
  }

  /** What of `chunk` belongs to the command. What could still turn out to be the last line is held back. */
  filter(chunk: Buffer): Buffer {
    const data = Buffer.concat([this.held, chunk]);
    this.held = Buffer.alloc(0);
    const start = data.indexOf(this.mark);
    if (start >= 0) {
      const end = data.indexOf("\n", start);
      if (end >= 0) {
        this.ending = parse(data.subarray(start + this.mark.length, end).toString());
        return Buffer.concat([data.subarray(0, start), data.subarray(end + 1)]);
      }
      return this.hold(data, start);
    }
    const possible = data.lastIndexOf(0x1e);
    if (possible >= 0 && this.mark.subarray(0, data.length - possible).equals(data.subarray(possible)))
      return this.hold(data, possible);
    return data;
  }

  /** What was held back when the stream ends. */
  rest(): Buffer {
    return this.held;
  }

  private hold(data: Buffer, from: number): Buffer {
    if (data.length - from > longest) return data;
    this.held = Buffer.from(data.subarray(from));
    return data.subarray(0, from);
  }
}

function parse(text: string): Ending {
  const [exitCode = NaN, stdout, stderr] = text.split(" ").map(Number);
  return { exitCode, ...(stdout !== undefined && stderr !== undefined && { spooled: { stdout, stderr } }) };
}
