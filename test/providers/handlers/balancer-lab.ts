import { execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { HaproxyServerHandler } from "../../../providers/handlers/haproxy-server";
import { KeepalivedServerHandler } from "../../../providers/handlers/keepalived-server";
import { skip } from "../../skip";
import { NamespaceMachine } from "../machine/namespace-machine";
import { Played } from "./played";

export const VIP = "192.168.155.40";

/** What came of a steady load. */
export interface Load {
  requests: number;
  failed: number;
  /** The longest time between two answers, in milliseconds. */
  gap: number;
  /** Runs of failed requests, half a second and more apart. */
  outages: number;
  /** How many answers each member gave. */
  by: { [name: string]: number };
}

interface Balancer {
  machine: NamespaceMachine;
  haproxy: Played;
  keepalived: Played;
  address: string;
}

/** Two balancers, a machine with servers behind them and a client, on a switch of their own: all of it in namespaces. */
export class BalancerLab {
  private constructor(
    readonly lan: NamespaceMachine,
    readonly back: NamespaceMachine,
    readonly client: NamespaceMachine,
    readonly balancers: [Balancer, Balancer],
  ) {}

  static async start(context: Mocha.Context): Promise<BalancerLab> {
    if (NamespaceMachine.obstacle) skip(context, NamespaceMachine.obstacle);
    for (const program of ["/usr/sbin/haproxy", "/usr/sbin/keepalived", "/usr/bin/socat"])
      if (!existsSync(program)) skip(context, `needs ${program}`);
    return BalancerLab.make();
  }

  static async make(): Promise<BalancerLab> {
    const lan = await NamespaceMachine.start("switch");
    lan.say("ip", "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0");
    lan.say("ip", "link", "set", "br0", "up");
    const made: NamespaceMachine[] = [];
    for (const [at, [label, addresses]] of machines.entries()) {
      const machine = await NamespaceMachine.start(label);
      made.push(machine);
      // From the outside: a namespace's own processes do not see the other's number.
      const argv = ["--target", lan.pid, "--net", "ip", "link", "add", `port${at}`, "type", "veth"];
      execFileSync("nsenter", [...argv, "peer", "name", "eth0", "netns", machine.pid]);
      lan.say("ip", "link", "set", `port${at}`, "master", "br0", "up");
      for (const address of addresses) machine.say("ip", "address", "add", `${address}/24`, "dev", "eth0");
      machine.say("ip", "link", "set", "eth0", "up");
    }
    const [one, two, back, client] = made as [NamespaceMachine, NamespaceMachine, NamespaceMachine, NamespaceMachine];
    const balancer = (machine: NamespaceMachine, address: string): Balancer => ({
      machine,
      address,
      haproxy: new Played(new HaproxyServerHandler(() => machine)),
      keepalived: new Played(new KeepalivedServerHandler(() => machine)),
    });
    return new BalancerLab(lan, back, client, [balancer(one, "192.168.155.41"), balancer(two, "192.168.155.42")]);
  }

  async stop(): Promise<void> {
    for (const machine of [this.client, this.back, ...this.balancers.map((one) => one.machine), this.lan])
      await machine.stop();
  }

  /** Servers of HTTP, which answer with their names. */
  async serve(...members: { name: string; address: string; port: number }[]): Promise<void> {
    for (const { name, address, port } of members) {
      this.back.spawn([process.execPath, "-e", server, name, address, String(port)]);
      const ready = 'until curl -s -o /dev/null --noproxy "*" "http://$0/"; do sleep 0.05; done';
      await this.back.run(["sh", "-c", ready, `${address}:${port}`], { timeout: 20_000 });
    }
  }

  haproxyArgs(farms: object, more: object = {}): object {
    return { machine: { kind: "local" }, name: "lb", farms, ...more };
  }

  keepalivedArgs(at: 0 | 1, more: object = {}): object {
    const { address } = this.balancers[at];
    const peers = [this.balancers[1 - at]!.address];
    const routers = { vip: { id: 51, addresses: [`${VIP}/24`], priority: 250 - at } };
    return { machine: { kind: "local" }, name: "lb", routers, source: address, peers, haproxy: "lb", ...more };
  }

  /** Declares both balancers, HAProxy and keepalived. */
  async up(farms: object, haproxy: object = {}, keepalived: object = {}): Promise<void> {
    for (const at of [0, 1] as const) {
      await this.balancers[at].haproxy.up(this.haproxyArgs(farms, haproxy));
      await this.balancers[at].keepalived.up(this.keepalivedArgs(at, keepalived));
    }
  }

  /** Which of the balancers have the address. */
  holders(address = VIP): (0 | 1)[] {
    return ([0, 1] as const).filter((at) =>
      this.balancers[at].machine.say("ip", "-o", "address", "show", "dev", "eth0").includes(` ${address}/`),
    );
  }

  /** The one that has the address, once it is one alone. */
  async active(address = VIP): Promise<0 | 1> {
    for (let attempt = 0; attempt < 300; attempt++) {
      const holders = this.holders(address);
      if (holders.length === 1) return holders[0]!;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the address is on ${this.holders(address).length} balancers`);
  }

  /** The states of the virtual router on both, once they are these. */
  async states(...wanted: string[]): Promise<void> {
    let found: string[] = [];
    for (let attempt = 0; attempt < 300; attempt++) {
      found = this.balancers.map(({ machine }) =>
        machine.say("sh", "-c", "cat /run/pulumi-kvm-keepalived-lb/vip.router || echo none").trim(),
      );
      if (found.join() === wanted.join()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the routers are ${found.join(" and ")}, not ${wanted.join(" and ")}`);
  }

  /** Asks a URL from the client. */
  async get(url: string, ...options: string[]): Promise<string> {
    const argv = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "5", ...options, url];
    return (await this.client.run(argv)).stdout;
  }

  /** Has the client ask every 20 ms, each with a time limit of 1 s, until it is told to stop. */
  async load(url = `http://${VIP}/`): Promise<{ stop(): Promise<Load> }> {
    const child: ChildProcess = this.client.spawn([process.execPath, "-e", steady, url], ["ignore", "pipe", "inherit"]);
    let said = "";
    child.stdout!.on("data", (data: Buffer) => (said += data.toString()));
    await once(child.stdout!, "data");
    return {
      stop: async () => {
        const ended = once(child, "close");
        this.client.say("pkill", "-TERM", "-f", "kvm-steady-load");
        await ended;
        return JSON.parse(said.trim().split("\n").at(-1)!) as Load;
      },
    };
  }

  /** Sets the port of a balancer at the switch: without carrier ("down"), deaf without a sign ("silent"), or working. */
  link(at: 0 | 1, how: "up" | "down" | "silent"): void {
    const port = `port${at}`;
    if (how === "silent") this.lan.say("bridge", "link", "set", "dev", port, "state", "0");
    else {
      this.lan.say("ip", "link", "set", port, how);
      if (how === "up") this.lan.say("bridge", "link", "set", "dev", port, "state", "3");
    }
  }
}

