import * as pulumi from "@pulumi/pulumi";

/** A resource that a program registered, as the mocked engine saw it. */
export interface Registered {
  /** The last part of its type: "Domain", "KvmHost". */
  kind: string;
  type: string;
  name: string;
  /** Inputs without the shell. */
  inputs: { [field: string]: unknown };
  urn: string;
}

const registered: Registered[] = [];

/** What handlers would compute, by kind; a test adds its own with `computes`. */
const computed: { [kind: string]: (inputs: Registered["inputs"], name: string) => object } = {};

void pulumi.runtime.setMocks(
  {
    newResource({ type, name, inputs, id }) {
      const { __provider: _shell, ...own } = inputs;
      const kind = type.split(":").at(-1)!;
      registered.push({ kind, type, name, inputs: own, urn: `${kind}::${name}` });
      return { id: id || `${name}-id`, state: { ...inputs, ...computed[kind]?.(own, name) } };
    },
    call: ({ inputs }) => inputs,
  },
  "pulumi-kvm",
  "test",
  false,
);

/** Lets a mocked kind have outputs: `computes("Domain", () => ({ uuid: "u" }))`. */
export function computes(kind: string, outputs: (inputs: Registered["inputs"], name: string) => object): void {
  computed[kind] = outputs;
}

/** Runs a program and returns everything it registered, in the order of registration. */
export async function run(program: () => unknown): Promise<Registered[]> {
  registered.length = 0;
  const made = await program();
  await settle();
  void made;
  return [...registered];
}

/** Registration is asynchronous: wait until the number of resources stands still. */
async function settle(): Promise<void> {
  let before = -1;
  while (before !== registered.length) {
    before = registered.length;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The resources of one kind. */
export function ofKind(kind: string, among: readonly Registered[]): Registered[] {
  return among.filter((resource) => resource.kind === kind);
}

/** The value of an output. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}
