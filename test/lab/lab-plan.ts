import { bytes } from "../../providers/schema/size";
import { sshOptions } from "./lab-access";
import type { Driver, HostRecord, LabRecord, LabState } from "./lab-state";
import { type HostNetwork, fixedNodes, hostPlan, mostHosts } from "./lab-layout";
import { type ProcessId, ownProcess, runs } from "./lab-process";

export interface LabOptions {
  /** Labs of different names do not know of each other. Default "lab" with `keep`, else one of this process. */
  name?: string;
  /** Their names, or how many: kvm1, kvm2, ... The first has 192.168.155.32, the next .33. Default 1. */
  hosts?: number | readonly string[];
  /** Also DHCP (.100 to .199) and router advertisements on the LAN, from the router. Default false. */
  lanDhcp?: boolean;
  /** What brings up the hosts' network at boot. Default "ifupdown". */
  network?: HostNetwork;
  /** Size of each host's disk, kept in memory, for tests that fill it: "64MiB". Default: the machine's own room. */
  disk?: string | number;
  /** Leaves the lab when this process has ended. Default false: it is taken down then, or by the next test. */
  keep?: boolean;
}

export function labName({ name, keep }: LabOptions): string {
  const chosen = name ?? (keep ? "lab" : `test-${process.pid}`);
  checkName(chosen, "lab", 16);
  return chosen;
}

/** Names are parts of those of links (15 characters at most) and paths. */
function checkName(name: string, what: string, length: number): void {
  if (/^[a-z][a-z0-9-]*$/.test(name) && name.length <= length) return;
  throw new Error(
    `${JSON.stringify(name)} is no name for a ${what}. Allowed: at most ${length} of a-z, 0-9 and dashes, a letter first`,
  );
}

/** What there was, and what is asked for beside it. Hosts that there are stay as they are. */
export function planLab(state: LabState, options: LabOptions): LabRecord {
  const before = state.read();
  const { hosts = 1, network = "ifupdown", disk, keep = false } = options;
  const owner = ownerOf(state.name, before, keep);
  const names = typeof hosts === "number" ? Array.from({ length: hosts }, (_, at) => `kvm${at + 1}`) : hosts;
  const record: LabRecord = {
    name: state.name,
    hosts: { ...before?.hosts },
    lanDhcp: before?.lanDhcp ?? options.lanDhcp ?? false,
    ...(owner ? { owner } : {}),
  };
  for (const name of names) {
    checkName(name, "host", 9);
    if ((fixedNodes as readonly string[]).includes(name)) throw new Error(`${name} is a node of every lab, no host`);
    record.hosts[name] ??= hostRecord(state, name, Object.keys(record.hosts).length, { network, disk });
  }
  const count = Object.keys(record.hosts).length;
  if (count > mostHosts) throw new Error(`a lab has at most ${mostHosts} hosts, not ${count}`);
  return record;
}

function ownerOf(name: string, before: LabRecord | undefined, keep: boolean): ProcessId | undefined {
  const owner = keep ? undefined : ownProcess();
  if (before && before.owner?.pid !== owner?.pid && (!before.owner || runs(before.owner)))
    throw new Error(`the lab ${name} belongs to ${before.owner ? `process ${before.owner.pid}` : "its user"}`);
  return owner;
}

function hostRecord(
  state: LabState,
  name: string,
  index: number,
  { network, disk }: { network: HostNetwork; disk?: string | number },
): HostRecord {
  const socket = state.path(name, "libvirt", "libvirt-sock");
  const each = (write: (driver: Driver) => string) => ({ qemu: write("qemu"), lxc: write("lxc") });
  return {
    uris: each((driver) => `${driver}+ssh://root@${name}/system?command=${state.path("ssh")}`),
    socketUris: each((driver) => `${driver}+unix:///system?socket=${socket}`),
    machine: { kind: "ssh", host: name, user: "root", options: sshOptions(state) },
    addresses: hostPlan(name, index, network).nics[0]!.addresses,
    network,
    ...(disk === undefined ? {} : { disk: bytes(disk) }),
  };
}