const machines: [string, string[]][] = [
  ["lb-1", ["192.168.155.41"]],
  ["lb-2", ["192.168.155.42"]],
  ["back", ["192.168.155.51", "192.168.155.52", "192.168.155.53"]],
  ["client", ["192.168.155.10"]],
];

const server = `
const [name, address, port] = process.argv.slice(1);
process.title = "member-" + name;
require("node:http").createServer((request, response) => {
  const url = new URL(request.url, "http://x");
  const wait = Number(url.searchParams.get("wait") ?? 0);
  setTimeout(() => {
    response.writeHead(200, { "content-type": "text/plain" });
    response.end([name, request.method, request.url, request.headers.host, request.headers["x-forwarded-for"], request.headers["x-forwarded-proto"]].join(" "));
  }, wait);
}).listen(Number(port), address);`;

const steady = `
process.title = "kvm-steady-load";
const http = require("node:http");
const url = process.argv[1];
const by = {};
let requests = 0, failed = [], gap = 0, pending = 0, last = performance.now(), stopping = false;
function ask() {
  requests++; pending++;
  let over = false;
  const begun = performance.now();
  const end = (name) => {
    if (over) return;
    over = true; pending--;
    const now = performance.now();
    if (name === undefined) {
      failed.push(begun);
    } else {
      by[name] = (by[name] ?? 0) + 1;
      gap = Math.max(gap, now - last); last = now;
    }
    if (stopping && pending === 0) done();
  };
  const request = http.get(url, { agent: false }, (response) => {
    let body = "";
    response.on("data", (data) => (body += data));
    response.on("end", () => end(response.statusCode === 200 ? body.split(" ")[0] : undefined));
    response.on("error", () => end());
  });
  request.on("error", () => end());
  setTimeout(() => { end(); request.destroy(); }, 1000).unref();
}
function done() {
  failed.sort((a, b) => a - b);
  const outages = failed.filter((begun, at) => at === 0 || begun - failed[at - 1] > 500).length;
  console.log(JSON.stringify({ requests, failed: failed.length, gap: Math.round(gap), outages, by }));
  process.exit(0);
}
const timer = setInterval(ask, 20);
setTimeout(() => process.exit(3), 300000);
process.on("SIGTERM", () => { stopping = true; clearInterval(timer); if (pending === 0) done(); });
console.log("begun");`;

/** A farm of members that answer with their names. */
export function webFarm(members: object[], more: object = {}): object {
  return { www: { port: 80, members, check: { type: "http" }, ...more } };
}

export const members = [
  { name: "web-1", address: "192.168.155.51", port: 8080 },
  { name: "web-2", address: "192.168.155.52", port: 8080 },
];
