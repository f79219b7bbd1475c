import { ofLibvirt } from "../inspection";
import { formatVersion, parseVersion } from "../versions";

/** The oldest libvirt that the product works with: RHEL 8.3's and Ubuntu 20.04's. */
const oldest = "6.0.0";
/** NAT of IPv6 (https://libvirt.org/news.html#v6-5-0-2020-07-03). */
const natIpv6 = "6.5.0";

/** libvirt is new enough for the product, for the program, and for what the program declares. */
export const libvirtVersion = ofLibvirt("version of libvirt", ({ report }, { target }) => {
  const is = report.libvirtVersion;
  const declared = parseVersion(target.minimumLibvirt ?? oldest);
  const needed = Math.max(declared, parseVersion(oldest));
  if (is < needed)
    return [
      {
        level: "error",
        field: needed === declared && target.minimumLibvirt ? "minimumLibvirt" : "connection",
        problem: `libvirt ${formatVersion(is)} is too old. Allowed: ${formatVersion(needed)} or newer`,
        fix: "upgrade libvirt on the host (Debian 12 has 9.0, RHEL 9 and Ubuntu 24.04 have 10.0)",
      },
    ];
  const nat6 = target.subnets.find(({ subnet, mode = "nat" }) => mode === "nat" && subnet.includes(":"));
  return nat6 && is < parseVersion(natIpv6)
    ? [
        {
          level: "warning",
          field: "subnets",
          problem: `libvirt ${formatVersion(is)} does not translate IPv6 addresses (NAT): ${nat6.subnet} of network ${nat6.name} is only routed`,
          fix: `upgrade libvirt to ${natIpv6} or newer, or route that subnet to the host`,
        },
      ]
    : [];
});
