import { haproxyFiles, withoutStates } from "../balancer/haproxy";
import { healthOf, runningMembers, stateCommands, strayed, type RunningMember } from "../balancer/haproxy-runtime";
import { ANSWERS, ASK, LISTENERS } from "../balancer/machine-scripts";
import { SupervisedServer, type BalancerLook } from "../balancer/supervised-server";
import type { Generation } from "../content/generations";
import { createHash } from "node:crypto";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { haproxyServerSchema, listening, type HaproxyServerInputs } from "../schema/haproxy-server";
import { asDeclared } from "../schema/web-server";
import { certificateProblems } from "../web-server/certificate";
import { converge, differences, retire, type BalancerPlace, type Before } from "./balancer-converge";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";
import { findManager } from "./service-manager/find-manager";

export interface HaproxyServerState extends HaproxyServerInputs {
  /** The configuration that is in force. */
  generation: Generation;
  /** As HAProxy last saw the members of each farm: { www: { "web-1": "UP" } }. */
  health: { [farm: string]: { [member: string]: string } };
  before: Before;
}

/** HAProxy on machines: farms, their members and what state these are in. */
export class HaproxyServerHandler implements Handler<HaproxyServerInputs, HaproxyServerState> {
  readonly kind = "HaproxyServer";
  readonly schema = haproxyServerSchema;

  readonly fields: DiffTable<HaproxyServerInputs> = {
    machine: machineRule,
    name: "replace",
    farms: { disruption: "live", why: "reloaded, no connection is lost" },
    stats: "live",
    metrics: "live",
    log: "live",
    maxConnections: "live",
    hardStopAfter: "live",
    timeout: "ignored",
    keys: { disruption: "live", hidden: true },
    password: { disruption: "live", hidden: true },
    disk: { disruption: "live", why: "the machine's disk is another one: everything is put in place again" },
    condition: { disruption: "live", why: "put right" },
  };

  constructor(private readonly machine: (spec: HaproxyServerInputs["machine"]) => Machine = open) {}

  describe({ name, machine }: HaproxyServerInputs): string {
    return `HAProxy ${name} on ${machineLabel(machine)}`;
  }

  lock({ machine, name }: HaproxyServerInputs): string {
    return `haproxy ${machineKey(machine)} ${name}`;
  }

  deadline({ timeout }: HaproxyServerInputs): number {
    return milliseconds(timeout) + 10 * 60_000;
  }

  async problems({ farms, keys }: HaproxyServerInputs): Promise<Problem[]> {
    return Object.entries(farms).flatMap(([name, { tls }]) =>
      // For which hosts it is, browsers ask; a farm does not say.
      tls
        ? certificateProblems([], tls.certificate, keys[name]).map((reason) => ({ field: `farms.${name}.tls`, reason }))
        : [],
    );
  }

  async create(inputs: HaproxyServerInputs, context: Context): Promise<Created<HaproxyServerState>> {
    return { id: `${machineLabel(inputs.machine)}:${inputs.name}`, state: await this.bring(inputs, context) };
  }

  read(_id: string, state: HaproxyServerState, context: Context): Promise<HaproxyServerState | undefined> {
    return lookOnMachine(state, context, async () => {
      const place = await this.place(state, context);
      const look = await place.server.look(context.signal);
      if (look.current === undefined) return undefined;
      const found = await differences(place, state.generation, look, context.signal);
      let running: RunningMember[] = [];
      if (found.length === 0) {
        const ailment = await this.ailment(place, state, look, 3, context.signal);
        if (ailment !== undefined) found.push(`does not answer with its configuration: ${ailment}`);
        else {
          running = await members(place, context.signal);
          found.push(...strayed(state, running));
        }
      }
      return { ...state, condition: found.join("; ") || asDeclared, health: healthOf(running) };
    });
  }

  async update(
    _id: string,
    olds: HaproxyServerState,
    news: HaproxyServerInputs,
    _changes: Change[],
    context: Context,
  ): Promise<HaproxyServerState> {
    return this.bring(news, context, olds);
  }

