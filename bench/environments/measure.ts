import { Connection } from "../../providers/libvirt/connection";
import { VIR_DOMAIN_XML_INACTIVE } from "../../providers/libvirt/constants";
import { parse, text } from "../../providers/libvirt/xml/document";
import { type Contender, type Operation, operations } from "./contender";
import { memory, uri } from "./guest";

/** Seconds, one a run. */
export type Timings = Map<string, { [Name in Operation]?: number[] }>;

export interface Plan {
  contenders: readonly Contender[];
  guests: number;
  runs: number;
  progress(line: string): void;
}

/** Lets every contender live through environments of `guests` guests, in turns, and checks what became of the guests. */
export async function measure({ contenders, guests, runs, progress }: Plan): Promise<Timings> {
  const timings: Timings = new Map(contenders.map(({ name }) => [name, {}]));
  const connection = Connection.to(uri);
  for (let run = 0; run < runs; run++) {
    // Whoever is first in one run is last in the next.
    const turns = contenders.map((_, index) => contenders[(index + run) % contenders.length]!);
    for (const contender of turns) {
      const seconds = await liveThrough(contender, guests, connection);
      for (const [operation, value] of seconds) (timings.get(contender.name)![operation] ??= []).push(value);
      const told = [...seconds].map(([operation, value]) => `${operation} ${value.toFixed(2)}`).join(", ");
      progress(`${guests} guests, run ${run + 1} of ${runs}, ${contender.name}: ${told}`);
    }
  }
  connection.close();
  return timings;
}

async function liveThrough(
  contender: Contender,
  guests: number,
  connection: Connection,
): Promise<Map<Operation, number>> {
  const seconds = new Map<Operation, number>();
  await contender.prepare(guests);
  try {
    for (const operation of operations) {
      const work = contender.run[operation];
      if (!work) continue;
      const start = performance.now();
      await work();
      seconds.set(operation, (performance.now() - start) / 1000);
      const left = operation === "destroy" ? 0 : contender.made(guests);
      await check(contender, operation, left, connection);
      // New guests run their firmware for a moment: that is not the next operation's.
      if (operation !== "destroy") await new Promise((resolve) => setTimeout(resolve, 1000 + guests * 50));
    }
  } finally {
    await contender.dispose();
  }
  return seconds;
}

/** A figure counts only where the guests are as asked for. */
async function check(contender: Contender, operation: Operation, guests: number, connection: Connection) {
  const all = (await connection.connectListAllDomains()).filter(({ name }) => name.startsWith(contender.prefix));
  const active = all.filter(({ id }) => id >= 0);
  if (all.length !== guests || active.length !== guests) {
    const found = `${all.length} guests, ${active.length} of them on`;
    throw new Error(`${contender.name} left ${found} after ${operation}, not ${guests}`);
  }
  if (guests === 0 || (operation !== "memory" && operation !== "replaceMemory")) return;
  const changed = await connection.domainLookupByName(`${contender.prefix}0`);
  const document = parse(await connection.domainGetXMLDesc(changed, VIR_DOMAIN_XML_INACTIVE));
  const mebibytes = Number(text(document, "currentMemory")) / 1024;
  if (mebibytes !== memory.after) throw new Error(`${contender.name} left a guest with ${mebibytes} MiB`);
}
