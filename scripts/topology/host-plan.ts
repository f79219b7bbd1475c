import { arrange, type Band } from "./band";
import type { GuestModel, HostModel, VirtualSwitch } from "./model";
import { textWidth } from "./text-metrics";

export const margin = 14;
export const cardGap = 18;
/** Below the cards of a band, down to the next bar. */
export const bandGap = 26;
const laneGap = 24;
const trunkGap = 14;

export interface Frame {
  cardWidth: number;
  /** The most and the least that the host's box may take. */
  widest: number;
  narrowest: number;
}

/** Where everything in a host's box stands from left to right: cables to the wire, the host's routes, cards, trunks. */
export interface HostPlan {
  host: HostModel;
  cardWidth: number;
  width: number;
  /** By switch, the x of the cable to its segment. */
  lanes: Map<VirtualSwitch, number>;
  /** The left end of bars without such a cable. */
  barLeft: number;
  /** The x of the line of what the host routes. */
  spine: number;
  /** The x of the lines that lead from a bar to its further rows. */
  riser: number;
  /** Where cards and the texts of bars begin and end. */
  left: number;
  right: number;
  /** By switch, in the order of `host.switches`. */
  bands: Band[];
  /** Guests without a NIC. */
  loose: GuestModel[][];
  /** By level, the x of the line at the right that brings cables down to a switch that is not the next one. */
  trunks: Map<number, number>;
}

export function planHost(host: HostModel, { cardWidth, widest, narrowest }: Frame): HostPlan {
  const { lanes, end } = lanesOf(host);
  const routes = host.outside === undefined && host.switches.filter(({ routed }) => routed).length > 1;
  const riser = end + (routes ? 22 : 8);
  const left = riser + 16;
  const fitting = (trunks: number) =>
    Math.max(1, Math.floor((widest - left - aside(trunks) + cardGap) / (cardWidth + cardGap)));
  const { bands, loose, reached } = arrangeGuests(host, fitting);
  const longest = Math.max(1, ...[...bands.flatMap((band) => band.rows), ...loose].map(({ length }) => length));
  const content = left + longest * (cardWidth + cardGap) - cardGap + aside(reached.length);
  const width = Math.max(narrowest, content);
  const right = width - aside(reached.length);
  return {
    host,
    cardWidth,
    width,
    lanes,
    barLeft: margin,
    spine: host.outside === undefined ? end + 8 : margin + 10,
    riser,
    left,
    right,
    bands,
    loose,
    trunks: new Map(reached.map((level, at) => [level, right + trunkGap * (at + 1)])),
  };
}

/** What trunks and the margin take at the right of the cards. */
function aside(trunks: number): number {
  return margin + trunks * trunkGap + (trunks > 0 ? 4 : 0);
}

interface Arranged {
  bands: Band[];
  loose: GuestModel[][];
  /** The levels that trunks lead to. */
  reached: number[];
}

/** The fewest rows that the width allows, and for them the fewest columns. */
function arrangeGuests(host: HostModel, fitting: (trunks: number) => number): Arranged {
  let columns = fitting(0);
  let best = arrangeIn(host, columns);
  // Room for trunks may cost a column, which may cost a further trunk.
  while (columns > fitting(best.reached.length)) {
    columns = fitting(best.reached.length);
    best = arrangeIn(host, columns);
  }
  const height = ({ bands, loose }: Arranged) => bands.reduce((sum, { rows }) => sum + rows.length, loose.length);
  for (let fewer = columns - 1; fewer > 0; fewer--) {
    const other = arrangeIn(host, fewer);
    if (height(other) > height(best)) break;
    if (other.reached.length <= best.reached.length) best = other;
  }
  return best;
}

function arrangeIn(host: HostModel, columns: number): Arranged {
  const bands = bandsOf(host, columns);
  const unplugged = host.guests.filter(({ nics }) => nics.length === 0);
  const loose = arrange(unplugged, host.switches.length, columns, () => []).rows;
  return { bands, loose, reached: reachedByTrunk(host, bands) };
}

/** The highest switch has the rightmost cable, so that none crosses another's bar. */
function lanesOf(host: HostModel): { lanes: Map<VirtualSwitch, number>; end: number } {
  const uplinked = host.switches.filter(({ uplink }) => uplink).reverse();
  const lanes = new Map<VirtualSwitch, number>();
  let x = margin + 10 + (host.outside === undefined ? 0 : laneGap);
  let end = host.outside === undefined ? margin : margin + laneGap;
  uplinked.forEach((each, at) => {
    lanes.set(each, x);
    end = x + 10;
    const { segment, label } = each.uplink!;
    // Labels stand at the right of their cables, below the segment's bar: where the next cable has its own.
    const beside = uplinked[at + 1]?.uplink?.segment === segment;
    x += beside ? Math.max(laneGap, textWidth(label, "mono") + 16) : laneGap;
  });
  return { lanes, end };
}

/** The places of a guest's switches among its host's, the highest first, each once. */
export function levelsOf(host: HostModel, { nics }: GuestModel): number[] {
  const levels = nics.map((nic) => host.switches.findIndex(({ id }) => id === nic.switch));
  return [...new Set(levels)].sort((one, other) => one - other);
}

function bandsOf(host: HostModel, columns: number): Band[] {
  const levels = (guest: GuestModel) => levelsOf(host, guest);
  return host.switches.map((_, level) => {
    const guests = host.guests.filter((guest) => levels(guest)[0] === level);
    return arrange(guests, level, columns, levels);
  });
}

/** The switches below a band that its guests reach past others. */
function reachedByTrunk(host: HostModel, bands: readonly Band[]): number[] {
  const reached = bands.flatMap((band, level) =>
    band.rows.flat().flatMap((guest) => trunked(band, level, levelsOf(host, guest), guest)),
  );
  return [...new Set(reached)].sort((one, other) => one - other);
}

/** Which of a guest's lower switches a trunk leads to. */
export function trunked(band: Band, level: number, levels: readonly number[], guest: GuestModel): number[] {
  return levels.slice(1).filter((other) => !(other === level + 1 && band.direct.has(guest)));
}
