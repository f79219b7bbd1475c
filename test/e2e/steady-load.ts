import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { LabNode } from "../lab/lab-node";

/** Asks for a page every 50 ms, each time over a connection of its own, and tells what went wrong. */
const client = `
const { get } = require("node:http");
const [url] = process.argv.slice(1);
let answered = 0;
let longest = 0;
let under = 0;
const failed = [];
const ask = () => {
  const begun = Date.now();
  under++;
  const request = get(url, { agent: false, timeout: 30000 }, (response) => {
    let body = "";
    response.on("data", (data) => (body += data));
    response.on("error", (error) => failed.push(error.message));
    response.on("end", () => {
      if (response.statusCode === 200) answered++;
      else failed.push(new Date().toISOString() + " " + response.statusCode + " " + body.slice(0, 200));
    });
  });
  request.on("close", () => {
    under--;
    longest = Math.max(longest, Date.now() - begun);
  });
  request.on("timeout", () => request.destroy(new Error("no answer within 30 s")));
  request.on("error", (error) => failed.push(new Date().toISOString() + " " + error.message));
};
const timer = setInterval(ask, 50);
process.stdout.write("asking");
process.stdin.resume().on("end", () => {
  clearInterval(timer);
  const end = setInterval(() => {
    if (under > 0) return;
    clearInterval(end);
    process.stdout.write(JSON.stringify({ answered, failed, longest }));
    process.exit();
  }, 20);
});`;

/** A small steady load. */
export class SteadyLoad {
  private text = "";

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on("data", (data) => (this.text += String(data)));
  }

  /** From a node of the lab: in its network only, it does not see the home folder that Node is in. */
  static from(node: LabNode, url: string): Promise<SteadyLoad> {
    const [pid] = /\d+/.exec(node.path("/"))!;
    return SteadyLoad.start((argv) => ["nsenter", "--target", pid, "--net", ...argv], url);
  }

  /** @param enter the argv that runs a command where the load comes from */
  static async start(enter: (argv: string[]) => string[], url: string): Promise<SteadyLoad> {
    const [program, ...argv] = enter([process.execPath, "-e", client, url]);
    const child = spawn(program!, argv, { stdio: ["pipe", "pipe", "inherit"] });
    await Promise.race([
      once(child.stdout!, "data"),
      once(child, "exit").then(() => Promise.reject(new Error("the load did not start"))),
    ]);
    return new SteadyLoad(child);
  }

  /** Ends it; how many requests were answered with 200, what became of the others, and the longest one in milliseconds. */
  async stop(): Promise<{ answered: number; failed: string[]; longest: number }> {
    const ended = once(this.child, "close");
    this.child.stdin!.end();
    await ended;
    return JSON.parse(this.text) as { answered: number; failed: string[]; longest: number };
  }
}
