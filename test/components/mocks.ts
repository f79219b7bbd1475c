import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import * as v from "valibot";
import { schemas } from "../../providers/handlers";

/** A resource that a program registered, as the mocked engine saw it. */
export interface Registered {
  /** The last part of its type: "Domain", "KvmHost". */
  kind: string;
  type: string;
  name: string;
  /** Inputs without the shell, and without those that have no value. */
  inputs: { [field: string]: any };
  /** The inputs that the program keeps secret. */
  secretFields?: string[];
  /** Its parent, as "Guest web"; undefined for what stands at the top. */
  parent?: string;
  /** What it waits for, as "Network lab", sorted. */
  dependencies: string[];
}

const registered: Registered[] = [];

/** What handlers would compute, by kind; a test adds its own with `computes`. */
const computed: { [kind: string]: (inputs: Registered["inputs"], name: string) => object } = {};

type Request = Record<"getType" | "getName" | "getParent", () => string> & { getDependenciesList(): string[] };

/** Beside what `newResource` is told, the request says where the resource belongs and what it waits for. */
const { registerResource } = MockMonitor.prototype;
MockMonitor.prototype.registerResource = function (request: Request, callback) {
  const parent = request.getParent();
  registered.push({
    kind: request.getType().split(":").at(-1)!,
    type: request.getType(),
    name: request.getName(),
    inputs: {},
    ...(parent && !parent.includes("pulumi:pulumi:Stack") && { parent: short(parent) }),
    dependencies: request.getDependenciesList().map(short).sort(),
  });
  return registerResource.call(this, request, callback);
};

function short(urn: string): string {
  const [types, name] = urn.split("::").slice(-2) as [string, string];
  return `${types.split(/[$:]/).at(-1)} ${name}`;
}

void pulumi.runtime.setMocks(
  {
    newResource({ type, name, inputs, id }) {
      const { __provider: _shell, __secretFields: secretFields, ...own } = inputs as Registered["inputs"];
      const given = plain(own) as Registered["inputs"];
      const resource = registered.findLast((each) => each.type === type && each.name === name)!;
      resource.inputs = given;
      if (secretFields) resource.secretFields = secretFields as string[];
      return { id: id || `${name}-id`, state: { ...inputs, ...computed[resource.kind]?.(given, name) } };
    },
    call: ({ inputs }) => inputs,
  },
  "pulumi-kvm",
  "test",
  false,
);

/** The value without absent members and without the marks of secrets, as handlers get it. */
function plain(value: any): any {
  if (pulumi.runtime.isRpcSecret(value)) return plain(pulumi.runtime.unwrapRpcSecret(value));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]));
}

/** Lets a mocked kind have outputs: `computes("Domain", () => ({ uuid: "u" }))`. */
export function computes(kind: string, outputs: (inputs: Registered["inputs"], name: string) => object): void {
  computed[kind] = outputs;
}

/** The outputs that programs commonly build on, as handlers would compute them. */
export function computeOutputs(): void {
  computes("Domain", (_inputs, name) => ({
    uuid: `0f0c1c9e-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`,
    ipv4: "192.168.122.10",
    addresses: [{ nic: 0, mac: "52:54:00:00:00:01", ipv4: ["192.168.122.10"], ipv6: [] }],
  }));
  computes("Network", () => ({ bridge: "virbr1", ipv4Address: "192.168.122.1" }));
  computes("Volume", ({ pool, name }) => ({ path: `/pools/${pool}/${name}`, key: `/pools/${pool}/${name}` }));
  computes("File", (_inputs, name) => ({ revision: `revision of ${name}` }));
  computes("SelfSignedCertificate", () => ({ certificate: "made certificate", key: "made key" }));
  computes("AcmeAccount", () => ({ key: "made account", thumbprint: "t".repeat(43) }));
  computes("CloudImage", ({ directory }, name) =>
    // The component of the same name has no directory, and computes nothing.
    directory ? { path: `${directory}/${name}.qcow2`, format: "qcow2" } : {},
  );
  computes("BootstrapImage", ({ directory, format }, name) => {
    if (!directory) return {};
    return format === "directory"
      ? { path: `${directory}/${name}.root`, format }
      : {
          path: `${directory}/${name}.qcow2`,
          format: "qcow2",
          kernel: `${directory}/${name}.vmlinuz`,
          initrd: `${directory}/${name}.initrd`,
          cmdline: "root=/dev/vda console=ttyS0",
        };
  });
  computes("RpmImage", ({ directory, format }, name) =>
    directory ? { path: `${directory}/${name}.${format === "directory" ? "root" : format}`, format } : {},
  );
  computes("DiskRestore", ({ to }) => ({ path: to, point: "20260728T033000Z" }));
  computes("CloudInitSeed", ({ directory, name }) => ({ path: `${directory}/${name}-seed.iso` }));
  computes("RootFilesystem", ({ directory = "/var/lib/libvirt/filesystems", name }) => ({
    path: `${directory}/${name}`,
    init: "/usr/lib/pulumi-kvm/init",
  }));
}

/** Runs a program and returns everything it registered, in the order of registration. */
export async function run(program: () => unknown): Promise<Registered[]> {
  registered.length = 0;
  await program();
  await settle();
  return [...registered];
}

/** Registration is asynchronous: wait until the number of resources stands still. */
async function settle(): Promise<void> {
  let before = -1;
  while (before !== registered.length) {
    before = registered.length;
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The tree as lines: "Guest web > Domain web". */
export function tree(among: readonly Registered[]): string[] {
  return among.map(({ kind, name, parent }) => `${parent ? `${parent} > ` : ""}${kind} ${name}`).sort();
}

/** The resources of one kind. */
export function ofKind(kind: string, among: readonly Registered[]): Registered[] {
  return among.filter((resource) => resource.kind === kind);
}

/** The dynamic resource of this kind and name: components may share both. */
export function find(kind: string, name: string, among: readonly Registered[]): Registered {
  const found = ofKind(kind, among).find((resource) => resource.name === name && isDynamic(resource));
  if (!found) assert.fail(`there is no ${kind} ${name} among ${tree(among).join(", ")}`);
  return found;
}

function isDynamic({ type }: Registered): boolean {
  return type.startsWith("pulumi-nodejs:dynamic/");
}

/** Fails when a handler would refuse what was registered. */
export function assertAccepted(among: readonly Registered[]): void {
  const complaints = among.filter(isDynamic).flatMap(({ kind, name, inputs }) => {
    const schema = schemas()[kind];
    if (!schema) return [`${kind} ${name}: there is no handler for it`];
    const issues = v.safeParse(schema, inputs).issues ?? [];
    return issues.map((issue) => `${kind} ${name}: ${v.getDotPath(issue) ?? ""}: ${issue.message}`);
  });
  assert.deepEqual(complaints, []);
}

/** The value of an output. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}
