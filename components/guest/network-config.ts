import { defaultMac } from "../../providers/schema/domain-nic";
import { allRoutes, isAddressed } from "../../providers/schema/nic-addressing";

/** What of a NIC cloud-init is told. */
export interface ConfiguredNic {
  mac?: string;
  addresses?: string[];
  gateway?: string | string[];
  routes?: { to: string; via: string }[];
  dns?: string[];
}

/**
 * The NICs of a guest in netplan's version 2 format (https://netplan.readthedocs.io/en/stable/netplan-yaml/), which
 * cloud-init takes: those that are given addresses have these and no others, the rest ask DHCP. They are called eth0,
 * eth1, ..., because cloud-init's writers want names beside the MAC addresses.
 */
export function networkConfig(guest: string, nics: readonly ConfiguredNic[]): object {
  const ethernets = nics.map((nic, at) => {
    const link = { match: { macaddress: nic.mac ?? defaultMac(guest, at) }, "set-name": `eth${at}`, optional: true };
    return [`eth${at}`, { ...link, ...addressing(nic) }] as const;
  });
  return { version: 2, ethernets: Object.fromEntries(ethernets) };
}

function addressing({ addresses, gateway = [], routes = [], dns }: ConfiguredNic): object {
  const gateways = [gateway].flat();
  if (!isAddressed({ addresses, dns }) && gateways.length + routes.length === 0) return { dhcp4: true };
  const ways = allRoutes({ gateway: gateways, routes });
  return {
    ...{ dhcp4: false, dhcp6: false, "accept-ra": false, addresses: addresses ?? [] },
    ...(ways.length > 0 && { routes: ways }),
    ...(dns && { nameservers: { addresses: dns } }),
  };
}
