interface Named {
  connection?: unknown;
  pool?: unknown;
  name?: unknown;
}

const seen = new Set<string>();

function key(kind: string, { connection, pool, name }: Named): string {
  return JSON.stringify([kind, connection, pool, name]);
}

/** Notes that the program declares the object: Pulumi checks it before what depends on it. */
export function declare(kind: string, object: object): void {
  seen.add(key(kind, object));
}

/**
 * Whether the program of this run declares the object and has named it by now; the libvirt objects among the inputs go
 * by connection, name, and the pool where they have one. What is not there yet will be, then.
 */
export function isDeclared(kind: string, object: { connection: string; pool?: string; name: string }): boolean {
  return seen.has(key(kind, object));
}
