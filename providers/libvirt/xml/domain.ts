import { bytes, formatSize } from "../../schema/size";
import {
  attribute,
  child,
  children,
  element,
  parse,
  replaceChild,
  serialize,
  text,
  verbatim,
  type Element,
} from "./document";
import { bootEditors, parseBoot, type BootModel } from "./domain-boot";
import { containerEditors, isContainer, parseContainer, type ContainerModel } from "./domain-container";
import { consoleEditors, parseConsole, type ConsoleModel } from "./domain-console";
import { diskElement, disksByTarget, editDisk, parseDisk, type DiskModel } from "./domain-disk";
import { editNic, nicElement, nicsByMac, parseNic, type NicModel } from "./domain-nic";
import { sizeIn } from "./domain-size";
import { adopt, ensureChild, setAttribute } from "./edit";
import { ownerMetadata } from "./owner";

/** What the product knows to say about a guest. Sizes are texts such as "2GiB". */
export interface DomainModel extends BootModel, ConsoleModel, ContainerModel {
  /** libvirt's word for the accelerator: "kvm", or "qemu" for TCG; "lxc" is a container. */
  type: string;
  uuid?: string;
  name: string;
  title?: string;
  description?: string;
  memory: string;
  maxMemory: string;
  vcpus: number;
  maxVcpus: number;
  cpu?: { mode: string; model?: string };
  onCrash: string;
  disks: DiskModel[];
  nics: NicModel[];
}

export type DomainField = keyof DomainModel;

const editors: { [Field in DomainField]-?: (root: Element, model: DomainModel) => void } = {
  ...bootEditors,
  ...consoleEditors,
  ...containerEditors,
  type: (root, { type }) => setAttribute(root, "type", type),
  uuid: (root, { uuid }) => replaceText(root, "uuid", uuid),
  name: (root, { name }) => replaceText(root, "name", name),
  title: (root, { title }) => replaceText(root, "title", title),
  description: (root, { description }) => replaceText(root, "description", description),
  memory: (root, { memory }) => {
    replaceChild(root, "currentMemory", memoryElement("currentMemory", memory));
    const tuned = child(root, "memtune");
    if (tuned && isContainer(root)) replaceChild(tuned, "hard_limit", undefined);
  },
  maxMemory: (root, { maxMemory }) => replaceChild(root, "memory", memoryElement("memory", maxMemory)),
  vcpus: editVcpus,
  maxVcpus: editVcpus,
  cpu: editCpu,
  onCrash: (root, { onCrash }) => replaceText(root, "on_crash", onCrash),
  disks: (root, { disks }) => {
    editDevices(root, disksByTarget, disks, (disk) => disk.target, diskElement, editDisk);
    if (disks.some(({ bus }) => bus === "scsi")) ensureScsi(ensureChild(root, "devices"));
  },
  nics: (root, { nics }) => editDevices(root, nicsByMac, nics, (nic) => nic.mac, nicElement, editNic),
};

function replaceText(root: Element, name: string, value: string | undefined): void {
  replaceChild(root, name, value === undefined ? undefined : element(name, {}, value));
}

function memoryElement(name: string, size: string): Element {
  return element(name, { unit: "KiB" }, bytes(size) / 1024);
}

/** Topology, NUMA cells and features stay. */
function editCpu(root: Element, { cpu }: DomainModel): void {
  if (!cpu) return replaceChild(root, "cpu", undefined);
  const at = ensureChild(root, "cpu");
  setAttribute(at, "mode", cpu.mode);
  setAttribute(at, "match", cpu.mode === "custom" ? "exact" : undefined);
  // libvirt's choice for the old mode.
  for (const chosen of ["check", "migratable"]) setAttribute(at, chosen, undefined);
  replaceChild(at, "model", cpu.model === undefined ? undefined : element("model", { fallback: "forbid" }, cpu.model));
}

function editVcpus(root: Element, { vcpus, maxVcpus }: DomainModel): void {
  const vcpu = element("vcpu", { placement: attribute(child(root, "vcpu"), "placement") }, maxVcpus);
  for (const { name, value } of Array.from(child(root, "vcpu")?.attributes ?? [])) vcpu.setAttribute(name, value);
  setAttribute(vcpu, "current", vcpus < maxVcpus ? vcpus : undefined);
  replaceChild(root, "vcpu", vcpu);
  // Which of them are plugged in, as it was with the old numbers.
  replaceChild(root, "vcpus", undefined);
}

