// Writes docs/reference.md: every resource and component, from the sources' docstrings, the schemas' defaults and the
// handlers' diff tables:
//
//   npm run docs
import { writeFileSync } from "node:fs";
import path from "node:path";
import * as prettier from "prettier";
import * as v from "valibot";
import { classify } from "../providers/dynamic/diff";
import { diffTables, schemas } from "../providers/handlers";
import { plainProbe, probes, samples } from "./reference-probes";
import { filesIn, readSources, type Declared, type Member, type Sources } from "./reference-source";

const root = path.dirname(__dirname);
export const referenceFile = path.join(root, "docs", "reference.md");

const components = [
  "KvmHost",
  "HostBridge",
  "HostNetwork",
  "NatNetwork",
  "RoutedNetwork",
  "IsolatedNetwork",
  "OpenNetwork",
  "BridgedNetwork",
  "MacvtapNetwork",
  "BootstrapImage",
  "CloudImage",
  "RpmImage",
  "RestoredImage",
  "Guest",
  "GuestGroup",
  "WebTier",
  "AppTier",
  "PostgresServer",
  "BackupJob",
  "LoadBalancerPair",
];
const resources = [
  "Host",
  "LinuxBridge",
  "Network",
  "NetworkFilter",
  "PortForward",
  "DhcpReservation",
  "StoragePool",
  "Volume",
  "Domain",
  "RootFilesystem",
  "CloudInitSeed",
  "File",
  "Package",
  "Service",
  "WebServer",
  "HaproxyServer",
  "KeepalivedServer",
  "SelfSignedCertificate",
  "AcmeAccount",
  "AcmeClient",
  "TomcatServer",
  "WildFlyServer",
  "AppServer",
  "PostgresInstance",
  "Command",
  "TarBackup",
  "GuestBackup",
  "Restore",
  "DiskRestore",
];

const beginning = `# Reference

Written by \`scripts/reference.ts\` from the sources: the docstrings, the schemas' defaults and the handlers' own diff
tables, which are what decides in a run. A test fails when this page is not up to date.

A change of an argument is one of these:

- **live**: the object goes on running.
- **reboot**: a guest is restarted; of a network, the network is restarted, and its guests are plugged in again; of a
  bridge, links or connections are interrupted. A guest that is off takes each of these changes as it is.
- **replace**: the object is removed and made anew.
- **none**: the argument matters only when the object is made, or says how other changes are made.

A field whose default is *derived* follows from other fields, as its text says. All arguments take Pulumi inputs.
`;

export async function reference(): Promise<string> {
  const low = readSources(...filesIn(path.join(root, "providers", "resources")));
  const high = readSources(...filesIn(path.join(root, "components")));
  const text = [
    beginning,
    "## Components",
    ...components.map((name) => componentSection(name, high, low)),
    "## Resources",
    ...resources.map((name) => resourceSection(name, low)),
  ].join("\n\n");
  return prettier.format(text, { ...(await prettier.resolveConfig(referenceFile)), parser: "markdown" });
}

function resourceSection(name: string, sources: Sources): string {
  const args = sources.interfaces.get(`${name}Args`)!;
  return [
    ...head(sources.classes.get(name)!),
    argumentTable(name, args.members),
    ...nested(args.members, sources),
    outputTable(sources.classes.get(name)!),
  ].join("\n\n");
}

function componentSection(name: string, high: Sources, low: Sources): string {
  const args = withMixins(high.interfaces.get(`${name}Args`)!, high);
  const kind = args.inherits?.from === "ResourceArgs" ? name : undefined;
  const own = table(
    ["Argument", "Type", "Meaning"],
    args.members.map((member) => [code(member.name), code(member.type), meaning(member)]),
  );
  const taken = kind ? takenMembers(low.interfaces.get(`${kind}Args`)!, args) : [];
  return [
    ...head(high.classes.get(name)!),
    ...(args.members.length > 0 ? [own] : []),
    ...(kind ? [argumentTable(kind, taken), ...nested(taken, low)] : []),
    ...(args.inherits && !kind ? [takenText(args, high, low)] : []),
    ...nested(args.members, high),
    ...outputs(high.classes.get(name)!, high),
  ].join("\n\n");
}

function withMixins(of: Declared, sources: Sources): Declared {
  const mixed = (of.mixins ?? []).flatMap(({ from, only, without = [] }) =>
    sources.interfaces
      .get(from)!
      .members.filter(({ name }) => (only?.includes(name) ?? true) && !without.includes(name)),
  );
  return { ...of, members: [...of.members, ...mixed] };
}

function outputs(of: Declared, high: Sources): string[] {
  const base = of.inherits?.from;
  const own = of.members.length > 0 ? [outputTable(of)] : [];
  return base !== undefined && high.classes.has(base)
    ? [...own, `Its outputs are [${base}](#${base.toLowerCase()})'s.`]
    : own;
}

