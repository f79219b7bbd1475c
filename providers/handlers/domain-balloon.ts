import { type Connection, events } from "../libvirt/connection";
import type { Domain } from "../libvirt/handles";
import type { DomainModel } from "../libvirt/xml/domain";
import { document, look, type DomainLook } from "./domain-look";

/** Milliseconds in which the balloon driver of a guest that has booted begins to work. */
const driverTime = 3000;
/** Milliseconds that a guest gets to give memory back, or to take it. */
const balloonTime = 10_000;

/** A guest has all its memory until its balloon driver has been loaded: that says nothing about what was asked for. */
export function balloonIsEmpty({ memory, maxMemory }: DomainModel): boolean {
  return memory === maxMemory;
}

/** Waits until the guest has exactly `memory`; false when it takes too long, or has no balloon driver. */
export async function untilBallooned(
  connection: Connection,
  domain: Domain,
  memory: string,
  signal: AbortSignal,
): Promise<boolean> {
  const within = async (limit: number, test: (model: DomainModel) => boolean): Promise<boolean> => {
    const late = AbortSignal.timeout(limit);
    const reached = async () => test(document(await connection.domainGetXMLDesc(domain)).model) || undefined;
    try {
      return await connection.waitUntil([events.domainBalloonChange], reached, {
        signal: AbortSignal.any([signal, late]),
      });
    } catch (error) {
      if (late.aborted && !signal.aborted) return false;
      throw error;
    }
  };
  const works = await within(driverTime, (model) => model.memory === memory || !balloonIsEmpty(model));
  return works && within(balloonTime, (model) => model.memory === memory);
}

/** Milliseconds between two looks at a balloon, and how many looks may find that it moves. */
const pause = 500;
const looks = 20;

/** As `look`, when the guest is done with giving back or taking the `memory` that it was last told to have. */
export async function settledLook(
  connection: Connection,
  domain: Domain,
  memory: string | undefined,
): Promise<DomainLook | undefined> {
  let seen = await look(connection, domain);
  let still = 0;
  for (let looked = 0; looked < looks && still < 2 && memory !== undefined && seen?.live; looked++) {
    const model = seen.live.model;
    const told = seen.config.model.memory === memory && seen.power === "running";
    if (!told || model.memory === memory || balloonIsEmpty(model)) break;
    await new Promise((done) => setTimeout(done, pause));
    seen = await look(connection, domain);
    still = seen?.live?.model.memory === model.memory ? still + 1 : 0;
  }
  return seen;
}
