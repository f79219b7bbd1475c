import { isDeepStrictEqual } from "node:util";
import { domainXML, type DomainField, type DomainModel } from "../libvirt/xml/domain";
import { applyOverlay } from "../libvirt/xml/overlay";
import { sameMachine } from "../libvirt/xml/domain-boot";
import type { DomainInputs } from "../schema/domain";
import { bytes } from "../schema/size";
import { diskModels, nicModels } from "./domain-device-models";
import type { VolumePaths } from "./domain-volumes";

/** libvirt's word for an accelerator. */
export const domainTypes = { kvm: "kvm", tcg: "qemu" } as const;

/** Where libvirt's own logs of the guest are too; virtlogd keeps it from growing without end. */
export function consoleLogPath(name: string): string {
  return `/var/log/libvirt/qemu/${name}-console.log`;
}

/** The inputs of a new guest in the document's words. */
export function newModel(inputs: DomainInputs, accelerator: "kvm" | "tcg", paths: VolumePaths): DomainModel {
  const { memory = "0B", vcpus = 1 } = inputs;
  return {
    type: domainTypes[accelerator],
    name: inputs.name,
    title: inputs.title,
    description: inputs.description,
    memory,
    maxMemory: inputs.maxMemory ?? memory,
    vcpus,
    maxVcpus: inputs.maxVcpus ?? vcpus,
    // All that the host has and can migrate; emulated, all that QEMU can: distributions want more than its oldest model.
    cpu: inputs.cpu ?? { mode: accelerator === "kvm" ? "host-model" : "maximum" },
    onCrash: inputs.onCrash ?? "destroy",
    machine: inputs.machine ?? "q35",
    firmware: inputs.firmware ?? "bios",
    kernel: inputs.kernel,
    initrd: inputs.initrd,
    cmdline: inputs.cmdline,
    bootOrder: inputs.bootOrder ?? [],
    consoleLog: inputs.consoleLog ? consoleLogPath(inputs.name) : undefined,
    agent: inputs.agent ?? false,
    graphics: inputs.graphics ?? false,
    disks: diskModels(inputs.disks ?? [], paths),
    nics: nicModels(inputs.name, inputs.nics ?? []),
  };
}

/** The document of a new guest. */
export function newDocument(inputs: DomainInputs, model: DomainModel, uuid: string): string {
  return applyOverlay(domainXML({ ...model, uuid }, inputs.owner), inputs.xml);
}

/**
 * What the guest's document should say: what the program sets, the default for what it set before and sets no more, and
 * what is there for everything else.
 */
export function wantedModel(
  there: DomainModel,
  news: DomainInputs,
  olds: Partial<DomainInputs>,
  paths: VolumePaths,
): DomainModel {
  const accelerator = there.type === "kvm" ? "kvm" : "tcg";
  const chosen = news.accelerator === undefined || news.accelerator === "auto" ? accelerator : news.accelerator;
  const defaults = newModel(news, chosen, paths);
  const set = (field: keyof DomainInputs) => news[field] !== undefined || olds[field] !== undefined;
  const pick = <Field extends keyof DomainInputs & keyof DomainModel>(field: Field): DomainModel[Field] =>
    set(field) ? defaults[field] : there[field];
  return {
    ...there,
    // libvirt names none it does not know.
    type: chosen === accelerator ? there.type : defaults.type,
    name: news.name,
    title: pick("title"),
    description: pick("description"),
    memory: news.memory ?? there.memory,
    maxMemory: maxMemoryOf(there, news, olds),
    vcpus: news.vcpus ?? there.vcpus,
    maxVcpus: maxVcpusOf(there, news, olds),
    cpu: pick("cpu"),
    onCrash: pick("onCrash"),
    // "q35" is written out with its version when it is defined.
    machine: sameMachine(defaults.machine!, there.machine) ? there.machine : pick("machine"),
    firmware: pick("firmware"),
    kernel: pick("kernel"),
    initrd: pick("initrd"),
    cmdline: pick("cmdline"),
    bootOrder: pick("bootOrder"),
    consoleLog: news.consoleLog === undefined ? there.consoleLog : defaults.consoleLog,
    agent: news.agent ?? there.agent,
    graphics: news.graphics ?? there.graphics,
    disks: news.disks ? diskModels(news.disks, paths, there.disks, olds.disks) : there.disks,
    nics: news.nics ? nicModels(news.name, news.nics, there.nics, olds) : there.nics,
  };
}

/** Room that the program did not make stays; where there is none, the most is what the guest has. */
function maxMemoryOf(there: DomainModel, news: DomainInputs, olds: Partial<DomainInputs>): string {
  if (news.maxMemory !== undefined) return news.maxMemory;
  const memory = news.memory ?? there.memory;
  const keep = olds.maxMemory === undefined && bytes(there.maxMemory) > bytes(there.memory);
  return keep && bytes(there.maxMemory) > bytes(memory) ? there.maxMemory : memory;
}

function maxVcpusOf(there: DomainModel, news: DomainInputs, olds: Partial<DomainInputs>): number {
  if (news.maxVcpus !== undefined) return news.maxVcpus;
  const keep = olds.maxVcpus === undefined && there.maxVcpus > there.vcpus;
  return Math.max(keep ? there.maxVcpus : 1, news.vcpus ?? there.vcpus);
}

/** The fields in which two documents differ; the order of devices means nothing, and neither does an absent member. */
export function differingFields(there: DomainModel, wanted: DomainModel): DomainField[] {
  return (Object.keys(wanted) as DomainField[]).filter(
    (field) => !sameValue(sorted(there, field), sorted(wanted, field)),
  );
}

function sorted(model: DomainModel, field: DomainField): unknown {
  if (field === "disks") return [...model.disks].sort((a, b) => (a.target < b.target ? -1 : 1));
  if (field === "nics") return [...model.nics].sort((a, b) => (a.mac < b.mac ? -1 : 1));
  return model[field];
}

/** Whether two plain values are the same, absent members left out. */
export function sameValue(one: unknown, other: unknown): boolean {
  const plain = (value: unknown) => (value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown));
  return isDeepStrictEqual(plain(one), plain(other));
}
