/** What is timed, in the order in which one environment lives through it. */
export const operations = ["create", "preview", "refresh", "memory", "replaceMemory", "destroy"] as const;

export type Operation = (typeof operations)[number];

/** Names of the rows in the results. */
export const operationLabels: { [Name in Operation]: string } = {
  create: "create",
  preview: "no-change preview",
  refresh: "refresh",
  memory: "memory of one guest, live",
  replaceMemory: "memory of one guest, by stopping it",
  destroy: "destroy",
};

/** One way to run an environment of small guests on the local libvirt. */
export interface Contender {
  /** As the results name it. */
  readonly name: string;
  /** Guests are called `${prefix}0`, `${prefix}1`, ... */
  readonly prefix: string;
  /** How many guests there are once an environment of `guests` is created. */
  made(guests: number): number;
  /** The program's version, for the results. */
  version(): Promise<string>;
  /** Everything that a user does once: not timed. */
  prepare(guests: number): Promise<void>;
  /** What it can do; each resolves when the environment is as asked for. */
  readonly run: { readonly [Name in Operation]?: () => Promise<void> };
  /** Removes what `prepare` made. */
  dispose(): Promise<void>;
}
