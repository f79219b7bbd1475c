import type { Files } from "./files";
import type { HostNetwork, NicPlan, NodePlan } from "./lab-layout";

/** How a host keeps its network configuration: addresses and gateways of eth0, eth1 up without an address. */
export function networkFiles(plan: NodePlan, network: HostNetwork): Files {
  if (network === "ifupdown") return { "etc/network/interfaces": interfaces(plan) };
  if (network === "networkd") return each(plan, (nic) => `etc/systemd/network/10-${nic.name}.network`, networkUnit);
  if (network === "networkmanager") {
    const folder = "etc/NetworkManager/system-connections";
    return {
      ...each(plan, (nic) => `${folder}/${nic.name}.nmconnection`, keyfile, 0o600),
      "etc/NetworkManager/NetworkManager.conf": "[main]\nplugins=keyfile\ndns=none\n",
    };
  }
  return {};
}

function each(
  { nics, gateways }: NodePlan,
  path: (nic: NicPlan) => string,
  write: (nic: NicPlan, gateways: readonly string[]) => string[],
  mode = 0o644,
): Files {
  return Object.fromEntries(
    nics.map((nic) => {
      const content = `${write(nic, nic.addresses.length > 0 ? gateways : []).join("\n")}\n`;
      return [path(nic), { content, mode }];
    }),
  );
}

function isIpv6(address: string): boolean {
  return address.includes(":");
}

function interfaces({ nics, gateways }: NodePlan): string {
  const stanzas = nics.flatMap(({ name, addresses }) => [
    "",
    `auto ${name}`,
    ...(addresses.length === 0 ? [`iface ${name} inet manual`, `    pre-up ip link set dev ${name} up`] : []),
    ...addresses.flatMap((address) => {
      const gateway = gateways.find((each) => isIpv6(each) === isIpv6(address));
      return [
        `iface ${name} ${isIpv6(address) ? "inet6" : "inet"} static`,
        `    address ${address}`,
        ...(gateway ? [`    gateway ${gateway}`] : []),
        ...(isIpv6(address) ? ["    dad-attempts 0", "    accept_ra 0"] : []),
      ];
    }),
  ]);
  return ["source /etc/network/interfaces.d/*", "", "auto lo", "iface lo inet loopback", ...stanzas, ""].join("\n");
}

function networkUnit({ name, addresses }: NicPlan, gateways: readonly string[]): string[] {
  return [
    "[Match]",
    `Name=${name}`,
    "",
    "[Network]",
    ...addresses.map((address) => `Address=${address}`),
    ...gateways.map((gateway) => `Gateway=${gateway}`),
    "IPv6AcceptRA=no",
  ];
}

function keyfile({ name, addresses }: NicPlan, gateways: readonly string[]): string[] {
  const family = (section: string, ipv6: boolean, none: string) => {
    const own = addresses.filter((address) => isIpv6(address) === ipv6);
    const gateway = gateways.find((each) => isIpv6(each) === ipv6);
    return [
      "",
      `[${section}]`,
      `method=${own.length > 0 ? "manual" : none}`,
      ...own.map((address, at) => `address${at + 1}=${address}`),
      ...(gateway ? [`gateway=${gateway}`] : []),
    ];
  };
  return [
    "[connection]",
    `id=${name}`,
    "type=ethernet",
    `interface-name=${name}`,
    ...family("ipv4", false, "disabled"),
    ...family("ipv6", true, "link-local"),
  ];
}
