import type { Group, GuestModel } from "./model";

/** The guests that hang under one switch, in rows. */
export interface Band {
  rows: GuestModel[][];
  /** Those of the last row whose other cable goes straight down to the next switch. */
  direct: Set<GuestModel>;
}

/** The places of a guest's switches among the host's, the highest first, each once. */
export type Levels = (guest: GuestModel) => number[];

/**
 * Sorts the guests of the switch at `level` into rows of at most `columns`. Those with one cable come first, those that
 * reach the next switch last, so that they stand right above it; guests of one group stand together.
 */
export function arrange(guests: readonly GuestModel[], level: number, columns: number, levels: Levels): Band {
  const reachesNext = (guest: GuestModel) => levels(guest).includes(level + 1);
  const others = (guest: GuestModel) => levels(guest).slice(1);
  const order = [...guests]
    .map((guest, at) => ({ guest, at }))
    .sort(
      (one, other) =>
        Number(reachesNext(one.guest)) - Number(reachesNext(other.guest)) ||
        compareLists(others(one.guest), others(other.guest)) ||
        compareTexts(groupKey(one.guest.group), groupKey(other.guest.group)) ||
        one.at - other.at,
    )
    .map(({ guest }) => guest);
  const rows = inRows(order, columns, order.filter(reachesNext).length);
  return { rows, direct: new Set(rows.at(-1)?.filter(reachesNext)) };
}

/** Rows of about one length; the last one holds as many as it can of the last `together`. */
function inRows<T>(list: readonly T[], columns: number, together: number): T[][] {
  const rows = Math.ceil(list.length / columns);
  if (rows < 2) return list.length > 0 ? [[...list]] : [];
  const even = Math.ceil(list.length / rows);
  const last = Math.max(Math.min(together, columns), list.length - (rows - 1) * even);
  const before = list.slice(0, list.length - last);
  return [...chunks(before, Math.ceil(before.length / (rows - 1))), list.slice(list.length - last)];
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));
}

function compareLists(one: readonly number[], other: readonly number[]): number {
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const difference = (one[at] ?? -1) - (other[at] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Guests that are in no group come first. */
function groupKey(group: Group | undefined): string {
  return group ? `1 ${group.name} ${group.id}` : "0";
}

function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Neighbours in a row that belong to one group. */
export function runs(row: readonly GuestModel[]): { group: Group; from: number; to: number }[] {
  const found: { group: Group; from: number; to: number }[] = [];
  row.forEach(({ group }, at) => {
    const last = found.at(-1);
    if (group && last?.group.id === group.id && last.to === at - 1) last.to = at;
    else if (group) found.push({ group, from: at, to: at });
  });
  return found;
}
