import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What the server puts behind an object's name. */
const suffix = "._S3rver_object";

/** An S3 server on loopback with one bucket; its objects are files. */
export class BucketServer {
  readonly bucket = "backups";
  readonly folder = mkdtempSync(join(tmpdir(), "kvm-bucket-"));
  private daemon?: ChildProcess;
  private endpoint = "";

  /** Why it cannot run here; undefined when it can. */
  static missing(): string | undefined {
    const without = ["s3rver", "rclone"].filter((tool) => spawnSync("which", [tool]).status !== 0);
    return without.length === 0 ? undefined : `needs ${without.join(", ")}`;
  }

  async start(): Promise<void> {
    mkdirSync(join(this.folder, "data"));
    writeFileSync(join(this.folder, "keys"), "[default]\naws_access_key_id = S3RVER\naws_secret_access_key = S3RVER\n");
    const args = [
      "-a",
      "127.0.0.1",
      "-p",
      "0",
      "-s",
      "-d",
      join(this.folder, "data"),
      "--configure-bucket",
      this.bucket,
    ];
    this.daemon = spawn("s3rver", args, { stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface(this.daemon.stdout!)) {
      const port = /listening on \S+:(\d+)/.exec(line)?.[1];
      if (port === undefined) continue;
      this.endpoint = `http://127.0.0.1:${port}`;
      return;
    }
    throw new Error("the S3 server ended");
  }

  async stop(): Promise<void> {
    if (this.daemon && this.daemon.exitCode === null) {
      this.daemon.kill();
      await once(this.daemon, "exit");
    }
    rmSync(this.folder, { recursive: true });
  }

  /** A job's target. */
  target(path: string) {
    const { bucket, endpoint } = this;
    return { bucket, path, endpoint, region: "us-east-1", credentials: join(this.folder, "keys") };
  }

  /** An endpoint before the server that refuses one method, as a server does whose keys have fewer rights. */
  async refusing(method: string, code: string): Promise<{ endpoint: string; close(): void }> {
    const before = createServer((request, response) => {
      if (request.method === method) {
        request.resume();
        response.writeHead(403, { "content-type": "application/xml" });
        response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>refused here</Message></Error>`);
        return;
      }
      const { method: way, headers, url } = request;
      const onward = forward(`${this.endpoint}${url}`, { method: way, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    await once(before.listen(0, "127.0.0.1"), "listening");
    return {
      endpoint: `http://127.0.0.1:${(before.address() as AddressInfo).port}`,
      close: () => {
        before.closeAllConnections();
        before.close();
      },
    };
  }

  /** The names of all objects below a prefix. */
  objects(prefix: string): string[] {
    const folder = join(this.folder, "data", this.bucket, prefix);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith(suffix))
      .map((name) => name.slice(0, -suffix.length))
      .sort();
  }

  /** Where an object's content is. */
  file(name: string): string {
    return join(this.folder, "data", this.bucket, name + suffix);
  }
}
