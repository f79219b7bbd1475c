import type { ContainerModel } from "../libvirt/xml/domain-container";
import type { DomainModel } from "../libvirt/xml/domain";
import type { NicModel } from "../libvirt/xml/domain-nic";
import type { DomainInputs } from "../schema/domain";
import type { NicInputs } from "../schema/domain-nic";
import { allRoutes } from "../schema/nic-addressing";
import { macsOf } from "../schema/domain-nic";
import { nicModels } from "./domain-device-models";
import type { Observed } from "./domain-kind";
import { sameValue } from "./domain-model";
import { commonInWords } from "./domain-observe";

/** Microseconds after which processor time is counted anew, where nobody says otherwise: the kernel's own. */
const usualPeriod = 100_000;

/** The inputs of a new container in the document's words. */
export function newContainer(inputs: DomainInputs): DomainModel {
  const { name, memory = "0B", vcpus = 1 } = inputs;
  return {
    type: "lxc",
    name,
    title: inputs.title,
    description: inputs.description,
    memory,
    maxMemory: memory,
    vcpus,
    maxVcpus: vcpus,
    onCrash: "destroy",
    firmware: "bios",
    bootOrder: [],
    agent: false,
    graphics: false,
    disks: [],
    nics: containerNics(name, inputs.nics ?? []),
    ...containerParts(inputs),
  };
}

function containerParts(inputs: DomainInputs): ContainerModel {
  return {
    init: inputs.init,
    initEnv: inputs.initEnv,
    root: inputs.root,
    mounts: (inputs.mounts ?? []).map((mount) => ({ ...mount })),
    idmap: inputs.idmap,
    capabilities: capabilitiesOf(inputs.capabilities),
    devices: inputs.devices ?? [],
    memtune: inputs.memtune,
    cputune: cputuneOf(inputs),
  };
}

/** libvirt writes nothing where its own policy holds, and capabilities in an order of its own. */
function capabilitiesOf(given: DomainInputs["capabilities"]): ContainerModel["capabilities"] {
  if (!given) return undefined;
  const { policy, add = [], drop = [] } = given;
  if (policy === "default" && add.length + drop.length === 0) return undefined;
  return { policy, add: [...new Set(add)].sort(), drop: [...new Set(drop)].sort() };
}

/** So many processors are their time, unless the program says the time itself. */
function cputuneOf({ vcpus, cputune }: DomainInputs): ContainerModel["cputune"] {
  const period = cputune?.period ?? usualPeriod;
  const quota = cputune?.quota ?? (vcpus === undefined ? undefined : vcpus * period);
  const tuned = { ...cputune, ...(quota !== undefined && { quota }) };
  return Object.values(tuned).some((value) => value !== undefined) ? tuned : undefined;
}

/** What the container's document should say: see `wantedModel` of machines. */
export function wantedContainer(there: DomainModel, news: DomainInputs, olds: Partial<DomainInputs>): DomainModel {
  const defaults = newContainer(news);
  const set = (...fields: (keyof DomainInputs)[]) =>
    fields.some((field) => news[field] !== undefined || olds[field] !== undefined);
  const pick = <Field extends keyof DomainInputs & keyof DomainModel>(field: Field): DomainModel[Field] =>
    set(field) ? defaults[field] : there[field];
  return {
    ...there,
    name: news.name,
    title: pick("title"),
    description: pick("description"),
    memory: news.memory ?? there.memory,
    maxMemory: news.memory ?? there.maxMemory,
    vcpus: pick("vcpus"),
    maxVcpus: set("vcpus") ? defaults.maxVcpus : there.maxVcpus,
    init: news.init ?? there.init,
    initEnv: pick("initEnv"),
    root: news.root ?? there.root,
    mounts: pick("mounts"),
    idmap: pick("idmap"),
    capabilities: pick("capabilities"),
    devices: pick("devices"),
    memtune: pick("memtune"),
    cputune: set("vcpus", "cputune") ? defaults.cputune : there.cputune,
    nics: news.nics ? containerNics(news.name, news.nics, there.nics, olds) : there.nics,
  };
}

/** The NICs in the document's words. Each keeps the name that it has inside; a new one takes the first that is free. */
function containerNics(
  domain: string,
  nics: readonly NicInputs[],
  present: readonly NicModel[] = [],
  before: { name?: string; nics?: readonly NicInputs[] } = {},
): NicModel[] {
  const models = nicModels(domain, nics, present, before);
  const kept = models.map(({ mac }) => present.find((there) => there.mac === mac));
  const taken = new Set(kept.map((there) => there?.guest));
  const oldMacs = macsOf(before.name ?? domain, before.nics ?? []);
  return models.map((model, at) => {
    const there = kept[at];
    const guest = there?.guest ?? freeName(taken);
    taken.add(guest);
    const nic = nics[at]!;
    const declares = (one: NicInputs | undefined) => one?.addresses ?? one?.gateway ?? one?.routes;
    const keep = !declares(nic) && !declares(before.nics?.[oldMacs.indexOf(model.mac)]) ? there : undefined;
    return {
      ...model,
      model: there?.model,
      guest,
      device: there?.device ?? (model.filter && deviceOf(model.mac)),
      addresses: nic.addresses ?? keep?.addresses,
      routes: keep?.routes ?? listed(allRoutes(nic)),
    };
  });
}

/** libvirt filters what a container sends only where it was told the name of the host's end. */
function deviceOf(mac: string): string {
  return `lx${mac.replaceAll(":", "")}`;
}

/** "eth0", "eth1", ... */
function freeName(taken: ReadonlySet<string | undefined>): string {
  for (let index = 0; ; index++) if (!taken.has(`eth${index}`)) return `eth${index}`;
}

function listed<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** The document of a container in the words of the inputs. */
export function containerInWords(declared: DomainInputs, model: DomainModel): Observed {
  const written = containerParts(declared);
  const same = <Field extends keyof ContainerModel>(field: Field) =>
    (sameValue(written[field], model[field]) ? declared[field] : model[field]) as DomainInputs[Field];
  return {
    ...commonInWords(declared, model),
    init: same("init"),
    initEnv: same("initEnv"),
    root: same("root"),
    mounts: same("mounts"),
    idmap: same("idmap"),
    capabilities: same("capabilities"),
    devices: same("devices"),
    memtune: same("memtune"),
    cputune: same("cputune"),
    // What there are of disks, agent and the like is nothing of a container's.
  };
}
