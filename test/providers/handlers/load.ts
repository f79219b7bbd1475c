import { spawn, type ChildProcess } from "node:child_process";
import type { LabHost } from "../../lab/lab-host";

/** Asks for a page one request after the other, 10 ms apart, until its standard input ends; then tells how it went. */
const program = `
const http = require("node:http");
const [, url, cookie] = process.argv;
const agent = new http.Agent({ keepAlive: true });
let going = true;
process.stdin.on("end", () => (going = false)).resume();
const ask = () => new Promise((resolve) => {
  const began = Date.now();
  const request = http.get(url, { agent, timeout: 5000, headers: cookie ? { cookie } : {} }, (response) => {
    let body = "";
    response.on("data", (data) => (body += data));
    response.on("end", () => resolve({ status: response.statusCode, body, ms: Date.now() - began }));
  });
  request.on("timeout", () => request.destroy(new Error("timed out")));
  request.on("error", (error) => resolve({ status: 0, body: error.message, ms: Date.now() - began }));
});
(async () => {
  const failed = [], answers = [];
  let sent = 0, longest = 0;
  while (going) {
    const { status, body, ms } = await ask();
    if (sent++ === 0) console.log("began");
    longest = Math.max(longest, ms);
    if (status !== 200) failed.push(status + " " + body.slice(0, 60));
    else if (answers.at(-1) !== body) answers.push(body);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  process.stdout.write(JSON.stringify({ sent, failed, answers, longest }) + "\\n", () => process.exit());
})();`;

export interface LoadReport {
  sent: number;
  /** Status and text of the answers that were not 200; 0 where there was none. */
  failed: string[];
  /** The different pages that came, in their order. */
  answers: string[];
  /** Milliseconds that the slowest answer took. */
  longest: number;
}

/** A steady load from a host of the lab. */
export class Load {
  private output = "";

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on("data", (data: Buffer) => (this.output += data.toString()));
  }

  /** Resolves with the first answer. */
  static async begin(host: LabHost, url: string, cookie = ""): Promise<Load> {
    // In its network only: hosts of the lab do not see every folder that Node may be in.
    const [pid] = /\d+/.exec(host.path("/"))!;
    const argv = ["--target", pid, "--net", process.execPath, "-e", program, url, cookie];
    const child = spawn("nsenter", argv, { stdio: ["pipe", "pipe", "inherit"] });
    const load = new Load(child);
    await new Promise((resolve, reject) => {
      child.stdout!.once("data", resolve);
      child.once("exit", () => reject(new Error("the load ended before its first answer")));
    });
    return load;
  }

  async end(): Promise<LoadReport> {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    this.child.stdin!.end();
    await ended;
    return JSON.parse(this.output.trim().split("\n").at(-1)!) as LoadReport;
  }
}
