import { ConnectCalls } from "./calls-connect";
import type { Network } from "./handles";
import { networks } from "./rpc/procedures-network";

/** virNetworkDHCPLease */
export interface DHCPLease {
  /** The bridge. */
  iface: string;
  /** Seconds since 1970; 0 for a lease without end. */
  expirytime: bigint;
  /** VIR_IP_ADDR_TYPE_IPV4 or _IPV6 */
  type: number;
  mac: string | null;
  iaid: string | null;
  ipaddr: string;
  prefix: number;
  hostname: string | null;
  clientid: string | null;
}

const FEATURE_UPDATE_ORDER = 16;

/** Virtual networks. Methods are libvirt's C functions without `vir`; flags are in constants.ts. */
export abstract class NetworkCalls extends ConnectCalls {
  networkLookupByName(name: string): Promise<Network> {
    return this.pick("net", networks.networkLookupByName, { name });
  }

  networkLookupByUUID(uuid: string): Promise<Network> {
    return this.pick("net", networks.networkLookupByUUID, { uuid });
  }

  networkDefineXML(xml: string): Promise<Network> {
    return this.pick("net", networks.networkDefineXML, { xml });
  }

  /** Since libvirt 7.7. */
  networkDefineXMLFlags(xml: string, flags: number): Promise<Network> {
    return this.pick("net", networks.networkDefineXMLFlags, { xml, flags });
  }

  /** Starts a transient network. */
  networkCreateXML(xml: string): Promise<Network> {
    return this.pick("net", networks.networkCreateXML, { xml });
  }

  /** Since libvirt 7.8. */
  networkCreateXMLFlags(xml: string, flags: number): Promise<Network> {
    return this.pick("net", networks.networkCreateXMLFlags, { xml, flags });
  }

  networkCreate(net: Network): Promise<void> {
    return this.run(networks.networkCreate, { net });
  }

  networkDestroy(net: Network): Promise<void> {
    return this.run(networks.networkDestroy, { net });
  }

  networkUndefine(net: Network): Promise<void> {
    return this.run(networks.networkUndefine, { net });
  }

  /** VIR_NETWORK_UPDATE_COMMAND_*, VIR_NETWORK_SECTION_*, VIR_NETWORK_UPDATE_AFFECT_*; parentIndex -1: libvirt chooses. */
  async networkUpdate(
    net: Network,
    command: number,
    section: number,
    parentIndex: number,
    xml: string,
    flags: number,
  ): Promise<void> {
    // libvirt before 7.2 takes the first two the other way round (virDrvFeature NETWORK_UPDATE_HAS_CORRECT_ORDER).
    const inOrder = await this.supports(FEATURE_UPDATE_ORDER);
    const first = inOrder ? { command, section } : { command: section, section: command };
    await this.run(networks.networkUpdate, { net, ...first, parentIndex, xml, flags });
  }

  networkGetXMLDesc(net: Network, flags = 0): Promise<string> {
    return this.pick("xml", networks.networkGetXMLDesc, { net, flags });
  }

  networkIsActive(net: Network): Promise<boolean> {
    return this.pick("active", networks.networkIsActive, { net });
  }

  networkIsPersistent(net: Network): Promise<boolean> {
    return this.pick("persistent", networks.networkIsPersistent, { net });
  }

  networkGetAutostart(net: Network): Promise<boolean> {
    return this.pick("autostart", networks.networkGetAutostart, { net });
  }

  networkSetAutostart(net: Network, autostart: boolean): Promise<void> {
    return this.run(networks.networkSetAutostart, { net, autostart });
  }

  networkGetBridgeName(net: Network): Promise<string> {
    return this.pick("name", networks.networkGetBridgeName, { net });
  }

  /** All leases, or one MAC address's. */
  networkGetDHCPLeases(net: Network, mac: string | null = null, flags = 0): Promise<DHCPLease[]> {
    return this.pick("leases", networks.networkGetDHCPLeases, { net, mac, needResults: true, flags });
  }
}
