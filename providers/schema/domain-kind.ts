import { bytes } from "./size";
import { addressingComplaints, addressingFields, isAddressed } from "./nic-addressing";
import type { containerFields } from "./domain-container";
import type { DomainInputs } from "./domain";

type Field = keyof DomainInputs;

/** What is wrong: the field, in a list the place and the part of it, and why. */
export interface KindComplaint {
  field: Exclude<Field, "uuid">;
  index?: number;
  part?: string;
  message: string;
}

/** What a container cannot have, and what there is instead. */
const notOfContainers: { [F in Field]?: string } = {
  maxMemory: "a container's memory is a limit that changes while it runs. Fix: leave it out",
  maxVcpus: "a container's processor time changes while it runs. Fix: leave it out",
  cpu: "a container sees the processors of its host as they are. Fix: leave it out",
  accelerator: "nothing is emulated for a container. Fix: leave it out",
  machine: "a container is no machine of its own. Fix: leave it out; where its host's commands run is host",
  firmware: "a container boots no firmware, its host starts init. Fix: leave it out",
  kernel: "a container has its host's kernel. Fix: leave it out",
  initrd: "a container has its host's kernel. Fix: leave it out",
  cmdline: "a container has its host's kernel. Fix: leave it out, or give words to init",
  bootOrder: "a container boots no disk, its host starts init. Fix: leave it out",
  disks: "a container has folders of its host. Fix: say root and mounts",
  consoleLog: "libvirt keeps no log of a container's console. Fix: leave it out; virsh console shows what comes",
  agent: "a container is entered from its host. Fix: leave it out",
  graphics: "a container has no screen. Fix: leave it out",
  onCrash: "a container whose init ends is off. Fix: leave it out",
};

const onlyOfContainers: (keyof typeof containerFields)[] = [
  ...(["host", "root", "mounts", "init", "initEnv", "idmap", "capabilities", "devices", "memtune", "cputune"] as const),
];

export function kindComplaints(inputs: DomainInputs): KindComplaint[] {
  return inputs.kind === "lxc" ? [...ofContainer(inputs), ...containerFaults(inputs)] : ofMachine(inputs);
}

function ofMachine(inputs: DomainInputs): KindComplaint[] {
  const found: KindComplaint[] = onlyOfContainers
    .filter((field) => inputs[field] !== undefined)
    .map((field) => ({ field, message: 'is of containers. Fix: leave it out, or set kind: "lxc"' }));
  if (/^lxc[+:]/.test(inputs.connection))
    found.push({
      field: "connection",
      message: `${inputs.connection} runs containers. Fix: set kind: "lxc", or connect to ${inputs.connection.replace(/^lxc/, "qemu")}`,
    });
  found.push(...machineAddressing(inputs));
  for (const part of ["booted", "command"] as const)
    if (inputs.ready?.[part] !== undefined)
      found.push({ field: "ready", message: `${part} is asked of containers. Fix: wait for agent, port or http` });
  return found;
}

/** A machine is given its addresses through its agent, unless the program says that there is none. */
function machineAddressing({ nics = [], agent, ready, state = "running" }: DomainInputs): KindComplaint[] {
  const found: KindComplaint[] = nics.flatMap((nic, index) =>
    addressingComplaints(nic).map(([part, message]) => ({ field: "nics" as const, index, part, message })),
  );
  const index = nics.findIndex(isAddressed);
  if (index >= 0 && agent !== false && state === "running" && !ready?.agent)
    found.push({
      field: "nics",
      index,
      part: addressingFields.find((part) => nics[index]![part] !== undefined),
      message:
        "the guest agent sets it, which is not waited for. Fix: ready: { agent: true }; or agent: false, where the guest has it from its image or from a cloud-init seed",
    });
  return found;
}

/** Whether a value asks for something: `false` and empty lists do not. */
function asks(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

function ofContainer(inputs: DomainInputs): KindComplaint[] {
  const found: KindComplaint[] = (Object.entries(notOfContainers) as [KindComplaint["field"], string][])
    .filter(([field]) => asks(inputs[field]))
    .map(([field, message]) => ({ field, message }));
  if (!/^lxc(\+[a-z]+)?:\/\/[^/]*\/(system)?(\?|$)/.test(inputs.connection))
    found.push({
      field: "connection",
      message: `${inputs.connection} runs no containers. Allowed: e.g. "lxc:///system" or "lxc+ssh://root@kvm1/system"`,
    });
  if (inputs.ready?.agent) found.push({ field: "ready", message: "a container has no agent. Fix: wait for booted" });
  const nicParts = {
    model: "a container's NIC is a pair of virtual ones. Fix: leave it out",
    mtu: "libvirt sets none for containers. Fix: leave it out, and set it inside",
    linkState: 'libvirt pulls no cable of a container. Fix: leave it out, or "up"',
    dns: "a container's name servers are its root's. Fix: leave it out, and say dns of the Guest or RootFilesystem",
  };
  inputs.nics?.forEach((nic, index) => {
    for (const [part, message] of Object.entries(nicParts) as [keyof typeof nicParts, string][])
      if (nic[part] !== undefined && nic[part] !== "up") found.push({ field: "nics", index, part, message });
    for (const [part, message] of addressingComplaints(nic)) found.push({ field: "nics", index, part, message });
  });
  return found;
}

/** What is wrong with what only containers have. */
function containerFaults({ adopt, root, mounts, capabilities, memtune, memory }: DomainInputs): KindComplaint[] {
  const found: KindComplaint[] = [];
  if (root === undefined && adopt === undefined)
    found.push({
      field: "root",
      message: "is required. Allowed: the folder of a system, e.g. a RootFilesystem's path",
    });
  if (root?.replace(/\/+$/, "") === "")
    found.push({ field: "root", message: "is the host's own. Allowed: another folder" });
  mounts?.forEach(({ target }, index) => {
    const at = { field: "mounts", index, part: "target" } as const;
    if (/^\/+$/.test(target)) found.push({ ...at, message: '"/" is where root is. Allowed: a folder in it' });
    if (/^\/(proc|sys)(\/|$)/.test(target))
      found.push({ ...at, message: `${target} is the kernel's. Allowed: another folder` });
    if (mounts.findIndex((other) => other.target === target) < index)
      found.push({ ...at, message: `${target} is where another folder is mounted too` });
  });
  const both = capabilities?.add?.filter((name) => capabilities.drop?.includes(name)) ?? [];
  if (both.length > 0) found.push({ field: "capabilities", message: `${both.join(", ")} is both added and dropped` });
  const swap = memtune?.swapHardLimit;
  if (swap !== undefined && memory !== undefined && bytes(swap) < bytes(memory))
    found.push({
      field: "memtune",
      message: `swapHardLimit ${swap} is of memory and swap together, and less than memory ${memory}`,
    });
  return found;
}
