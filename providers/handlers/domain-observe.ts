import type { DomainModel } from "../libvirt/xml/domain";
import { sameMachine } from "../libvirt/xml/domain-boot";
import type { DiskModel } from "../libvirt/xml/domain-disk";
import { ownNic, type NicModel } from "../libvirt/xml/domain-nic";
import { hasOverlay } from "../libvirt/xml/overlay";
import type { DomainInputs } from "../schema/domain";
import type { DiskInputs } from "../schema/domain-disk";
import { macsOf, type NicInputs } from "../schema/domain-nic";
import { balloonIsEmpty } from "./domain-balloon";
import type { DomainKind, Observed } from "./domain-kind";
import type { DomainLook } from "./domain-look";
import { diskModels, sameSource } from "./domain-device-models";
import { consoleLogPath, domainTypes, sameValue } from "./domain-model";
import type { VolumePaths } from "./domain-volumes";

/**
 * The fields that the program set, as they really are. What runs and what starts next time may differ: the one that is
 * not as declared is told.
 */
export function observe(kind: DomainKind, declared: DomainInputs, seen: DomainLook, paths: VolumePaths): Observed {
  const config = kind.inWords(declared, seen.config.model, paths);
  if (declared.xml !== undefined && !hasOverlay(seen.config.root, declared.xml)) config.xml = undefined;
  const now: Observed = { ...config };
  if (seen.live) {
    const configured = seen.config.model.nics;
    const nics = seen.live.model.nics.map((nic) =>
      ownNic(
        nic,
        configured.find(({ mac }) => mac === nic.mac),
      ),
    );
    const running = kind.inWords(declared, { ...seen.live.model, nics }, paths);
    for (const field of kind.live)
      if (!sameValue(running[field], declared[field])) Object.assign(now, { [field]: running[field] });
    if (balloonIsEmpty(seen.live.model)) now.memory = config.memory;
  }
  if (declared.state !== undefined) now.state = seen.power;
  // Undefined behind our back while it runs, it has no settings of its own any more.
  if (declared.autostart !== undefined) now.autostart = seen.persistent ? seen.autostart : undefined;
  const set = Object.entries(now).filter(([field]) => declared[field as keyof DomainInputs] !== undefined);
  // Plain data goes into the state, without absent members.
  return JSON.parse(JSON.stringify(Object.fromEntries(set))) as Observed;
}

/** What is said of every kind of guest. */
export function commonInWords(declared: DomainInputs, model: DomainModel): Observed {
  return {
    ...declared,
    name: model.name,
    title: model.title,
    description: model.description,
    memory: model.memory,
    vcpus: model.vcpus,
    nics: declared.nics && observedNics(declared.name, declared.nics, model),
  };
}

/** The document of a machine in the words of the inputs. */
export function machineInWords(declared: DomainInputs, model: DomainModel, paths: VolumePaths): Observed {
  const { accelerator, machine, cpu } = declared;
  const logged = model.consoleLog !== undefined;
  return {
    ...commonInWords(declared, model),
    maxMemory: model.maxMemory,
    maxVcpus: model.maxVcpus,
    cpu: cpu && model.cpu && sameValue(cpu, model.cpu) ? cpu : (model.cpu as DomainInputs["cpu"]),
    accelerator:
      accelerator === undefined || accelerator === "auto" || domainTypes[accelerator] === model.type
        ? accelerator
        : model.type === "kvm"
          ? "kvm"
          : "tcg",
    machine: machine !== undefined && sameMachine(machine, model.machine) ? machine : model.machine,
    firmware: model.firmware,
    kernel: model.kernel,
    initrd: model.initrd,
    cmdline: model.cmdline,
    bootOrder: model.bootOrder as DomainInputs["bootOrder"],
    consoleLog: declared.consoleLog ? model.consoleLog === consoleLogPath(model.name) : logged,
    agent: model.agent,
    graphics: model.graphics,
    onCrash: model.onCrash as DomainInputs["onCrash"],
    disks: declared.disks && observedDisks(declared.disks, model.disks, paths),
  };
}

/** The declared disks that are there, as they are, then those that nobody declared. */
function observedDisks(declared: readonly DiskInputs[], there: readonly DiskModel[], paths: VolumePaths): DiskInputs[] {
  const targets = diskModels(declared, paths, there, declared).map((disk) => disk.target);
  const known = declared.flatMap((disk, at) => {
    const present = there.find((model) => model.target === targets[at]);
    return present ? [observedDisk(disk, present, paths)] : [];
  });
  const others = there.filter((model) => !targets.includes(model.target));
  return [...known, ...others.map(undeclaredDisk)];
}

function observedDisk(disk: DiskInputs, there: DiskModel, paths: VolumePaths): DiskInputs {
  const seen: { [field: string]: unknown } = { ...disk };
  for (const field of ["format", "bus", "device", "readonly", "cache", "discard", "serial"] as const)
    if (disk[field] !== undefined) seen[field] = there[field];
  const nothing = disk.volume === undefined && disk.path === undefined && there.path === undefined && !there.volume;
  if (!nothing && !sameSource(disk, there, paths)) Object.assign(seen, { volume: there.volume, path: there.path });
  return seen as DiskInputs;
}

function undeclaredDisk({ target, device, path, volume }: DiskModel): DiskInputs {
  return {
    name: target,
    device: device === "cdrom" ? "cdrom" : "disk",
    ...(path !== undefined && { path }),
    ...(volume && { volume }),
  };
}

function observedNics(
  domain: string,
  declared: readonly NicInputs[],
  { type, nics: there }: Pick<DomainModel, "type" | "nics">,
): NicInputs[] {
  const macs = macsOf(domain, declared);
  const known = declared.flatMap((nic, at) => {
    const present = there.find((model) => model.mac === macs[at]);
    if (!present) return [];
    const { network, bridge } = present;
    const seen: { [field: string]: unknown } = { ...nic, network, bridge };
    for (const field of ["model", "mtu", "linkState", "bandwidth", "portGroup", "vlans", "filter"] as const)
      if (nic[field] !== undefined) seen[field] = present[field];
    // A document leaves out what is off.
    if (nic.isolated !== undefined) seen["isolated"] = present.isolated ?? false;
    // Of a machine the document tells nothing of what it has inside.
    return [{ ...seen, ...(type === "lxc" && observedAddressing(nic, present)) } as NicInputs];
  });
  const others = there.filter((model) => !macs.includes(model.mac));
  return [
    ...known,
    ...others.map(({ mac, network, bridge }) => ({ mac, ...(network === undefined ? { bridge } : { network }) })),
  ];
}

/** The routes to everywhere are gateways. */
function observedAddressing(declared: NicInputs, { addresses, routes = [] }: NicModel): Partial<NicInputs> {
  const isDefault = ({ to }: { to: string }) => to.endsWith("/0");
  return {
    ...(declared.addresses && { addresses }),
    ...(declared.gateway && { gateway: routes.filter(isDefault).map(({ via }) => via) }),
    ...(declared.routes && { routes: routes.filter((route) => !isDefault(route)) }),
  };
}
