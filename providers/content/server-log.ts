import type { Machine } from "../machine/machine";

/** The size of log "$1"; or, with "$2", its last "$3" lines since it had that size. */
const LOG = `
if [ -z "$2" ]; then stat -c %s -- "$1" 2>/dev/null || echo 0; exit; fi
tail -c "+$(($2 + 1))" -- "$1" 2>/dev/null | tail -n "$3"`;

/** What a server writes into its log while it is changed. */
export class ServerLog {
  constructor(
    private readonly machine: Machine,
    private readonly path: string,
    /** The most that is told of it. */
    private readonly lines: number,
  ) {}

  async size(signal?: AbortSignal): Promise<string> {
    return (await this.run("", signal)).trim();
  }

  /** What has come since it had that size. */
  async since(size: string): Promise<string> {
    return (await this.run(size)).trimEnd();
  }

  private async run(size: string, signal?: AbortSignal): Promise<string> {
    const argv = ["sh", "-c", LOG, "sh", this.path, size, String(this.lines)];
    return (await this.machine.run(argv, { signal })).stdout;
  }
}
