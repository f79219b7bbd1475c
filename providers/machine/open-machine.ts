import { randomBytes } from "node:crypto";
import { machineOf } from "../schema/connection";
import { AgentMachine } from "./agent-machine";
import { agentTransport, containerLeader } from "./libvirt-domain";
import { LocalMachine } from "./local-machine";
import { LxcMachine } from "./lxc-machine";
import type { MachineSpec } from "./machine";
import type { PosixMachine } from "./posix-machine";
import { runtimeFolder } from "./runtime-folder";
import { SshMachine, sshLabel } from "./ssh-machine";
import { UnreachableError } from "./unreachable-error";

const machines = new Map<string, PosixMachine>();

/** The process's one machine for `spec`. Connects only when something is asked of it. */
export function open(spec: MachineSpec): PosixMachine {
  const key = machineKey(spec);
  const machine = machines.get(key) ?? make(spec);
  machines.set(key, machine);
  return machine;
}

/**
 * The same machine over a new connection, which its commands share among themselves only: that it answers proves that it
 * can be reached now. Machines that are not reached over a network have no such proof to give, and are handed out as they
 * are.
 */
export function openAnew(spec: MachineSpec): PosixMachine {
  if (spec.kind !== "ssh") return open(spec);
  const theirs = Object.entries(spec.options ?? {}).filter(
    ([name]) => !/^(control(master|path|persist)|connecttimeout)$/i.test(name),
  );
  const ours = {
    ControlMaster: "auto",
    ControlPath: `${runtimeFolder()}/${randomBytes(8).toString("hex")}`,
    ControlPersist: "5",
    ConnectTimeout: "5",
  };
  return new SshMachine({ ...spec, options: { ...Object.fromEntries(theirs), ...ours } });
}

/** A text that is the same for equal specs, for locks and caches. */
export function machineKey(spec: MachineSpec): string {
  return JSON.stringify(spec, (_name, value) =>
    value && typeof value === "object"
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** How errors name the machine, without opening it. */
export function machineLabel(spec: MachineSpec): string {
  switch (spec.kind) {
    case "local":
      return "this machine";
    case "ssh":
      return sshLabel(spec);
    case "agent":
      return `guest ${spec.name ?? spec.domain}`;
    case "lxc":
      return `container ${spec.name ?? spec.domain}`;
  }
}

function make(spec: MachineSpec): PosixMachine {
  const label = machineLabel(spec);
  switch (spec.kind) {
    case "local":
      return new LocalMachine();
    case "ssh":
      return new SshMachine(spec);
    case "agent":
      return new AgentMachine(label, agentTransport(label, spec.uri, spec.domain));
    case "lxc":
      return new LxcMachine(label, hostOf(label, spec), () => containerLeader(label, spec.uri, spec.domain));
  }
}

function hostOf(label: string, { uri, host = machineOf(uri) }: Extract<MachineSpec, { kind: "lxc" }>): PosixMachine {
  if (host) return open(host);
  throw new UnreachableError(label, `its host cannot be entered: ${uri} carries libvirt only`, {
    fix: 'say where its host\'s commands run, host: { kind: "ssh", host: "..." }, or use "lxc+ssh://HOST/system"',
  });
}
