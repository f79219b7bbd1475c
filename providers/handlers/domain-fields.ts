import type { DiffTable, Disruption, FieldChange, Judge, Verdict } from "../dynamic/contract";
import type { DomainInputs } from "../schema/domain";
import { bytes } from "../schema/size";
import { containerNicsRule, disksRule, nicsRule, unknownDisksRule } from "./domain-device-fields";
import type { DomainState } from "./domain-state";

type Change = FieldChange<DomainInputs>;

const live: Verdict = { disruption: "live" };

/** Whether the guest is off, so that nothing disturbs it. */
function isOff({ olds }: Change): boolean {
  return (olds.state ?? (olds as Partial<DomainState>).power) === "shutoff";
}

/** A rule for a guest that runs; one that is off takes every change as it is. */
function whileRunning(rule: Judge<DomainInputs>): Judge<DomainInputs> {
  return (change) => (isOff(change) ? live : rule(change));
}

/** Something that QEMU is told when the guest starts. */
function atStart(what: string): Judge<DomainInputs> {
  return whileRunning(() => ({ disruption: "reboot", why: `${what} at its start` }));
}

/** What has a default that is written out: without a value the program leaves it as it is. */
function unlessUnset(rule: Judge<DomainInputs> | Disruption): Judge<DomainInputs> {
  return (change) => {
    if (change.new === undefined) return { disruption: "ignored" };
    return typeof rule === "function" ? rule(change) : { disruption: rule };
  };
}

function memory({ old, new: wanted, olds }: Change): Verdict {
  if (old === undefined || wanted === undefined) return live;
  const room = olds.maxMemory ?? (old as string);
  if (bytes(wanted as string) <= bytes(room)) return { disruption: "live", why: "by the balloon" };
  const why =
    olds.maxMemory === undefined
      ? `it started with ${room}, and without maxMemory there is no room for more`
      : `maxMemory ${room} leaves no room`;
  return { disruption: "reboot", why };
}

function maxMemory({ old, new: wanted, olds, news }: Change): Verdict {
  const before = old ?? olds.memory;
  const after = wanted ?? news.memory;
  if (before === undefined || after === undefined || before === after) return live;
  return { disruption: "reboot", why: "the room for memory is fixed at its start" };
}

function vcpus({ old, new: wanted, olds }: Change): Verdict {
  if (old === undefined || wanted === undefined) return live;
  const room = olds.maxVcpus ?? (old as number);
  if ((wanted as number) < (old as number))
    return { disruption: "reboot", why: "no vcpu is taken from a running guest" };
  if ((wanted as number) <= room) return { disruption: "live", why: "plugged in" };
  const why =
    olds.maxVcpus === undefined
      ? `it started with ${room}, and without maxVcpus there is no room for more`
      : `maxVcpus ${room} leaves no room`;
  return { disruption: "reboot", why };
}

function maxVcpus({ old, new: wanted, olds, news }: Change): Verdict {
  const before = old ?? olds.vcpus;
  const after = wanted ?? news.vcpus;
  if (before === undefined || after === undefined || before === after) return live;
  return { disruption: "reboot", why: "the room for vcpus is fixed at its start" };
}

function accelerator({ new: wanted, olds }: Change): Verdict {
  if (wanted === "auto") return { disruption: "live", why: "it keeps the one it has" };
  if ((olds as Partial<DomainState>).acceleratorInUse === wanted) return live;
  return { disruption: "reboot", why: "the accelerator is chosen at its start" };
}

function state(change: Change): Verdict {
  const { old, new: wanted } = change;
  if (wanted === "shutoff" && isOff(change)) return live;
  if (wanted === "shutoff") return { disruption: "reboot", why: "the guest is shut down" };
  if (old === "shutoff") return { disruption: "live", why: "the guest is started" };
  return { disruption: "live", why: wanted === "paused" ? "the guest stands still" : "the guest goes on" };
}

/** A rule for machines, and another one for containers. */
function byKind(machine: Judge<DomainInputs>, container: Judge<DomainInputs>): Judge<DomainInputs> {
  return (change) => (change.news.kind === "lxc" ? container(change) : machine(change));
}

/** A limit of a control group, which is set while the container runs. */
function limit(): Verdict {
  return { disruption: "live", why: "its limit is set while it runs" };
}

/** What each change of a guest amounts to. */
export const domainFields: DiffTable<DomainInputs> = {
  kind: { disruption: "replace", why: "a machine becomes no container, and a container no machine" },
  connection: "replace",
  name: whileRunning(() => ({ disruption: "reboot", why: "libvirt renames only a guest that is off" })),
  adopt: "ignored",
  owner: "ignored",
  uuid: "ignored",
  title: "live",
  description: "live",
  memory: unlessUnset(whileRunning(byKind(memory, limit))),
  maxMemory: whileRunning(maxMemory),
  vcpus: byKind(unlessUnset(whileRunning(vcpus)), limit),
  maxVcpus: whileRunning(maxVcpus),
  cpu: atStart("the processor is made"),
  accelerator: unlessUnset(whileRunning(accelerator)),
  machine: atStart("the machine is made"),
  firmware: atStart("the firmware is loaded"),
  kernel: atStart("the kernel is loaded"),
  initrd: atStart("the initrd is loaded"),
  cmdline: atStart("the kernel reads it"),
  bootOrder: atStart("the firmware reads it"),
  disks: { known: unlessUnset(whileRunning(disksRule)), unknown: whileRunning(unknownDisksRule) },
  nics: unlessUnset(whileRunning(byKind(nicsRule, containerNicsRule))),
  host: { disruption: "live", why: "the same host, reached in another way" },
  root: {
    known: unlessUnset(atStart("its root is entered")),
    unknown: atStart("its root may become another, entered"),
  },
  mounts: atStart("folders are mounted"),
  init: unlessUnset(atStart("init is started")),
  initEnv: atStart("init is started"),
  idmap: atStart("its users are mapped"),
  capabilities: atStart("capabilities are dropped"),
  devices: atStart("devices are made"),
  memtune: limit,
  cputune: limit,
  consoleLog: unlessUnset(atStart("the serial port is made")),
  agent: unlessUnset(atStart("the agent's channel is made")),
  graphics: unlessUnset(atStart("the screen is made")),
  onCrash: atStart("libvirt notes it"),
  autostart: unlessUnset("live"),
  state: unlessUnset(state),
  shutdownTimeout: unlessUnset("live"),
  ready: "live",
  xml: atStart("QEMU is told of it"),
  disruption: "ignored",
};
