import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readContent } from "../../../providers/content/folder";
import { WebServerHandler } from "../../../providers/handlers/web-server";
import { skip } from "../../skip";
import { NamespaceMachine } from "../machine/namespace-machine";
import { Played } from "./played";

/** An answer as curl tells it. */
export interface Answer {
  status: number;
  headers: { [name: string]: string };
  body: string;
}

/** A machine in namespaces with a web server that is declared on it, and a folder beside the "program". */
export class WebServerLab {
  readonly served: Played;

  private constructor(
    readonly machine: NamespaceMachine,
    readonly folder: string,
    readonly server: string,
  ) {
    this.served = new Played(new WebServerHandler(() => machine));
  }

  static async start(context: Mocha.Context, server: string): Promise<WebServerLab> {
    if (NamespaceMachine.obstacle) skip(context, NamespaceMachine.obstacle);
    const program = { nginx: "/usr/sbin/nginx", apache: "/usr/sbin/apache2" }[server]!;
    if (!existsSync(program)) skip(context, `needs ${program}`);
    return new WebServerLab(await NamespaceMachine.start(), mkdtempSync(join(tmpdir(), "kvm-web-")), server);
  }

  async stop(): Promise<void> {
    await this.machine.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Writes files beside the program. */
  write(files: { [path: string]: string }): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), text);
    }
  }

  /** A site whose root is a folder beside the program. */
  root(name = "site"): { root: string; content: string } {
    const root = join(this.folder, name);
    return { root, content: readContent(root).digest };
  }

  args(sites: object, more: object = {}): object {
    return { machine: { kind: "local" }, server: this.server, name: "www", sites, ...more };
  }

  /** Declares it; the classes of the changes. */
  up(sites: object, more: object = {}): Promise<string[]> {
    return this.served.up(this.args(sites, more));
  }

  /** Asks from inside the machine. */
  async get(url: string, ...options: string[]): Promise<Answer> {
    const argv = [
      "curl",
      "--silent",
      "--show-error",
      "--include",
      "--noproxy",
      "*",
      "--max-time",
      "10",
      ...options,
      url,
    ];
    const { stdout } = await this.machine.run(argv);
    const answers = stdout.split(/\r\n\r\n/);
    // An interim answer may come before.
    const [head = "", ...body] = /^HTTP\/\S+ 1\d\d/.test(stdout) ? answers.slice(1) : answers;
    const [first, ...lines] = head.split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
    );
    return { status: Number(first!.split(" ")[1]), headers, body: body.join("\r\n\r\n") };
  }

  /** The process ids of the server's first process. */
  pid(): string {
    const file = this.server === "nginx" ? "/run/nginx.pid" : "/run/apache2/apache2.pid";
    return this.machine.say("cat", file).trim();
  }

  /** A server of its own on a port of the machine, which answers with its name; ends with the machine. */
  async upstream(name: string, port: number, script?: string): Promise<void> {
    const program = script ?? plain;
    this.machine.spawn([process.execPath, "-e", program, name, String(port)]);
    const ready = 'until curl -s -o /dev/null --noproxy "*" "http://127.0.0.1:$0/"; do sleep 0.05; done';
    await this.machine.run(["sh", "-c", ready, String(port)], { timeout: 20_000 });
  }
}

/** Says its name, the path, and what it was told of the client. */
const plain = `
const [name, port] = process.argv.slice(1);
require("node:http").createServer((request, response) => {
  const status = Number(new URL(request.url, "http://x").searchParams.get("status") ?? 200);
  response.writeHead(status, { "content-type": "text/plain" });
  response.end([name, request.url, request.headers.host, request.headers["x-forwarded-for"], request.headers["x-forwarded-proto"]].join(" "));
}).listen(Number(port), "127.0.0.1");`;

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
