import type { LocalHost } from "./local-host";

/** What the programs of the suites declare: a network, a pool, a root disk and perhaps another, and one guest. */
export interface SmallStack {
  subnet: string;
  memory: string;
  maxMemory?: string;
  root: string;
  /** The size of a second disk. */
  data?: string;
  nics: number;
  /** Fixed leases of the network. */
  hosts?: { mac: string; ip: string; name: string }[];
  disruption?: "live" | "reboot";
  /** A title that nobody else may read. */
  secretTitle?: string;
}

/** The program, as the text that `Project.write` takes. */
export function smallStack(host: LocalHost, shape: SmallStack): string {
  const { kernel, initrd, cmdline } = host.guest;
  return `
    const shape = ${JSON.stringify(shape)};
    const name = ${JSON.stringify(host.label)};
    const network = new kvm.Network("net", { name, ipv4: shape.subnet, hosts: shape.hosts });
    const pool = new kvm.StoragePool("pool", { name, path: ${JSON.stringify(`${host.folder}/pool`)} });
    const disk = (label, capacity) =>
      new kvm.Volume(label, { pool: pool.name, name: label + ".qcow2", capacity, retain: "delete" });
    const disks = [disk("root", shape.root), ...(shape.data ? [disk("data", shape.data)] : [])];
    const guest = new kvm.Domain("guest", {
      name,
      title: shape.secretTitle && pulumi.secret(shape.secretTitle),
      memory: shape.memory,
      maxMemory: shape.maxMemory,
      disks: disks.map(({ path }) => ({ path })),
      nics: Array.from({ length: shape.nics }, () => ({ network: network.name })),
      kernel: ${JSON.stringify(kernel)}, initrd: ${JSON.stringify(initrd)}, cmdline: ${JSON.stringify(cmdline)},
      ready: { agent: true, addresses: true, http: { path: "/boot-id" }, timeout: "3m" },
      disruption: shape.disruption,
    });
    module.exports = {
      uuid: guest.uuid, bootId: guest.bootId, addresses: guest.addresses, ipv4: guest.ipv4,
      network: network.uuid, bridge: network.bridge,
    };
  `;
}

export interface SmallStackOutputs {
  uuid: string;
  bootId: string;
  addresses: { mac: string; ipv4: string[] }[];
  ipv4: string;
  network: string;
  bridge: string;
}

/** The boot id that the guest itself serves: a new one means that it was booted anew. */
export async function servedBootId({ ipv4 }: SmallStackOutputs): Promise<string> {
  const answer = await fetch(`http://${ipv4}/boot-id`, { signal: AbortSignal.timeout(20_000) });
  return (await answer.text()).trim();
}
