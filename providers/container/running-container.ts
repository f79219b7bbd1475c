import { LxcMachine } from "../machine/lxc-machine";
import type { RunResult } from "../machine/machine";
import type { PosixMachine } from "../machine/posix-machine";
import { CONFIGURE_NIC, FACTS, HTTP } from "./inside-scripts";
import { listens } from "./listening";

/** What a container's host sees of it from outside. */
export interface ContainerFacts {
  /** A text that is another one after each start. */
  bootId: string;
  /** Why its init has not come up; undefined when it has. */
  booting?: string;
  /** The addresses of its NICs by MAC address, without link-local ones. */
  addresses: Map<string, { ipv4: string[]; ipv6: string[] }>;
  /** What it listens on, as the kernel's tables tell. */
  sockets: string;
}

/** What a NIC is to be called inside, and the addresses that it has without asking anybody. */
export interface NicSettings {
  mac: string;
  name: string;
  addresses?: readonly string[];
  routes?: readonly { to: string; via: string }[];
}

interface RawLink {
  address?: string;
  addr_info?: { family: string; local?: string; scope?: string; tentative?: boolean }[];
}

/** A container that runs, seen and entered from its host. */
export class RunningContainer {
  private readonly machine: LxcMachine;

  constructor(
    name: string,
    private readonly host: PosixMachine,
    /** The pid on the host of its libvirt_lxc process. */
    private readonly leader: () => Promise<number>,
  ) {
    this.machine = new LxcMachine(`container ${name}`, host, leader);
  }

  /** Undefined while libvirt has not started its process 1. */
  async facts(signal?: AbortSignal): Promise<ContainerFacts | undefined> {
    const { exitCode, stdout } = await this.host.run(["sh", "-c", FACTS, "sh", String(await this.leader())], {
      accept: [0, 3],
      timeout: 20_000,
      signal,
    });
    if (exitCode !== 0) return undefined;
    const [bootId = "", booting = "", links = "[]", ...sockets] = stdout.split("\n");
    const addresses = new Map<string, { ipv4: string[]; ipv6: string[] }>();
    for (const { address, addr_info = [] } of JSON.parse(links) as RawLink[]) {
      const usable = addr_info.filter(({ scope, tentative }) => scope === "global" && !tentative);
      const of = (family: string) => usable.filter((one) => one.family === family).flatMap(({ local }) => local ?? []);
      if (address !== undefined) addresses.set(address.toLowerCase(), { ipv4: of("inet"), ipv6: of("inet6") });
    }
    return { bootId, ...(booting !== "up" && { booting }), addresses, sockets: sockets.join("\n") };
  }

  /** What kept a port at one of the addresses from being open; undefined when it is. */
  port(facts: ContainerFacts, port: number, addresses: readonly string[]): string | undefined {
    return listens(facts.sockets, port, addresses) ? undefined : "nobody listens";
  }

  /** The first line of an HTTP answer, asked from inside the container's network; or why there is none. */
  async http(address: string, port: number, path: string, signal?: AbortSignal): Promise<string> {
    const argv = ["sh", "-c", HTTP, "sh", String(await this.leader()), address, String(port), path];
    const { stdout } = await this.host.run(argv, { timeout: 10_000, signal });
    return stdout.trim() || "no answer";
  }

  run(argv: readonly string[], options: { signal?: AbortSignal; timeout?: number }): Promise<RunResult> {
    const any = Array.from({ length: 256 }, (_, code) => code);
    return this.machine.run(argv, { ...options, accept: any });
  }

  /** Gives a NIC that was plugged in its name and addresses, and hands it to the container's own network service. */
  async configureNic({ mac, name, addresses = [], routes = [] }: NicSettings, signal?: AbortSignal): Promise<void> {
    const via = routes.map(({ to, via }) => `${to} ${via}`).join("\n");
    await this.machine.run(["sh", "-c", CONFIGURE_NIC, "sh", mac, name, addresses.join("\n"), via], {
      timeout: 30_000,
      signal,
    });
  }
}
