import type * as v from "valibot";

/** How much a change disturbs a running object, from least to most. */
export type Disruption = "live" | "reboot" | "replace";

/** What a field's change amounts to, and why, in words an operator understands. */
export interface Verdict {
  disruption: Disruption | "ignored";
  why?: string;
  /** The field may hold a secret: its values are never shown, only that it changes. */
  hidden?: boolean;
}

/** The old and the new value of one field, with both whole objects beside them. */
export interface FieldChange<Inputs> {
  old: unknown;
  new: unknown;
  olds: Partial<Inputs>;
  news: Inputs;
}

/** What a change of one field amounts to. */
export type Judge<Inputs> = (change: FieldChange<Inputs>) => Verdict;

/**
 * A constant class, or a function of the change for fields where it depends. A function sees known values only: a new
 * value that is not known yet counts as live, or as what `unknown` makes of it.
 */
export type FieldRule<Inputs> =
  Disruption | "ignored" | Verdict | Judge<Inputs> | { known: Judge<Inputs>; unknown: Judge<Inputs> };

/** One line per input field; a field that has no line is a defect that the contract test finds. */
export type DiffTable<Inputs> = { [Field in keyof Required<Inputs>]: FieldRule<Inputs> };

/** One classed change, as `diff` finds it and the preview shows it. */
export interface Change {
  field: string;
  old: unknown;
  new: unknown;
  disruption: Disruption;
  why?: string;
  hidden?: boolean;
}

/** A problem with the inputs that the world told (not the schema): shown at preview, before anything changes. */
export interface Problem {
  field: string;
  reason: string;
}

/** What a handler is given beside its data. */
export interface Context {
  /** Aborts when the operation's deadline passes. */
  signal: AbortSignal;
  /** One line of progress, shown by Pulumi beside the stack. Never pass a secret. */
  progress(message: string): void;
}

/** An object that exists: its libvirt UUID, volume key or path, and everything the program can read from it. */
export interface Created<State> {
  id: string;
  state: State;
}

/**
 * The life of one kind of resource. `State` holds every input field under its input name plus what is computed;
 * `diff` compares state with new inputs field by field, so `read` writes what is really there into the input fields
 * that the program set, and leaves the others out (the back end's own defaults are never drift).
 */
export interface Handler<Inputs extends object, State extends Inputs = Inputs> {
  /** The resource's kind as users see it: "Domain". */
  kind: string;
  /** Parses raw arguments into canonical inputs: one place gives type, default and error. */
  schema: v.GenericSchema<unknown, Inputs>;
  /** The class of every field's change. */
  fields: DiffTable<Inputs>;
  /** How errors name the object: "domain web-1 on qemu:///system". */
  describe(inputs: Inputs): string;
  /** Operations that share a key never run at the same time. */
  lock(inputs: Inputs): string;
  /** The most a change may disturb; undefined means no limit. */
  limit?(inputs: Inputs): Disruption | undefined;
  /**
   * Whether the old object goes before the new one is made when it is replaced. Default: where both have one `lock`, and
   * so could not be there at once. Asked only when every input is known: what is not known is another object.
   */
  deleteBeforeReplace?: boolean | ((olds: Inputs, news: Inputs) => boolean);
  /**
   * Inputs that the program does not give and that stay for the object's life, such as its UUID: they are known at
   * preview, and what depends on them with them. `olds` are the inputs of the last `up`.
   */
  generate?(news: Inputs, olds: Partial<Inputs> | undefined): Partial<Inputs>;
  /**
   * What is wrong beside the other objects of the kind that the program has declared by now. Told at every check, also of
   * an object that does not change, so that of two that clash the second one tells; the world is not asked. Called only
   * when every input is known; those of `others` may not be.
   */
  clashes?(news: Inputs, others: readonly Partial<Inputs>[]): Problem[];
  /**
   * Inputs that the world has to tell, such as what a name means today; nothing is changed. `news` hold what `generate`
   * kept. Called at every check for which every input is known; throws OperatorError where it cannot be told.
   */
  lookUp?(news: Inputs, context: Context): Promise<Partial<Inputs>>;
  /**
   * Problems the schema cannot see: the world is asked (clashing subnets, a missing pool), nothing is changed.
   * `olds` are the inputs of the last `up`, undefined for a new resource; `changes` is what the table made of the two.
   * Called only when every input is known. Must not throw when the world cannot be reached at preview.
   */
  problems?(news: Inputs, olds: Partial<Inputs> | undefined, changes: Change[], context: Context): Promise<Problem[]>;
  /**
   * What an operator should know of an object that is there, a line each, shown in every preview. Must not throw when the
   * world cannot be reached.
   */
  notices?(inputs: Inputs, context: Context): Promise<string[]>;
  /** Milliseconds one operation may take. Default 10 minutes. */
  deadline?(inputs: Inputs): number;
  /** Makes the object whole or not at all; throw `PartialError` where the object must be kept half-made. */
  create(inputs: Inputs, context: Context): Promise<Created<State>>;
  /** The object as it is; undefined when it is gone. */
  read(id: string, state: State, context: Context): Promise<State | undefined>;
  /** Brings the object from `olds` to `news` in place. Also called with no changes after a `PartialError`. */
  update(id: string, olds: State, news: Inputs, changes: Change[], context: Context): Promise<State>;
  /** Removes what we made; missing is success; adopted objects are let go. */
  delete(id: string, state: State, context: Context): Promise<void>;
}
