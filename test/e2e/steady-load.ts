import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { LabNode } from "../lab/lab-node";

/** Asks for a page every 50 ms, each time over a connection of its own, and tells what went wrong. */
const client = `
const { get } = require("node:http");
const [url] = process.argv.slice(1);
let answered = 0;
const failed = [];
const ask = () => {
  const request = get(url, { agent: false, timeout: 5000 }, (response) => {
    let body = "";
    response.on("data", (data) => (body += data));
    response.on("error", (error) => failed.push(error.message));
    response.on("end", () => {
      if (response.statusCode === 200) answered++;
      else failed.push(new Date().toISOString() + " " + response.statusCode + " " + body.slice(0, 200));
    });
  });
  request.on("timeout", () => request.destroy(new Error("no answer within 5 s")));
  request.on("error", (error) => failed.push(new Date().toISOString() + " " + error.message));
};
const timer = setInterval(ask, 50);
process.stdout.write("asking");
process.stdin.resume().on("end", () => {
  clearInterval(timer);
  setTimeout(() => { process.stdout.write(JSON.stringify({ answered, failed })); process.exit(); }, 1000);
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

  /** Ends it; how many requests were answered with 200, and what became of the others. */
  async stop(): Promise<{ answered: number; failed: string[] }> {
    const ended = once(this.child, "close");
    this.child.stdin!.end();
    await ended;
    return JSON.parse(this.text) as { answered: number; failed: string[] };
  }
}
