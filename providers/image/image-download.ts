import { createHash } from "node:crypto";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { parseDigest } from "../schema/cloud-image";
import { findDigest, type Digest } from "./checksums";
import { explainDownload } from "./download-error";
import { DOWNLOAD, FETCH_ARGV } from "./download-script";

export interface DownloadRequest {
  url: string;
  /** "sha256:...", or the URL of a checksums file. Without it any content is taken. */
  checksum?: string;
}

export interface DownloadOptions {
  signal?: AbortSignal;
  /** Milliseconds for all of it. Default an hour. */
  timeout?: number;
  /** Seconds without data after which the server counts as dead. Default 60. */
  patience?: number;
  progress(message: string): void;
}

/** A disk image in its place. */
export interface Downloaded {
  path: string;
  format: "qcow2";
  /** Virtual size in bytes. */
  capacity: number;
  /** Of what was downloaded, before it was unpacked: "sha256:...". */
  digest: string;
}

/** Downloads disk images on a machine: verified, whole or not at all, and nothing where the content is there. */
export class ImageDownload {
  constructor(private readonly machine: Machine) {}

  /** Throws OperatorError with what went wrong and what to do. */
  async download(request: DownloadRequest, directory: string, options: DownloadOptions): Promise<Downloaded> {
    const { url, checksum } = request;
    const wanted = checksum === undefined ? undefined : await this.digest(url, checksum, options);
    const algorithm = wanted?.algorithm ?? "sha256";
    const key = createHash("sha256")
      .update(`${url}\n${wanted?.digest ?? ""}`)
      .digest("hex")
      .slice(0, 12);
    const args = [
      directory,
      key,
      `${stem(url)}-@.qcow2`,
      algorithm,
      wanted?.digest ?? "",
      String(options.patience ?? 60),
    ];
    const { stdout } = await this.run(["sh", "-c", DOWNLOAD, "sh", ...args], url, options);
    const [, path, digest] = /^published (.*) ([0-9a-f]+)$/m.exec(stdout)!;
    const capacity = await this.capacity(path!, options.signal);
    return { path: path!, format: "qcow2", capacity, digest: `${algorithm}:${digest}` };
  }

  private async capacity(path: string, signal?: AbortSignal): Promise<number> {
    const argv = ["qemu-img", "info", "--force-share", "--output=json", "-f", "qcow2", path];
    const info = JSON.parse((await this.machine.run(argv, { signal })).stdout) as { [field: string]: unknown };
    return Number(info["virtual-size"]);
  }

  private async digest(url: string, checksum: string, options: DownloadOptions): Promise<Digest> {
    const given = parseDigest(checksum);
    if (given) return given;
    options.progress("reading checksums");
    const { signal } = options;
    try {
      const argv = [...FETCH_ARGV, "--max-time", String(options.patience ?? 60)];
      const { stdout } = await this.machine.run(argv, { stdin: configuration(checksum), signal });
      return findDigest(stdout, fileName(url));
    } catch (error) {
      if (error instanceof OperatorError) throw error;
      throw this.explained(error, checksum);
    }
  }

  private async run(argv: string[], url: string, { signal, timeout = 3_600_000, progress }: DownloadOptions) {
    let rest = "";
    let told = 0;
    const onOutput = (stream: "stdout" | "stderr", data: Buffer) => {
      if (stream !== "stdout") return;
      const lines = (rest + data.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const [, stage] = /^stage (.*)/.exec(line) ?? [];
        const [, done, total] = /^progress (\d+) (\d+)/.exec(line) ?? [];
        if (stage) progress(stage);
        else if (done && Date.now() - told > 3000) {
          told = Date.now();
          progress(portion(Number(done), Number(total)));
        }
      }
    };
    try {
      return await this.machine.run(argv, { stdin: configuration(url), signal, timeout, onOutput });
    } catch (error) {
      throw this.explained(error, url);
    }
  }

  private explained(error: unknown, url: string): unknown {
    // The cause is left out: curl's own words may repeat a URL with its secrets.
    return error instanceof CommandError ? explainDownload(error, url, this.machine.label) : error;
  }
}

/** curl's configuration: unlike an argument, it is in no process list. */
function configuration(url: string): string {
  return `url = "${url}"\n`;
}

function fileName(url: string): string {
  return decodeURIComponent(new URL(url).pathname.split("/").at(-1)!);
}

/** What the published file is called by: the URL's last part without its endings, in characters that every shell takes. */
function stem(url: string): string {
  const name = fileName(url).replace(/(\.(qcow2|img|raw|xz|zst|zstd|gz|bz2))+$/, "");
  return (
    name
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[.-]+/, "")
      .slice(0, 80) || "image"
  );
}

function portion(done: number, total: number): string {
  const mib = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
  return total >= done && total > 0 ? `${Math.floor((done / total) * 100)}% of ${mib(total)}` : mib(done);
}
