import type { LibvirtReport } from "./libvirt-report";
import type { Survey } from "./survey";
import { parseVersion } from "./versions";

export type FirewallBackend = "iptables" | "nftables";

/** The program that a backend calls. */
export const firewallProgram = { iptables: "iptables", nftables: "nft" } as const;

/**
 * What libvirt's network driver writes its rules with; undefined where that cannot be known.
 *
 * nftables exists since libvirt 10.4 (https://libvirt.org/news.html#v10-4-0-2024-06-03). Which of the two comes first is
 * then firewall_backend in network.conf, whose commented line tells the distribution's choice.
 */
export function firewallBackend(survey: Survey, report?: LibvirtReport): FirewallBackend | undefined {
  if (report && report.libvirtVersion < parseVersion("10.4.0")) return "iptables";
  const configuration = survey.files.get("/etc/libvirt/network.conf") ?? "";
  const configured = /^\s*firewall_backend\s*=\s*"(iptables|nftables)"/m.exec(configuration)?.[1];
  if (configured) return configured as FirewallBackend;
  if (survey.chains?.some(({ table }) => table === "libvirt_network")) return "nftables";
  if (survey.chains?.some(({ name }) => name === "LIBVIRT_FWO")) return "iptables";
  const preset = /^#\s*firewall_backend\s*=\s*"(iptables|nftables)"/m.exec(configuration)?.[1];
  return preset as FirewallBackend | undefined;
}
