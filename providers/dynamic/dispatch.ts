import { type Failure, limitFailures, parseInputs } from "./check";
import type { Context, Handler } from "./contract";
import { allDeclared, declare } from "./declared";
import { classify, describeChange } from "./diff";
import { PartialError } from "./errors";
import { exclusive } from "./mutex";
import { abortOnInterrupt, operation, progress } from "./operation";
import { keptNames, redactor, secretFields, secretFieldsProperty } from "./secret-fields";
import { silenceErrorsTold, told } from "./told-errors";
import { containsUnknown } from "./unknown";

type Properties = { [name: string]: unknown };
type Redact = (text: string) => string;

/**
 * What Pulumi's dynamic provider process calls, for a handler: it parses and classes at `check`, tells the classes at
 * `diff`, and gives every operation its object's lock, its deadline and its error style.
 */
// The process hands plain structures through; each handler's own schema and state types hold behind this line.
export function dispatch(handler: Handler<any, any>) {
  abortOnInterrupt();
  silenceErrorsTold();
  const operate = async <T>(
    verb: string,
    of: Properties,
    redact: Redact,
    work: (context: Context) => Promise<T>,
  ): Promise<T> => {
    const subject = handler.describe(of);
    const say = (message: string) => progress(redact(`${subject}: ${message}`));
    try {
      return await exclusive(handler.lock(of), () => operation(say, work, handler.deadline?.(of)));
    } catch (cause) {
      throw operatorFacing(redact, `${subject}: cannot ${verb}`, cause);
    }
  };
  const changesOf = (olds: Properties, news: Properties, secret: ReadonlySet<string>) =>
    classify(handler.fields, olds, news).map((change) =>
      secret.has(change.field) ? { ...change, hidden: true } : change,
    );

  return {
    async check(oldsRaw: Properties, newsRaw: Properties) {
      const { inputs: parsed, failures, known } = parseInputs(handler, ownProperties(newsRaw));
      const redact = redactor(oldsRaw, newsRaw);
      if (failures.length > 0) return { inputs: newsRaw, failures: onTheResource(failures, redact) };
      const old = ownProperties(oldsRaw);
      const olds = Object.keys(old).length > 0 ? old : undefined;
      const kept = { ...parsed, ...handler.generate?.(parsed, olds) };
      const looked = known && handler.lookUp?.bind(handler, kept);
      const inputs = looked ? { ...kept, ...(await operate("check", kept, redact, looked)) } : kept;
      const clashes = (known && handler.clashes?.(inputs, allDeclared(handler.kind))) || [];
      declare(handler.kind, inputs);
      const changes = olds ? changesOf(olds, inputs, secretFields(oldsRaw, newsRaw)) : [];
      const exceeded = limitFailures(handler, inputs, changes);
      const ask = known && handler.problems && exceeded.length === 0 && (!olds || changes.length > 0);
      const problems = ask
        ? await operate("check", inputs, redact, (context) => handler.problems!(inputs, olds, changes, context))
        : [];
      const found = [...clashes, ...problems].map(({ field, reason }) => ({
        property: field,
        reason: `${handler.describe(inputs)}: ${field}: ${reason}`,
      }));
      if (olds && known && handler.notices)
        for (const notice of await operate("check", inputs, redact, (context) => handler.notices!(inputs, context)))
          progress(redact(`${handler.describe(inputs)}: ${notice}`));
      return {
        inputs: { ...storable(inputs), ...keptNames(newsRaw) },
        failures: onTheResource([...exceeded, ...found], redact),
      };
    },

    async diff(_id: string, oldsRaw: Properties, newsRaw: Properties) {
      const olds = ownProperties(oldsRaw);
      const news = ownProperties(newsRaw);
      const changes = changesOf(olds, news, secretFields(oldsRaw, newsRaw));
      const redact = redactor(oldsRaw, newsRaw);
      for (const change of changes) progress(redact(`${handler.describe(olds)}: ${describeChange(change)}`));
      const replaces = changes.filter((change) => change.disruption === "replace").map((change) => change.field);
      const deleteBeforeReplace = replaces.length > 0 && goesFirst(handler, olds, news);
      return { changes: changes.length > 0, replaces, deleteBeforeReplace };
    },

    async create(raw: Properties) {
      const inputs = ownProperties(raw);
      const { id, state } = await operate("create", inputs, redactor(raw), (context) =>
        keepingPartial(raw, () => handler.create(inputs, context)),
      );
      return { id, outs: { ...storable(state), ...keptNames(raw) } };
    },

    async read(id: string, raw: Properties) {
      const state = ownProperties(raw);
      const found = await operate("read", state, redactor(raw), (context) => handler.read(id, state, context));
      if (!found) return { id: "", props: {} };
      const inputs = Object.fromEntries(Object.entries(found).filter(([field]) => field in handler.fields));
      const names = keptNames(raw);
      return { id, props: { ...storable(found), ...names }, inputs: { ...storable(inputs), ...names } };
    },

    async update(id: string, oldsRaw: Properties, newsRaw: Properties) {
      const olds = ownProperties(oldsRaw);
      const news = ownProperties(newsRaw);
      const changes = classify(handler.fields, olds, news);
      const state = await operate("update", news, redactor(oldsRaw, newsRaw), (context) =>
        keepingPartial(newsRaw, () => handler.update(id, olds, news, changes, context)),
      );
      return { outs: { ...storable(state), ...keptNames(newsRaw) } };
    },

    async delete(id: string, raw: Properties) {
      const state = ownProperties(raw);
      await operate("delete", state, redactor(raw), (context) => handler.delete(id, state, context));
    },
  };
}

function goesFirst(handler: Handler<any, any>, olds: Properties, news: Properties): boolean {
  const rule = handler.deleteBeforeReplace;
  if (typeof rule === "function") return !containsUnknown(news) && rule(olds, news);
  return rule ?? handler.lock(olds) === handler.lock(news);
}

function ownProperties(raw: Properties): Properties {
  const { __provider: _shell, [secretFieldsProperty]: _names, ...own } = raw;
  return own;
}

/** A copy of its own without absent members, which Pulumi's structures cannot hold. */
function storable<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** What Pulumi reads from an error to keep a half-made object in the state: its id, properties and reasons. */
class InitializeError extends Error {
  constructor(
    readonly id: string,
    readonly properties: Properties,
    cause: PartialError,
  ) {
    super(cause.message, { cause });
  }
  get reasons(): string[] {
    return [this.message];
  }
}

async function keepingPartial<T>(raw: Properties, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PartialError)) throw error;
    const properties = { ...storable(error.state), ...keptNames(raw), __provider: raw["__provider"] };
    throw new InitializeError(error.id, properties, error);
  }
}

/**
 * Failures as Pulumi takes them, of the resource as a whole: beside a property's name Pulumi prints its value in the
 * notation of Go, "<nil>" for what lies deeper, and secrets in clear. Our reasons name the field and show what may be shown.
 */
function onTheResource(failures: readonly Failure[], redact: Redact): Failure[] {
  return failures.map(({ reason }) => ({ property: "", reason: redact(reason) }));
}

/**
 * The error with the object's name before it. A new one: operations may share what failed (one connection), and numeric
 * codes of libvirt's would pass for codes of gRPC's.
 */
function operatorFacing(redact: Redact, prefix: string, cause: unknown): Error {
  const message = redact(`${prefix}: ${cause instanceof Error ? cause.message : String(cause)}`);
  if (!(cause instanceof InitializeError)) return told(new Error(message, { cause }));
  cause.message = message;
  return told(cause);
}
