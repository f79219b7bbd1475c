import { StorageCalls } from "./calls-storage";
import type { Domain } from "./handles";
import { domains } from "./rpc/procedures-domain";

/** virDomainInfo */
export interface DomainInfo {
  /** VIR_DOMAIN_RUNNING, VIR_DOMAIN_SHUTOFF, ... */
  state: number;
  /** KiB */
  maxMem: number;
  /** KiB */
  memory: number;
  nrVirtCpu: number;
  /** Nanoseconds */
  cpuTime: bigint;
}

/** virDomainBlockInfo, in bytes. */
export interface DomainBlockInfo {
  allocation: number;
  capacity: number;
  physical: number;
}

/** virDomainInterface */
export interface DomainInterface {
  name: string;
  hwaddr: string | null;
  /** `type` is VIR_IP_ADDR_TYPE_IPV4 or _IPV6. */
  addrs: { type: number; addr: string; prefix: number }[];
}

/** Guests: finding, defining, power and facts. Methods are libvirt's C functions without `vir`; flags are in constants.ts. */
export abstract class DomainCalls extends StorageCalls {
  domainLookupByName(name: string): Promise<Domain> {
    return this.pick("dom", domains.domainLookupByName, { name });
  }

  domainLookupByUUID(uuid: string): Promise<Domain> {
    return this.pick("dom", domains.domainLookupByUUID, { uuid });
  }

  domainLookupByID(id: number): Promise<Domain> {
    return this.pick("dom", domains.domainLookupByID, { id });
  }

  domainDefineXML(xml: string): Promise<Domain> {
    return this.pick("dom", domains.domainDefineXML, { xml });
  }

  domainDefineXMLFlags(xml: string, flags: number): Promise<Domain> {
    return this.pick("dom", domains.domainDefineXMLFlags, { xml, flags });
  }

  /** Starts a transient guest. */
  domainCreateXML(xml: string, flags = 0): Promise<Domain> {
    return this.pick("dom", domains.domainCreateXML, { xml, flags });
  }

  domainUndefine(dom: Domain): Promise<void> {
    return this.run(domains.domainUndefine, { dom });
  }

  domainUndefineFlags(dom: Domain, flags: number): Promise<void> {
    return this.run(domains.domainUndefineFlags, { dom, flags });
  }

  domainRename(dom: Domain, newName: string, flags = 0): Promise<number> {
    return this.pick("retcode", domains.domainRename, { dom, newName, flags });
  }

  /** Starts the guest; the handle that comes back has its id. */
  domainCreateWithFlags(dom: Domain, flags = 0): Promise<Domain> {
    return this.pick("dom", domains.domainCreateWithFlags, { dom, flags });
  }

  /** Asks the guest; it is off only when the lifecycle event says so. */
  domainShutdown(dom: Domain): Promise<void> {
    return this.run(domains.domainShutdown, { dom });
  }

  domainShutdownFlags(dom: Domain, flags: number): Promise<void> {
    return this.run(domains.domainShutdownFlags, { dom, flags });
  }

  domainDestroyFlags(dom: Domain, flags = 0): Promise<void> {
    return this.run(domains.domainDestroyFlags, { dom, flags });
  }

  domainReboot(dom: Domain, flags = 0): Promise<void> {
    return this.run(domains.domainReboot, { dom, flags });
  }

  domainReset(dom: Domain, flags = 0): Promise<void> {
    return this.run(domains.domainReset, { dom, flags });
  }

  domainSuspend(dom: Domain): Promise<void> {
    return this.run(domains.domainSuspend, { dom });
  }

  domainResume(dom: Domain): Promise<void> {
    return this.run(domains.domainResume, { dom });
  }

  domainGetXMLDesc(dom: Domain, flags = 0): Promise<string> {
    return this.pick("xml", domains.domainGetXMLDesc, { dom, flags });
  }

  domainGetInfo(dom: Domain): Promise<DomainInfo> {
    return this.call(domains.domainGetInfo, { dom });
  }

  domainGetState(dom: Domain, flags = 0): Promise<{ state: number; reason: number }> {
    return this.call(domains.domainGetState, { dom, flags });
  }

  domainGetOSType(dom: Domain): Promise<string> {
    return this.pick("type", domains.domainGetOSType, { dom });
  }

  domainGetHostname(dom: Domain, flags = 0): Promise<string> {
    return this.pick("hostname", domains.domainGetHostname, { dom, flags });
  }

  /** What libvirt holds against the guest: deprecated or tainting configuration. */
  domainGetMessages(dom: Domain, flags = 0): Promise<string[]> {
    return this.pick("messages", domains.domainGetMessages, { dom, flags });
  }

  domainIsActive(dom: Domain): Promise<boolean> {
    return this.pick("active", domains.domainIsActive, { dom });
  }

  domainIsPersistent(dom: Domain): Promise<boolean> {
    return this.pick("persistent", domains.domainIsPersistent, { dom });
  }

  domainIsUpdated(dom: Domain): Promise<boolean> {
    return this.pick("updated", domains.domainIsUpdated, { dom });
  }

  domainGetAutostart(dom: Domain): Promise<boolean> {
    return this.pick("autostart", domains.domainGetAutostart, { dom });
  }

  domainSetAutostart(dom: Domain, autostart: boolean): Promise<void> {
    return this.run(domains.domainSetAutostart, { dom, autostart });
  }

  /** `type` is one of VIR_DOMAIN_METADATA_*; null removes. */
  domainSetMetadata(
    dom: Domain,
    type: number,
    metadata: string | null,
    key: string | null,
    uri: string | null,
    flags = 0,
  ): Promise<void> {
    return this.run(domains.domainSetMetadata, { dom, type, metadata, key, uri, flags });
  }

  /** Rejects with NO_DOMAIN_METADATA when there is none. */
  domainGetMetadata(dom: Domain, type: number, uri: string | null = null, flags = 0): Promise<string> {
    return this.pick("metadata", domains.domainGetMetadata, { dom, type, uri, flags });
  }

  /** `source` is one of VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_*. */
  domainInterfaceAddresses(dom: Domain, source: number, flags = 0): Promise<DomainInterface[]> {
    return this.pick("ifaces", domains.domainInterfaceAddresses, { dom, source, flags });
  }
}
