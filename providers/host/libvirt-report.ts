import { parseCapabilities } from "../libvirt/capabilities";
import type { Connection } from "../libvirt/connection";
import { VIR_CONNECT_LIST_NETWORKS_ACTIVE } from "../libvirt/constants";
import { ErrorCode, isLibvirtError, isMissing } from "../libvirt/errors";
import { parseNetwork } from "../libvirt/xml/network";

/** A security driver that guests run under. */
export interface SecurityModel {
  /** "dac", "apparmor", "selinux" */
  name: string;
  /** What guests run as: "+64055:+64055" for dac; undefined where it is made up for each guest. */
  baseLabel?: string;
}

/** A virtual network that libvirt knows. */
export interface HostNetwork {
  name: string;
  active: boolean;
  bridge?: string;
  /** libvirt's forward mode, "isolated" without one. */
  mode: string;
  ipv6?: string;
}

/** What libvirt told of a host. */
export interface LibvirtReport {
  hostname: string;
  /** 9000000 is 9.0.0. */
  libvirtVersion: number;
  hypervisorVersion: number;
  /** The host's architecture: "x86_64". */
  architecture: string;
  cpus: number;
  /** Bytes. */
  memory: number;
  /** Features of its processors: "vmx", "svm", "hypervisor". */
  cpuFeatures: Set<string>;
  /** Architectures of which full virtual machines can run. */
  emulated: string[];
  securityModels: SecurityModel[];
  networks: HostNetwork[];
}

/** Asks libvirt for everything the checks want to know. Rejects with LibvirtError and the connection's errors. */
export async function libvirtReport(connection: Connection): Promise<LibvirtReport> {
  const [hostname, libvirtVersion, hypervisorVersion, node, capabilities, networks] = await Promise.all([
    connection.connectGetHostname(),
    connection.connectGetLibVersion(),
    connection.connectGetVersion(),
    connection.nodeGetInfo(),
    connection.connectGetCapabilities().then(parseCapabilities),
    listNetworks(connection),
  ]);
  const machines = capabilities.guests.filter(({ osType }) => osType === "hvm");
  return {
    hostname,
    libvirtVersion,
    hypervisorVersion,
    architecture: capabilities.cpu.arch || node.model,
    cpus: node.cpus,
    memory: node.memory * 1024,
    cpuFeatures: new Set(capabilities.cpu.features),
    emulated: machines.map(({ arch }) => arch),
    securityModels: capabilities.securityModels.map(({ model, labels }) => ({
      name: model,
      baseLabel: labels["qemu"] ?? labels["kvm"],
    })),
    networks,
  };
}

async function listNetworks(connection: Connection): Promise<HostNetwork[]> {
  const [all, active] = await Promise.all([
    connection.connectListAllNetworks(),
    connection.connectListAllNetworks(VIR_CONNECT_LIST_NETWORKS_ACTIVE),
  ]).catch((error: unknown) => {
    if (isLibvirtError(error, ErrorCode.NO_SUPPORT)) return [[], []];
    throw error;
  });
  const running = new Set(active.map(({ uuid }) => uuid));
  const described = all.map(async (network): Promise<HostNetwork[]> => {
    try {
      const { bridge, mode, ipv6 } = parseNetwork(await connection.networkGetXMLDesc(network));
      return [{ name: network.name, active: running.has(network.uuid), bridge, mode, ipv6 }];
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  });
  return (await Promise.all(described)).flat();
}