/** Makes the elements of one kind the wanted ones: what is there is edited, so that what the model cannot say stays. */
function editDevices<Model>(
  root: Element,
  index: (devices: Element) => Map<string, Element>,
  wanted: readonly Model[],
  key: (model: Model) => string,
  make: (model: Model) => Element,
  edit: (at: Element, model: Model) => void,
): void {
  const devices = ensureChild(root, "devices");
  const present = index(devices);
  for (const [name, at] of present) if (!wanted.some((model) => key(model) === name)) devices.removeChild(at);
  for (const model of wanted) {
    const at = present.get(key(model));
    if (at) edit(at, model);
    else adopt(devices, make(model));
  }
}

/** libvirt's own choice of controller is one that current systems have no driver for. */
function ensureScsi(devices: Element): void {
  const present = children(devices, "controller").some((controller) => attribute(controller, "type") === "scsi");
  if (!present) adopt(devices, element("controller", { type: "scsi", model: "virtio-scsi" }));
}

/** PCIe ports that a new guest has free, so that disks and NICs can be plugged in while it runs. */
const sparePorts = 6;

/**
 * What a new guest has beside what the program says: a clock, a random number generator, a balloon (memory changes
 * live), free PCIe ports (q35 takes a device only into a port that was there at boot), and no USB.
 */
function blank(model: DomainModel): Element {
  const q35 = /q35/.test(model.machine ?? "");
  const plugged = model.nics.length + model.disks.length + 3;
  const ports = q35 ? plugged + sparePorts : 0;
  return element(
    "domain",
    { type: model.type },
    element("features", {}, element("acpi"), element("apic")),
    element("clock", { offset: "utc" }),
    element(
      "devices",
      {},
      q35 && element("controller", { type: "pci", model: "pcie-root" }),
      Array.from({ length: ports }, () => element("controller", { type: "pci", model: "pcie-root-port" })),
      element("controller", { type: "usb", model: "none" }),
      element("serial", { type: "pty" }),
      element("memballoon", { model: "virtio", freePageReporting: "on" }),
      element("rng", { model: "virtio" }, element("backend", { model: "random" }, "/dev/urandom")),
    ),
  );
}

/** What a new container has beside what the program says: a network of its own, also without a NIC, and a console. */
function blankContainer(): Element {
  return element(
    "domain",
    { type: "lxc" },
    element("os", {}, element("type", {}, "exe")),
    element("features", {}, element("privnet")),
    element("clock", { offset: "utc" }),
    element("devices", {}, element("console", { type: "pty" })),
  );
}

/** The document of a new guest. `owner` is who made it, kept in the document's metadata. */
export function domainXML(model: DomainModel, owner?: string): string {
  const root = model.type === "lxc" ? blankContainer() : blank(model);
  if (owner !== undefined) adopt(root, ownerMetadata(owner));
  for (const field of Object.keys(editors) as DomainField[]) if (said(model[field])) editors[field](root, model);
  return serialize(root);
}

/** What a container's memory was limited to while it ran. */
function hardLimit(root: Element): number | undefined {
  const tuned = child(root, "memtune");
  return tuned && isContainer(root) ? sizeIn(tuned, "hard_limit") : undefined;
}

function said(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

/** The document with `fields` as the model says; everything else in it stays. */
export function editDomain(xml: string, model: DomainModel, fields: Iterable<DomainField>): string {
  const root = parse(xml);
  for (const field of fields) editors[field](root, model);
  return serialize(root);
}

/** What a document says, live or not. */
export function parseDomain(root: Element): DomainModel {
  const max = sizeIn(root, "memory") ?? 0;
  const maxVcpus = Number(text(root, "vcpu") ?? 1);
  const cpu = child(root, "cpu");
  const devices = child(root, "devices");
  return {
    ...parseBoot(root),
    ...parseConsole(root),
    ...parseContainer(root),
    type: attribute(root, "type") ?? "",
    uuid: text(root, "uuid"),
    name: text(root, "name") ?? "",
    title: verbatim(root, "title"),
    description: verbatim(root, "description"),
    memory: formatSize(hardLimit(root) ?? sizeIn(root, "currentMemory") ?? max),
    maxMemory: formatSize(max),
    vcpus: Number(attribute(child(root, "vcpu"), "current") ?? maxVcpus),
    maxVcpus,
    cpu: cpu && { mode: attribute(cpu, "mode") ?? "custom", model: text(cpu, "model") },
    onCrash: text(root, "on_crash") ?? "destroy",
    disks: [...disksByTarget(devices).values()].map((at) => parseDisk(at)!),
    nics: children(devices, "interface").flatMap((at) => parseNic(at) ?? []),
  };
}
