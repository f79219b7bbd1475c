import type { Addressing } from "../schema/nic-addressing";
import { allRoutes } from "../schema/nic-addressing";

/** Where systemd-networkd keeps it, before every file of the image and of cloud-init: by MAC address, which stays. */
export function networkFileName(mac: string): string {
  return `05-pulumi-kvm-${mac.replaceAll(":", "")}.network`;
}

/**
 * What systemd-networkd is told of a NIC (systemd.network(5)): these addresses, and no others by DHCP or router
 * announcements. By the permanent MAC address, which VLAN interfaces and bridges on top of the NIC do not have.
 */
export function networkFile(mac: string, nic: Addressing): string {
  const { addresses = [], dns = [] } = nic;
  const network = [
    "[Network]",
    "IPv6AcceptRA=no",
    "LLMNR=no",
    "MulticastDNS=no",
    ...addresses.map((address) => `Address=${address}`),
    ...dns.map((server) => `DNS=${server}`),
  ];
  const routes = allRoutes(nic).map(({ to, via }) => `[Route]\nDestination=${to}\nGateway=${via}`);
  return [`[Match]\nPermanentMACAddress=${mac}`, network.join("\n"), ...routes].join("\n\n");
}

/** What of a file counts for NICs. */
export function parseNetworkFile(text: string): Addressing {
  const sections = text.split(/^(?=\[)/m);
  const values = (section: string, key: string) =>
    [...section.matchAll(/^(\w+)=(.*)$/gm)].filter(([, name]) => name === key).map(([, , value]) => value!.trim());
  const all = (key: string) => sections.flatMap((section) => values(section, key));
  const routes = sections
    .filter((section) => section.startsWith("[Route]"))
    .flatMap((section) => {
      const [to] = values(section, "Destination");
      const [via] = values(section, "Gateway");
      return to !== undefined && via !== undefined ? [{ to, via }] : [];
    });
  return { addresses: all("Address"), dns: all("DNS"), routes };
}

/** What ip(8) prints of a NIC that has what it is given, without the spaces around. */
export function kernelWords(nic: Addressing): string[] {
  return [...(nic.addresses ?? []), ...allRoutes(nic).map(routeWords)];
}

function routeWords({ to, via }: { to: string; via: string }): string {
  const target = /^(0\.0\.0\.0|::)\/0$/.test(to) ? "default" : to.replace(to.includes(":") ? /\/128$/ : /\/32$/, "");
  return `${target} via ${via}`;
}
