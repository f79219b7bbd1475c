import type { Change, DiffTable, Disruption } from "../providers/dynamic/contract";
import { classify, describeChange, worst } from "../providers/dynamic/diff";

type Properties = { [name: string]: unknown };

interface ResourceState {
  type: string;
  custom?: boolean;
  parent?: string;
  inputs?: Properties;
  outputs?: Properties;
}

/** One step of `pulumi preview --json`. */
export interface Step {
  op: string;
  urn: string;
  oldState?: ResourceState;
  newState?: ResourceState;
}

/** What `pulumi preview --json` prints, as far as the report reads it. */
export interface Preview {
  steps?: Step[];
  changeSummary?: { [op: string]: number };
  diagnostics?: { urn?: string; message: string; severity: string }[];
}

export type DiffTables = { [kind: string]: DiffTable<object> };

interface Row {
  sign: string;
  kind: string;
  name: string;
  what: string;
  disruption: Disruption | "new" | "removed" | "-";
}

/** Comments longer than this are refused by GitHub (65,536 characters), so the table is cut before. */
const longest = 60_000;

const signs: { [op: string]: string } = {
  create: "+",
  update: "~",
  replace: "±",
  "delete-replaced": "-",
  "create-replacement": "+",
  delete: "-",
  read: ">",
  import: "=",
};

/**
 * A preview as one comment for a pull request: what changes, how much each change disturbs, and totals. `tables` are
 * the handlers' own diff tables, so that the comment and the run can never disagree.
 */
export function reportPreview(stack: string, preview: Preview, tables: DiffTables): string {
  const steps = (preview.steps ?? []).filter((step) => step.op !== "refresh");
  const rows = steps.filter((step) => step.op in signs && !isHalfOfReplace(step)).map((step) => row(step, tables));
  const errors = (preview.diagnostics ?? []).filter((diagnostic) => diagnostic.severity.startsWith("error"));
  // Not every unchanged resource comes as a step.
  const unchanged = preview.changeSummary?.["same"] ?? 0;
  return [
    `### Preview of \`${stack}\``,
    "",
    errors.length > 0
      ? `**Failed**: ${plural(errors.length, "error")}. Nothing was changed.`
      : summary(rows, unchanged),
    ...(errors.length > 0 ? ["", ...errors.map((error) => `- ${escapeCell(firstLine(error.message))}`)] : []),
    ...(rows.length > 0 ? ["", ...table(rows)] : []),
    "",
  ].join("\n");
}

/** A replacement comes as three steps; the one named "replace" stands for all. */
function isHalfOfReplace(step: Step): boolean {
  return step.op === "create-replacement" || step.op === "delete-replaced";
}

function row(step: Step, tables: DiffTables): Row {
  const parts = step.urn.split("::");
  const kind = parts.at(-2)!.split("$").at(-1)!.split(":").at(-1)!;
  const shared = { sign: signs[step.op]!, kind, name: parts.at(-1)! };
  if (step.op === "create") return { ...shared, what: "", disruption: "new" };
  if (step.op === "delete") return { ...shared, what: "", disruption: "removed" };
  const changes = changesOf(step, tables[kind]);
  const disruption = step.op === "replace" ? "replace" : (worst(changes) ?? "-");
  return { ...shared, what: changes.map(describeChange).join("<br>"), disruption };
}

function changesOf(step: Step, table: DiffTable<object> | undefined): Change[] {
  const olds = step.oldState?.outputs ?? step.oldState?.inputs;
  const news = step.newState?.inputs;
  return table && olds && news ? classify<object>(table, olds, news) : [];
}

function summary(rows: readonly Row[], unchanged: number): string {
  if (rows.length === 0) return `No change: ${plural(unchanged, "resource")} as declared.`;
  const counts = (["new", "live", "reboot", "replace", "removed"] as const)
    .map((disruption) => ({ disruption, count: rows.filter((each) => each.disruption === disruption).length }))
    .filter(({ count }) => count > 0)
    .map(({ disruption, count }) => `${count} ${disruption}`);
  const guests = rows.filter((each) => each.kind === "Domain" && ["reboot", "replace"].includes(each.disruption));
  const interrupted =
    guests.length > 0
      ? `Guests interrupted: ${guests.map(({ name, disruption }) => `\`${name}\` (${disruption})`).join(", ")}.`
      : "No guest is interrupted.";
  return `**${plural(rows.length, "change")}** (${counts.join(", ")}), ${unchanged} unchanged. ${interrupted}`;
}

function table(rows: readonly Row[]): string[] {
  const lines = ["|   | Resource | Change | Disruption |", "| - | - | - | - |"];
  let length = 0;
  for (const [at, each] of rows.entries()) {
    const line = `| ${each.sign} | ${each.kind} \`${each.name}\` | ${escapeCell(each.what)} | ${each.disruption} |`;
    length += line.length + 1;
    if (length > longest) return [...lines, "", `${plural(rows.length - at, "more change")} not shown.`];
    lines.push(line);
  }
  return lines;
}

function escapeCell(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll("&lt;br>", "<br>")
    .replaceAll("|", "\\|")
    .replaceAll("`", "\\`")
    .replace(/\s*\n\s*/g, "<br>");
}

function firstLine(message: string): string {
  return message.trim().replace(/^error: /, "");
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
