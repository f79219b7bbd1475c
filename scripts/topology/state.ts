import * as v from "valibot";
import type { Mark } from "./model";

export type Properties = { [name: string]: unknown };

/** A resource of a stack, as far as a picture needs it: what it is, where it belongs, and what is no secret about it. */
export interface StateResource {
  urn: string;
  /** The last part of its type: "Domain", "KvmHost". */
  kind: string;
  /** Whether it is an object of a host. What is not is a component. */
  custom: boolean;
  name: string;
  /** The URN of its parent. */
  parent?: string;
  /** Outputs over inputs; secrets, and what a preview does not know yet, are left out. */
  properties: Properties;
  /** What a preview would do with it. */
  mark?: Mark;
}

/** How Pulumi marks a secret and a value that is not known yet, in states and previews. */
const signature = "4dabf18193072939515e22adb298388d";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const rawResource = v.object({
  urn: v.string(),
  type: v.string(),
  custom: v.optional(v.boolean(), false),
  delete: v.optional(v.boolean(), false),
  parent: v.optional(v.string()),
  inputs: v.nullish(v.record(v.string(), v.unknown())),
  outputs: v.nullish(v.record(v.string(), v.unknown())),
  additionalSecretOutputs: v.nullish(v.array(v.string())),
});

const exported = v.object({
  deployment: v.nullable(v.object({ resources: v.nullish(v.array(rawResource), []) })),
});

export type RawResource = v.InferInput<typeof rawResource>;

/** The resources of an exported state, the text that `pulumi stack export` prints. `source` is named in errors. */
export function readState(text: string, source: string): StateResource[] {
  const refuse = (problem: string, cause?: unknown) =>
    new Error(`${source}: ${problem}. Fix: give what \`pulumi stack export\` writes`, { cause });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw refuse("this is no JSON", error);
  }
  const parsed = v.safeParse(exported, document);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw refuse(`this is no exported state: ${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
  }
  return (parsed.output.deployment?.resources ?? []).flatMap((resource) => stateResource(resource) ?? []);
}

/** Undefined for what is only still in the state because its replacement is under way. */
export function stateResource(raw: RawResource): StateResource | undefined {
  if (raw.delete) return undefined;
  return {
    urn: raw.urn,
    kind: raw.type.split(":").at(-1)!,
    custom: raw.custom ?? false,
    name: raw.urn.split("::").slice(3).join("::"),
    parent: raw.parent,
    properties: plain({ ...raw.inputs, ...openOutputs(raw) }) as Properties,
  };
}

/** The outputs without those that are a secret as an input: a provider gets it in the clear, and may have said it again. */
function openOutputs({ inputs, outputs, additionalSecretOutputs }: RawResource): Properties {
  const open = Object.entries(outputs ?? {}).filter(
    ([name]) => !additionalSecretOutputs?.includes(name) && !holdsSecret(inputs?.[name]),
  );
  return Object.fromEntries(open);
}

function holdsSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return signature in value || Object.values(value).some(holdsSecret);
}

function plain(value: unknown): unknown {
  if (value === unknown) return undefined;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (signature in value) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

/** The stack that resources are of. */
export function stackOf([first]: readonly StateResource[]): string | undefined {
  return first?.urn.split(":")[2];
}
