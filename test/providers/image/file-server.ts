import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the server does with one request for the file. */
export type Behaviour =
  | "whole"
  /** Ends the connection after half of what was asked for. */
  | "half"
  /** Sends half and then nothing more. */
  | "stall"
  /** Knows no ranges: sends all of it. */
  | "no-ranges"
  | { status: number }
  | { redirect: string };

/** An HTTP server on loopback that serves one file under every path, in the ways that it is told. */
export class FileServer {
  /** The Range headers of all requests, in order; undefined for none. */
  readonly ranges: (string | undefined)[] = [];
  /** Texts served instead of the file, by path. */
  readonly texts: { [path: string]: string } = {};
  private readonly server: Server;

  /** @param behaviours one for each request; the last one holds for all that follow */
  constructor(
    public content: Buffer,
    public behaviours: Behaviour[] = ["whole"],
  ) {
    this.server = createServer((request, response) => this.answer(request, response));
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const text = this.texts[request.url!];
    if (text !== undefined) return void response.end(text);
    const range = request.headers.range;
    this.ranges.push(range);
    const behaviour = this.behaviours.length > 1 ? this.behaviours.shift()! : this.behaviours[0]!;
    if (typeof behaviour === "object") {
      if ("status" in behaviour) response.writeHead(behaviour.status).end("no");
      else response.writeHead(302, { location: behaviour.redirect }).end();
      return;
    }
    const start = range && behaviour !== "no-ranges" ? Number(/bytes=(\d+)-/.exec(range)![1]) : 0;
    if (start >= this.content.length) return void response.writeHead(416).end();
    const body = this.content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      "content-length": body.length,
      ...(start > 0 && { "content-range": `bytes ${start}-${this.content.length - 1}/${this.content.length}` }),
    });
    if (behaviour === "whole" || behaviour === "no-ranges") return void response.end(body);
    response.write(body.subarray(0, Math.floor(body.length / 2)), () => {
      if (behaviour === "half") setTimeout(() => response.destroy(), 50);
    });
  }
}
