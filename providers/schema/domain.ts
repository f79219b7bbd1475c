import * as v from "valibot";
import { connectionUri } from "./connection";
import { containerFields } from "./domain-container";
import { diskComplaints, diskSchema } from "./domain-disk";
import { kindComplaints, type KindComplaint } from "./domain-kind";
import { nicComplaints, nicSchema } from "./domain-nic";
import { readySchema } from "./domain-ready";
import { domainOverlay } from "./domain-xml";
import { duration } from "./duration";
import { absolutePath, objectName } from "./name";
import { bytes, size } from "./size";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

const MiB = 1024 * 1024;

/** QEMU gives x86 guests whole MiB. */
const memorySize = v.pipe(
  size,
  v.check(
    (text) => bytes(text) >= MiB && bytes(text) % MiB === 0,
    (issue) => `${JSON.stringify(issue.input)} is not a multiple of 1MiB. Allowed: e.g. "512MiB" or "2GiB"`,
  ),
);

/** XML cannot say an empty text, and libvirt keeps none. */
const line = v.pipe(
  v.string(),
  v.regex(
    /^[^\p{Cc}]*$/u,
    (issue) => `${JSON.stringify(issue.input)} has control characters. Allowed: one line of text`,
  ),
  v.transform((text) => text || undefined),
);

const paragraphs = v.pipe(
  v.string(),
  v.transform((text) => text.replaceAll("\r\n", "\n")),
  v.regex(
    /^(\P{Cc}|[\n\t])*$/u,
    (issue) => `${JSON.stringify(issue.input)} has control characters. Allowed: text, line ends and tabs`,
  ),
  v.transform((text) => text || undefined),
);

const vcpuCount = wholeNumber(1, 4096);

const fields = {
  // Said or not, a machine is the same guest.
  kind: v.optional(
    v.pipe(
      v.picklist(["qemu", "lxc"]),
      v.transform((kind) => (kind === "qemu" ? undefined : kind)),
    ),
  ),
  connection: v.optional(connectionUri, "qemu:///system"),
  name: objectName,
  adopt: v.optional(v.string()),
  /** Who makes the guest: project, stack and resource. */
  owner: v.optional(v.string()),
  title: v.optional(line),
  description: v.optional(paragraphs),
  memory: v.optional(memorySize),
  maxMemory: v.optional(memorySize),
  vcpus: v.optional(vcpuCount),
  maxVcpus: v.optional(vcpuCount),
  cpu: v.optional(
    strict({
      mode: v.picklist(["host-passthrough", "host-model", "maximum", "custom"]),
      model: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]+$/))),
    }),
  ),
  accelerator: v.optional(v.picklist(["auto", "kvm", "tcg"])),
  machine: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^[A-Za-z0-9_.-]+$/,
        (issue) => `${JSON.stringify(issue.input)} is not a machine type. Allowed: e.g. "q35" or "pc"`,
      ),
    ),
  ),
  firmware: v.optional(v.picklist(["bios", "uefi"])),
  kernel: v.optional(absolutePath),
  initrd: v.optional(absolutePath),
  cmdline: v.optional(line),
  bootOrder: v.optional(v.pipe(v.array(v.picklist(["hd", "cdrom", "network"])), v.minLength(1))),
  disks: v.optional(v.array(diskSchema)),
  nics: v.optional(v.array(nicSchema)),
  ...containerFields,
  consoleLog: v.optional(v.boolean()),
  agent: v.optional(v.boolean()),
  graphics: v.optional(v.boolean()),
  onCrash: v.optional(v.picklist(["destroy", "restart", "preserve"])),
  autostart: v.optional(v.boolean()),
  state: v.optional(v.picklist(["running", "paused", "shutoff"])),
  shutdownTimeout: v.optional(duration),
  ready: v.optional(readySchema),
  xml: v.optional(domainOverlay),
  disruption: v.optional(v.picklist(["live", "reboot", "replace"]), "reboot"),
};

/**
 * A guest's canonical inputs. For a new guest every default is written out; for an adopted one only what the program
 * set is there, and the rest of the guest is left as it is.
 */
type Given = v.InferOutput<ReturnType<typeof strict<typeof fields>>>;

export type DomainInputs = Given & {
  /** Chosen at preview, so that what works inside the guest knows it there. */
  uuid?: string;
};

function complaints(inputs: Given): KindComplaint[] {
  const found = kindComplaints(inputs);
  const complain = (field: keyof Given, message: string) => found.push({ field, message });
  const { memory, maxMemory, vcpus = 1, maxVcpus } = inputs;
  if (memory === undefined && inputs.adopt === undefined) complain("memory", 'is required. Allowed: e.g. "2GiB"');
  if (memory !== undefined && maxMemory !== undefined && bytes(maxMemory) < bytes(memory))
    complain("maxMemory", `${maxMemory} is less than memory ${memory}. Allowed: at least as much`);
  if (maxVcpus !== undefined && maxVcpus < vcpus)
    complain("maxVcpus", `${maxVcpus} is less than vcpus ${vcpus}. Allowed: at least as many`);
  if (inputs.cpu?.mode === "custom" && inputs.cpu.model === undefined)
    complain("cpu", 'mode custom needs a model. Allowed: e.g. { mode: "custom", model: "Skylake-Server" }');
  if (inputs.cpu?.model !== undefined && inputs.cpu.mode !== "custom")
    complain("cpu", `model ${inputs.cpu.model} goes with mode custom. Allowed: mode: "custom", or no model`);
  for (const field of ["initrd", "cmdline"] as const)
    if (inputs[field] !== undefined && inputs.kernel === undefined && inputs.adopt === undefined)
      complain(field, "goes with kernel. Allowed: kernel: the path of a kernel on the host, or no " + field);
  if (inputs.ready && inputs.state !== undefined && inputs.state !== "running")
    complain("ready", `a guest that is ${inputs.state} never gets ready. Allowed: state: "running", or no ready`);
  if (inputs.ready?.agent && inputs.agent === false)
    complain("ready", "agent is waited for, but agent: false leaves out its channel");
  for (const [index, part, message] of diskComplaints(inputs.disks ?? []))
    found.push({ field: "disks", index, part, message });
  for (const [index, part, message] of nicComplaints(inputs.name, inputs.nics ?? []))
    found.push({ field: "nics", index, part, message });
  return found;
}

/** What an operator would choose for a new guest. */
function withDefaults(inputs: Given): DomainInputs {
  if (inputs.adopt !== undefined) return inputs;
  const machine = {
    vcpus: 1,
    accelerator: "auto" as const,
    disks: [],
    // Only the system's libvirtd has a log folder whose path is known.
    consoleLog: /\/system(\?|$)/.test(inputs.connection),
    agent: true,
    graphics: false,
  };
  return {
    ...(inputs.kind === "lxc" ? { init: ["/sbin/init"] } : machine),
    nics: [],
    autostart: true,
    state: "running",
    shutdownTimeout: "30s",
    ...(Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined)) as DomainInputs),
  };
}

/** One place for a guest's types, defaults and errors. */
export const domainSchema = v.pipe(
  strict(fields),
  v.rawTransform(({ dataset, addIssue, NEVER }): DomainInputs => {
    const given = dataset.value;
    const found = complaints(given);
    for (const { field, index, part, message } of found) {
      const at = { type: "object" as const, origin: "value" as const, input: given, key: field, value: given[field] };
      const inside = [index, part].filter((key) => key !== undefined);
      addIssue({ message, path: [at, ...inside.map((key) => ({ ...at, key, value: given[field] }))] as [typeof at] });
    }
    return found.length > 0 ? NEVER : withDefaults(given);
  }),
);