function takenMembers(base: Declared, { members, inherits }: Declared): Member[] {
  return base.members.filter(
    ({ name }) =>
      !members.some((own) => own.name === name) &&
      !inherits?.without?.includes(name) &&
      (inherits?.only?.includes(name) ?? true),
  );
}

function takenText(args: Declared, high: Sources, low: Sources): string {
  const from = args.inherits!.from;
  const base = high.interfaces.get(from) ?? low.interfaces.get(from)!;
  const of = from.replace(/Args$/, "");
  const link = `[${of}](#${of.toLowerCase()})`;
  if (high.interfaces.has(from) && !args.inherits!.without) return `And all of ${link}'s arguments.`;
  const names = takenMembers(withInherited(base, high, low), args).map(({ name }) => code(name));
  return `${args.members.length > 0 ? "And of" : "Of"} ${link} ${names.join(", ")}.`;
}

/** The interface with what it takes from others. */
function withInherited(of: Declared, high: Sources, low: Sources): Declared {
  const from = of.inherits && (high.interfaces.get(of.inherits.from) ?? low.interfaces.get(of.inherits.from));
  if (!from) return of;
  return { ...of, members: [...of.members, ...takenMembers(withInherited(from, high, low), of)] };
}

function head({ name, doc, example }: Declared): string[] {
  return [`### ${name}`, doc, ...(example ? [`\`\`\`ts\n${example}\n\`\`\``] : [])];
}

function argumentTable(kind: string, members: readonly Member[]): string {
  const defaults = defaultsOf(kind);
  return table(
    ["Argument", "Type", "Default", "A change is", "Meaning"],
    members.map((member) => [
      code(member.name),
      code(member.type),
      member.required ? "required" : (defaults.get(member.name) ?? ""),
      disruption(kind, member.name),
      cell(member.doc),
    ]),
  );
}

/** What the schema fills in for arguments that are left out: the same in every sample, or derived from the others. */
function defaultsOf(kind: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const sample of samples[kind]!) {
    const filled = Object.entries(v.parse(schemas()[kind]!, sample) as object).filter(([field]) => !(field in sample));
    for (const [field, value] of filled) {
      const text = code(JSON.stringify(value) ?? "");
      found.set(field, (found.get(field) ?? text) === text ? text : "derived");
    }
  }
  return found;
}

/** Arguments that the resource class makes another field of. */
const standIns: { [kind: string]: { [argument: string]: string } } = {
  File: { content: "sha256", source: "sha256" },
  PortForward: { host: "machine", guest: "to", nic: "to" },
  GuestBackup: { host: "machine" },
};

/** The field of the handler that an argument becomes. */
export function fieldOf(kind: string, argument: string): string {
  return standIns[kind]?.[argument] ?? argument;
}

/** The class of a field's change, asked of the handler's own table. */
export function disruption(kind: string, field: string): string {
  const asked = fieldOf(kind, field);
  const tableOfKind = diffTables()[kind] as { [field: string]: unknown };
  if (!(asked in tableOfKind)) throw new Error(`${kind} has no rule for ${field}`);
  const tried = probes[kind]?.[asked] ?? [plainProbe(asked)];
  const classes = new Map<string, string[]>();
  for (const { when, olds, news } of tried) {
    const change = classify<object>(tableOfKind as never, olds, news).find((each) => each.field === asked);
    const found = change?.disruption ?? "none";
    classes.set(found, [...(classes.get(found) ?? []), when]);
  }
  return [...classes].map(([name, when]) => (when[0] ? `${name}: ${when.join(", ")}` : name)).join("<br>");
}

/** A table for each interface that the members' types name, and for those that these name. */
function nested(members: readonly Member[], sources: Sources, seen = new Set<string>()): string[] {
  return members.flatMap(({ type }) =>
    [...type.matchAll(/\b[A-Z]\w+Args\b/g)].flatMap(([name]) => {
      const declared = sources.interfaces.get(name);
      if (!declared || declared.inherits || seen.has(name)) return [];
      seen.add(name);
      const rows = declared.members.map((member) => [code(member.name), code(member.type), meaning(member)]);
      return [
        `#### ${name}`,
        ...(declared.doc ? [declared.doc] : []),
        table(["Field", "Type", "Meaning"], rows),
        ...nested(declared.members, sources, seen),
      ];
    }),
  );
}

function outputTable({ members }: Declared): string {
  const rows = members.map((member) => [code(member.name), code(member.type), cell(member.doc)]);
  return table(["Output", "Type", "Meaning"], rows);
}

function meaning({ doc, required }: Member): string {
  const text = cell(doc);
  return required && !/required/i.test(text) ? `${text}${text ? " " : ""}Required.` : text;
}

function table(heads: string[], rows: string[][]): string {
  return [heads, heads.map(() => "-"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function code(text: string): string {
  return text ? `\`${text.replaceAll("|", "\\|")}\`` : "";
}

function cell(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").replaceAll("|", "\\|");
}

if (require.main === module) void reference().then((text) => writeFileSync(referenceFile, text));