  delete(_id: string, state: HaproxyServerState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => retire(await this.place(state, context), state.before, context.signal));
  }

  private async bring(
    inputs: HaproxyServerInputs,
    context: Context,
    olds?: HaproxyServerState,
  ): Promise<HaproxyServerState> {
    const { signal } = context;
    const place = await this.place(inputs, context);
    let seen: BalancerLook | undefined;
    const { generation, before } = await converge(
      place,
      {
        files: (folder, look) => {
          seen = look;
          return haproxyFiles({ inputs, folder, generation: base(inputs, look), ipv6: look.ipv6 });
        },
        // Where it could not bind, HAProxy would have those that serve pause, and try again for seconds.
        refuse: () => refuseTakenPorts(place, inputs, signal),
        // Where only states and weights differ, a running HAProxy is told, and nothing is reloaded.
        adjust: async () => {
          if ((await this.ailment(place, inputs, seen!, 0, signal)) !== undefined) return false;
          await ask(place, stateCommands(inputs, await members(place, signal)), signal);
          return true;
        },
        ailment: async () => {
          const seconds = Math.ceil(milliseconds(inputs.timeout) / 1000);
          const ailment = await this.ailment(place, inputs, seen!, seconds, signal);
          if (ailment !== undefined) return `after ${inputs.timeout} it says: ${ailment}`;
          const other = strayed(inputs, await members(place, signal));
          return other.length > 0 ? other.join("; ") : undefined;
        },
      },
      olds,
      signal,
    );
    return { ...inputs, condition: asDeclared, generation, before, health: healthOf(await members(place, signal)) };
  }

  /** What it says that is not this configuration, once the seconds are over; undefined when it is. */
  private async ailment(
    { server }: BalancerPlace,
    inputs: HaproxyServerInputs,
    look: BalancerLook,
    seconds: number,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const args = [`${server.places.run}/health.sock`, `ok ${base(inputs, look)}`, String(seconds)];
    const options = { signal, accept: [0, 1], timeout: (seconds + 30) * 1000 };
    const { exitCode, stdout } = await server.script(ANSWERS, args, options);
    return exitCode === 0 ? undefined : stdout.trim() || "no answer";
  }

  private async place(inputs: HaproxyServerInputs, { signal }: Context): Promise<BalancerPlace> {
    const machine = this.machine(inputs.machine);
    return {
      server: new SupervisedServer(machine, "haproxy", inputs.name),
      manager: await findManager(machine, signal),
    };
  }
}

/** What the health page says: the same for configurations that differ in members' states and weights only. */
function base(inputs: HaproxyServerInputs, { ipv6 }: BalancerLook): string {
  const files = haproxyFiles({ inputs: withoutStates(inputs), folder: "@", generation: "@", ipv6 });
  return createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
}

async function members(place: BalancerPlace, signal: AbortSignal): Promise<RunningMember[]> {
  return runningMembers(await ask(place, ["show servers state", "show stat"], signal));
}

/** Says this to the runtime socket. An answer to a change is a complaint. */
async function ask({ server }: BalancerPlace, commands: readonly string[], signal: AbortSignal): Promise<string> {
  if (commands.length === 0) return "";
  const stdin = `${commands.join(";")}\n`;
  const { stdout } = await server.script(ASK, [`${server.places.run}/admin.sock`], { stdin, signal });
  if (commands[0]!.startsWith("set ") && stdout.trim() !== "")
    throw new OperatorError(`HAProxy says to ${commands.join("; ")}: ${stdout.trim()}`);
  return stdout;
}

async function refuseTakenPorts(
  { server }: BalancerPlace,
  inputs: HaproxyServerInputs,
  signal: AbortSignal,
): Promise<void> {
  const { stdout } = await server.script(LISTENERS, [], { signal });
  const listeners = stdout.split("\n").flatMap((line) => {
    const [, , , local = "", , ...users] = line.split(/\s+/);
    const [, address, port] = /^(.*):(\d+)$/.exec(local) ?? [];
    const who = /"([^"]+)",pid=(\d+)/.exec(users.join(" "));
    return port === undefined || !who || who[1] === "haproxy"
      ? []
      : [{ address: address!.replace(/^\[|\]$|%.*$/g, ""), port: Number(port), who: `${who[1]} (pid ${who[2]})` }];
  });
  const all = ["*", "0.0.0.0", "::"];
  for (const { on, port, field } of listening(inputs)) {
    const other = listeners.find(
      (one) => one.port === port && (on === "*" || all.includes(one.address) || one.address === on),
    );
    if (other)
      throw new OperatorError(`${field}: on ${port} ${other.who} listens already`, {
        fix: "choose another port, name addresses, or stop what listens",
      });
  }
}
