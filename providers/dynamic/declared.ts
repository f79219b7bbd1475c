import { unknownValue } from "./unknown";

interface Named {
  connection?: unknown;
  machine?: unknown;
  pool?: unknown;
  name?: unknown;
}

const seen = new Map<string, object>();

/** Guests are their driver's own; networks, filters and pools are one for all drivers of a host. */
function key(kind: string, { connection, machine, pool, name }: Named): string {
  const host = kind === "Domain" || connection === undefined ? connection : hostOf(connection);
  return JSON.stringify([kind, host ?? machine, pool, name]);
}

function hostOf(connection: unknown): string {
  return String(connection).replace(/^(qemu|lxc)(?=[+:])/, "");
}

/** Whether two libvirt URIs are one host's, by whatever driver; one that is not known yet may be. */
export function sameHost(one: unknown, other: unknown): boolean {
  return one === unknownValue || other === unknownValue || hostOf(one) === hostOf(other);
}

/** Notes that the program declares the object: Pulumi checks it before what depends on it. */
export function declare(kind: string, object: object): void {
  seen.set(key(kind, object), object);
}

/**
 * Whether the program of this run declares the object and has named it by now; the libvirt objects among the inputs go
 * by connection, name, and the pool where they have one. What is not there yet will be, then.
 */
export function isDeclared(kind: string, object: { connection: string; pool?: string; name: string }): boolean {
  return seen.has(key(kind, object));
}

/** The inputs of the object as the program of this run declares it; some may not be known yet. */
export function declaredInputs<Inputs extends object>(
  kind: string,
  object: { connection: string; pool?: string; name: string },
): Partial<Inputs> | undefined {
  return seen.get(key(kind, object)) as Partial<Inputs> | undefined;
}

/** Everything of one kind that the program of this run has declared by now. */
export function allDeclared<Inputs extends object>(kind: string): Partial<Inputs>[] {
  const begin = `[${JSON.stringify(kind)},`;
  return [...seen].filter(([key]) => key.startsWith(begin)).map(([, object]) => object as Partial<Inputs>);
}
