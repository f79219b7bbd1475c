import { VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE } from "../../providers/libvirt/constants";
import { VIR_DOMAIN_START_PAUSED, VIR_DOMAIN_XML_INACTIVE } from "../../providers/libvirt/constants";
import { Connection } from "../../providers/libvirt/connection";
import type { Contender } from "./contender";
import { guestXML, memory, type PowerState, uri } from "./guest";

const workers = 10;

/** Nothing but libvirt's calls, from ten workers with a connection each: the practical limit. */
export class LibvirtCalls implements Contender {
  readonly name = "raw libvirt calls";
  readonly prefix = "bench-calls-";
  private connections: Connection[] = [];
  private guests: string[] = [];

  constructor(private readonly state: PowerState) {}

  made(guests: number): number {
    return guests;
  }

  version(): Promise<string> {
    return Promise.resolve(`${workers} workers`);
  }

  async prepare(guests: number): Promise<void> {
    this.guests = Array.from({ length: guests }, (_, index) => `${this.prefix}${index}`);
    this.connections = Array.from({ length: workers }, () => Connection.to(uri));
    for (const connection of this.connections) await connection.connect();
  }

  readonly run = {
    create: () => this.each((guest, connection) => this.start(guest, connection, memory.before)),
    preview: () => this.each(look),
    refresh: () => this.each(look),
    memory: async () => {
      const connection = this.connections[0]!;
      const domain = await connection.domainLookupByName(this.guests[0]!);
      const both = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
      await connection.domainSetMemoryFlags(domain, memory.after * 1024, both);
    },
    replaceMemory: async () => {
      const connection = this.connections[0]!;
      await remove(this.guests[0]!, connection);
      await this.start(this.guests[0]!, connection, memory.after);
    },
    destroy: () => this.each(remove),
  };

  dispose(): Promise<void> {
    for (const connection of this.connections) connection.close();
    return Promise.resolve();
  }

  private async start(guest: string, connection: Connection, mebibytes: number): Promise<void> {
    const domain = await connection.domainDefineXML(guestXML(guest, this.state, mebibytes));
    await connection.domainCreateWithFlags(domain, this.state === "paused" ? VIR_DOMAIN_START_PAUSED : 0);
  }

  /** Every worker takes the next guest that is left. */
  private async each(work: (guest: string, connection: Connection) => Promise<void>): Promise<void> {
    const left = this.guests.values();
    await Promise.all(
      this.connections.map(async (connection) => {
        for (const guest of left) await work(guest, connection);
      }),
    );
  }
}

/** What tells whether a guest is as declared. */
async function look(guest: string, connection: Connection): Promise<void> {
  const domain = await connection.domainLookupByName(guest);
  await connection.domainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
  await connection.domainGetInfo(domain);
  await connection.domainGetAutostart(domain);
}

async function remove(guest: string, connection: Connection): Promise<void> {
  const domain = await connection.domainLookupByName(guest);
  await connection.domainDestroyFlags(domain);
  await connection.domainUndefineFlags(domain, 0);
}
