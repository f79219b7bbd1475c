import { Calls } from "./calls";
import type { Domain, Network, StoragePool } from "./handles";
import { connect } from "./rpc/procedures-connect";

/** virNodeInfo */
export interface NodeInfo {
  /** "x86_64" */
  model: string;
  /** KiB */
  memory: number;
  cpus: number;
  mhz: number;
  /** NUMA nodes */
  nodes: number;
  /** Per node. */
  sockets: number;
  cores: number;
  threads: number;
}

/** The host and what is on it. Methods are libvirt's C functions without `vir`; flags are in constants.ts. */
export abstract class ConnectCalls extends Calls {
  /** The hypervisor driver's name: "QEMU", "LXC", "TEST". */
  connectGetType(): Promise<string> {
    return this.pick("type", connect.connectGetType, {});
  }

  /** The hypervisor's version: 1,000,000 * major + 1,000 * minor + release. */
  connectGetVersion(): Promise<number> {
    return this.pick("version", connect.connectGetVersion, {});
  }

  /** libvirt's version on the host: 9000000 is 9.0.0. */
  connectGetLibVersion(): Promise<number> {
    return this.pick("version", connect.connectGetLibVersion, {});
  }

  connectGetHostname(): Promise<string> {
    return this.pick("hostname", connect.connectGetHostname, {});
  }

  connectGetURI(): Promise<string> {
    return this.pick("uri", connect.connectGetUri, {});
  }

  connectGetMaxVcpus(type: string | null = null): Promise<number> {
    return this.pick("maxVcpus", connect.connectGetMaxVcpus, { type });
  }

  /** XML; `parseCapabilities` reads it. */
  connectGetCapabilities(): Promise<string> {
    return this.pick("capabilities", connect.connectGetCapabilities, {});
  }

  /** XML; `parseDomainCapabilities` reads it. Null lets libvirt choose. */
  connectGetDomainCapabilities(
    emulatorbin: string | null = null,
    arch: string | null = null,
    machine: string | null = null,
    virttype: string | null = null,
    flags = 0,
  ): Promise<string> {
    return this.pick("capabilities", connect.connectGetDomainCapabilities, {
      emulatorbin,
      arch,
      machine,
      virttype,
      flags,
    });
  }

  /** XML of the pool types that this libvirt was built with. */
  connectGetStoragePoolCapabilities(flags = 0): Promise<string> {
    return this.pick("capabilities", connect.connectGetStoragePoolCapabilities, { flags });
  }

  connectGetCPUModelNames(arch: string, flags = 0): Promise<string[]> {
    return this.pick("models", connect.connectGetCPUModelNames, { arch, needResults: true, flags });
  }

  /** SMBIOS data as XML. */
  connectGetSysinfo(flags = 0): Promise<string> {
    return this.pick("sysinfo", connect.connectGetSysinfo, { flags });
  }

  connectListAllDomains(flags = 0): Promise<Domain[]> {
    return this.pick("domains", connect.connectListAllDomains, { needResults: true, flags });
  }

  connectListAllNetworks(flags = 0): Promise<Network[]> {
    return this.pick("networks", connect.connectListAllNetworks, { needResults: true, flags });
  }

  connectListAllStoragePools(flags = 0): Promise<StoragePool[]> {
    return this.pick("pools", connect.connectListAllStoragePools, { needResults: true, flags });
  }

  nodeGetInfo(): Promise<NodeInfo> {
    return this.call(connect.nodeGetInfo, {});
  }

  /** Bytes. */
  nodeGetFreeMemory(): Promise<number> {
    return this.pick("freeMemory", connect.nodeGetFreeMemory, {});
  }

  /** "apparmor", "selinux" or "" and its domain of interpretation. */
  nodeGetSecurityModel(): Promise<{ model: string; doi: string }> {
    return this.call(connect.nodeGetSecurityModel, {});
  }

  /** One of libvirt's virDrvFeature numbers; asked once. */
  protected supports(feature: number): Promise<boolean> {
    const { features } = this.pool;
    const known = features.get(feature);
    if (known) return known;
    // Not with this call's signal: others wait for the same answer.
    const asked = this.pool.call(connect.connectSupportsFeature, { feature }).then(({ supported }) => supported);
    features.set(feature, asked);
    asked.catch(() => features.delete(feature));
    return asked;
  }
}
