const lines = new Set<string>();
let silenced = false;

/** Marks an error that Pulumi itself shows to the operator, beside its resource. */
export function told<E extends Error>(error: E): E {
  if (process.env["PULUMI_KVM_DEBUG"]) return error;
  // Our call chain tells an operator nothing.
  error.stack = "";
  lines.add(`${error}: `);
  return error;
}

/**
 * Keeps the provider process from printing marked errors a second time: it writes every error of check, diff, read and
 * delete to its standard error too, as `ERROR: STACK`, which Pulumi then lists under the stack. All else is printed.
 */
export function silenceErrorsTold(): void {
  if (silenced) return;
  silenced = true;
  const print = console.error;
  console.error = (...words: unknown[]) => {
    if (words.length === 1 && lines.delete(String(words[0]))) return;
    print.apply(console, words);
  };
}
