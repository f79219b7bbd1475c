import { isDeepStrictEqual } from "node:util";
import type { Change, DiffTable, Disruption, FieldChange, FieldRule, Verdict } from "./contract";
import { containsUnknown } from "./unknown";

const order: Disruption[] = ["live", "reboot", "replace"];

/** Whether `change` disturbs more than `limit` allows. */
export function exceeds(change: Disruption, limit: Disruption): boolean {
  return order.indexOf(change) > order.indexOf(limit);
}

/** The worst class among the changes; undefined when there are none. */
export function worst(changes: readonly Change[]): Disruption | undefined {
  return changes
    .map((change) => change.disruption)
    .sort((a, b) => order.indexOf(b) - order.indexOf(a))
    .at(0);
}

/** Every field whose value changes, classed by the table. Fields that are absent and fields that are null are the same. */
export function classify<Inputs extends object>(
  table: DiffTable<Inputs>,
  olds: Partial<Inputs>,
  news: Inputs,
): Change[] {
  const changes: Change[] = [];
  for (const field of Object.keys(table) as (keyof Inputs & string)[]) {
    const change = { old: olds[field] ?? undefined, new: news[field] ?? undefined, olds, news };
    if (isDeepStrictEqual(plain(change.old), plain(change.new))) continue;
    const verdict = judge(table[field], change);
    if (verdict.disruption === "ignored") continue;
    const { disruption, why, hidden } = verdict;
    changes.push({ field, old: change.old, new: change.new, disruption, why, ...(hidden && { hidden }) });
  }
  return changes;
}

function judge<Inputs>(rule: FieldRule<Inputs>, change: FieldChange<Inputs>): Verdict {
  if (typeof rule === "string") return { disruption: rule };
  if ("disruption" in rule) return rule;
  if (containsUnknown(change.new))
    return "unknown" in rule ? rule.unknown(change) : { disruption: "live", why: "the new value is not known yet" };
  return "known" in rule ? rule.known(change) : rule(change);
}

/** The value without absent and null members, whose order and presence carry no meaning. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value ?? undefined;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined && member !== null)
      .map(([key, member]) => [key, plain(member)]),
  );
}

/** A change in one line: `memory 2GiB -> 4GiB (reboot: maxMemory 2GiB leaves no room)`. */
export function describeChange(change: Change): string {
  const why = change.why ? `: ${change.why}` : "";
  if (change.hidden) return `${change.field} changes (${change.disruption}${why})`;
  return `${change.field} ${difference(change.old, change.new)} (${change.disruption}${why})`;
}

/** Of long lists only what comes and goes: their beginnings look alike. */
function difference(old: unknown, wanted: unknown): string {
  const whole = [text(old), text(wanted)];
  const short = whole.every((one) => one.length <= longest);
  if (short || !Array.isArray(old) || !Array.isArray(wanted) || containsUnknown(wanted))
    return `${shorten(whole[0]!)} -> ${shorten(whole[1]!)}`;
  const missingIn = (others: unknown[]) => (one: unknown) =>
    !others.some((other) => isDeepStrictEqual(plain(one), plain(other)));
  const gone = old.filter(missingIn(wanted)).map((one) => `without ${shorten(text(one))}`);
  const come = wanted.filter(missingIn(old)).map((one) => `with ${shorten(text(one))}`);
  const all = [...gone, ...come];
  if (all.length === 0)
    return old.length === wanted.length ? "in another order" : `${old.length} -> ${wanted.length} entries`;
  return all.length > most ? `${all.slice(0, most).join(", ")} and ${all.length - most} more` : all.join(", ");
}

const longest = 80;
const most = 4;

function text(value: unknown): string {
  if (value === undefined) return "unset";
  if (containsUnknown(value)) return "known after up";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function shorten(text: string): string {
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
}
