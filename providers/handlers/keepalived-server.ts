import { keepalivedFiles, routerEntries } from "../balancer/keepalived";
import { ELECTED } from "../balancer/machine-scripts";
import { SupervisedServer, type BalancerLook } from "../balancer/supervised-server";
import type { Generation } from "../content/generations";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { contains, overlap, prefix } from "../schema/address";
import { milliseconds } from "../schema/duration";
import { keepalivedServerSchema, type KeepalivedServerInputs } from "../schema/keepalived-server";
import { asDeclared } from "../schema/web-server";
import { converge, differences, retire, type BalancerPlace, type Before } from "./balancer-converge";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";
import { findManager } from "./service-manager/find-manager";

export interface KeepalivedServerState extends KeepalivedServerInputs {
  /** The configuration that is in force. */
  generation: Generation;
  /** The state of each virtual router when it was last looked at: { www: "MASTER" }. */
  states: { [router: string]: string };
  before: Before;
}

/** keepalived on machines: virtual addresses that move to another machine when this one fails. */
export class KeepalivedServerHandler implements Handler<KeepalivedServerInputs, KeepalivedServerState> {
  readonly kind = "KeepalivedServer";
  readonly schema = keepalivedServerSchema;

  readonly fields: DiffTable<KeepalivedServerInputs> = {
    machine: machineRule,
    name: "replace",
    routers: { disruption: "live", why: "reloaded, addresses that stay are not moved" },
    source: "live",
    peers: "live",
    advertise: "live",
    haproxy: "live",
    timeout: "ignored",
    disk: { disruption: "live", why: "the machine's disk is another one: everything is put in place again" },
    condition: { disruption: "live", why: "put right" },
  };

  constructor(private readonly machine: (spec: KeepalivedServerInputs["machine"]) => Machine = open) {}

  describe({ name, machine }: KeepalivedServerInputs): string {
    return `keepalived ${name} on ${machineLabel(machine)}`;
  }

  lock({ machine, name }: KeepalivedServerInputs): string {
    return `keepalived ${machineKey(machine)} ${name}`;
  }

  deadline({ timeout }: KeepalivedServerInputs): number {
    return milliseconds(timeout) + 10 * 60_000;
  }

  /** Routers with one id and different addresses in one subnet: those of a pair have the same addresses. */
  clashes(news: KeepalivedServerInputs, others: readonly Partial<KeepalivedServerInputs>[]): Problem[] {
    return Object.entries(news.routers).flatMap(([name, { id, addresses }]) =>
      others.flatMap(({ name: other, routers }) =>
        Object.entries(isKnown(routers) ? routers : {})
          .filter(
            ([, one]) =>
              one.id === id &&
              isList(one.addresses) &&
              !sameSet(one.addresses, addresses) &&
              one.addresses.some((address) => addresses.some((own) => overlap(prefix(address), prefix(own)))),
          )
          .map(([theirs]) => ({
            field: `routers.${name}.id`,
            reason: `${id} is that of ${theirs} of ${String(other)} in the same subnet already, with other addresses. Fix: choose another, 1 to 255`,
          })),
      ),
    );
  }

  async create(inputs: KeepalivedServerInputs, context: Context): Promise<Created<KeepalivedServerState>> {
    return { id: `${machineLabel(inputs.machine)}:${inputs.name}`, state: await this.bring(inputs, context) };
  }

  read(_id: string, state: KeepalivedServerState, context: Context): Promise<KeepalivedServerState | undefined> {
    return lookOnMachine(state, context, async () => {
      const place = await this.place(state, context);
      const look = await place.server.look(context.signal);
      if (look.current === undefined) return undefined;
      const found = await differences(place, state.generation, look, context.signal);
      if (found.length === 0) found.push(...misplaced(state, look));
      return { ...state, condition: found.join("; ") || asDeclared, states: look.routers };
    });
  }

  async update(
    _id: string,
    olds: KeepalivedServerState,
    news: KeepalivedServerInputs,
    _changes: Change[],
    context: Context,
  ): Promise<KeepalivedServerState> {
    return this.bring(news, context, olds);
  }

  delete(_id: string, state: KeepalivedServerState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => retire(await this.place(state, context), state.before, context.signal));
  }

  private async bring(
    inputs: KeepalivedServerInputs,
    context: Context,
    olds?: KeepalivedServerState,
  ): Promise<KeepalivedServerState> {
    const { signal } = context;
    const place = await this.place(inputs, context);
    const { server } = place;
    const { generation, before } = await converge(
      place,
      {
        files: (_folder, look) => keepalivedFiles({ inputs, ...interfaces(inputs, look) }),
        ailment: async () => {
          const seconds = Math.ceil(milliseconds(inputs.timeout) / 1000);
          const args = [server.places.run, String(seconds), ...Object.keys(inputs.routers)];
          const options = { signal, accept: [0, 1], timeout: (seconds + 30) * 1000 };
          const { exitCode, stdout } = await server.script(ELECTED, args, options);
          return exitCode === 0 ? undefined : `after ${inputs.timeout}: ${stdout.trim()}`;
        },
      },
      olds,
      signal,
    );
    const { routers } = await server.look(signal);
    return { ...inputs, condition: asDeclared, generation, before, states: routers };
  }

  private async place(inputs: KeepalivedServerInputs, { signal }: Context): Promise<BalancerPlace> {
    const machine = this.machine(inputs.machine);
    return {
      server: new SupervisedServer(machine, "keepalived", inputs.name),
      manager: await findManager(machine, signal),
    };
  }
}

/** The interfaces that speak with the peers and have the addresses: where the source and their subnets are. */
function interfaces(inputs: KeepalivedServerInputs, { addresses }: BalancerLook) {
  const moving = Object.values(inputs.routers).flatMap((router) => router.addresses);
  const standing = addresses.filter(([, address]) => !moving.includes(address));
  const speaks = standing.find(([, address]) => bare(address) === inputs.source)?.[0];
  if (speaks === undefined)
    throw new OperatorError(
      `no interface has the address ${inputs.source}. It has: ${standing.map((one) => one.join(" ")).join(", ") || "none"}`,
      { fix: "give an address of the machine as source" },
    );
  const devices = Object.fromEntries(
    routerEntries(inputs).flatMap(([, router]) =>
      router.addresses.map((address) => {
        const near = standing.find(([, own]) => contains(prefix(own), bare(address)))?.[0];
        return [address, router.interface ?? near ?? speaks] as const;
      }),
    ),
  );
  return { interface: speaks, devices };
}

/** What keepalived says and what the interfaces have do not agree. */
function misplaced({ routers }: KeepalivedServerInputs, look: BalancerLook): string[] {
  const there = new Set(look.addresses.map(([, address]) => bare(address)));
  return Object.entries(routers).flatMap(([name, { addresses }]) => {
    const state = look.routers[name] ?? "not begun";
    const wrong = addresses.map(bare).filter((address) => there.has(address) !== (state === "MASTER"));
    if (wrong.length === 0) return [];
    return [`${name} is ${state}, and ${wrong.join(", ")} ${state === "MASTER" ? "is missing" : "is here"}`];
  });
}

function bare(address: string): string {
  return address.split("/")[0]!;
}

function isKnown(routers: KeepalivedServerInputs["routers"] | undefined): routers is KeepalivedServerInputs["routers"] {
  return typeof routers === "object" && routers !== null;
}

function isList(addresses: unknown): addresses is string[] {
  return Array.isArray(addresses) && addresses.every((one) => typeof one === "string" && one.includes("/"));
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each) => other.includes(each));
}
