import { type Operation, operationLabels, operations } from "./contender";
import type { Timings } from "./measure";

export interface Names {
  /** Whose ratio to every other contender is shown. */
  product: string;
  /** What is subtracted for "over an empty one". */
  floor: string;
}

/** One table of medians in seconds, and one of ratios. */
export function report(guests: number, timings: Timings, { product, floor }: Names): string {
  const names = [...timings.keys()];
  const median = (name: string, operation: Operation) => middle(timings.get(name)?.[operation]);
  const rows = operations.filter((operation) => names.some((name) => median(name, operation) !== undefined));
  const seconds = table(
    [`${guests} guests, seconds`, ...names, "over an empty one"],
    rows.map((operation) => [
      operationLabels[operation],
      ...names.map((name) => figure(median(name, operation))),
      figure(difference(median(product, operation), median(floor, operation))),
    ]),
  );
  const others = names.filter((name) => name !== product && name !== floor);
  const ratios = table(
    [`${product}, times`, ...others],
    rows
      .filter((operation) => operation !== "replaceMemory" && median(product, operation) !== undefined)
      .map((operation) => [
        operationLabels[operation],
        ...others.map((name) => figure(quotient(median(product, operation), against(median, name, operation)))),
      ]),
  );
  return `${seconds}\n\n${ratios}`;
}

/** Who cannot change memory live is compared by its own way. */
function against(
  median: (name: string, operation: Operation) => number | undefined,
  name: string,
  operation: Operation,
): number | undefined {
  return median(name, operation) ?? (operation === "memory" ? median(name, "replaceMemory") : undefined);
}

/** In Markdown. */
export function table(head: string[], rows: string[][]): string {
  const alignment = head.map((_, index) => (index === 0 ? "---" : "---:"));
  return [head, alignment, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function middle(values: number[] | undefined): number | undefined {
  if (!values?.length) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)]! + sorted[Math.ceil(half)]!) / 2;
}

function difference(value: number | undefined, other: number | undefined): number | undefined {
  return value === undefined || other === undefined ? undefined : value - other;
}

function quotient(value: number | undefined, other: number | undefined): number | undefined {
  return value === undefined || !other ? undefined : value / other;
}

function figure(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(2);
}
