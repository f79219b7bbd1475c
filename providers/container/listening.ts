import ipaddr from "ipaddr.js";

/** TCP_LISTEN of the kernel's tables. */
const listening = "0A";

/**
 * Whether somebody listens on the port at one of the addresses, or at every one.
 *
 * @param tables /proc/net/tcp and /proc/net/tcp6 (proc_pid_net(5)): addresses are words in the host's byte order
 */
export function listens(tables: string, port: number, addresses: readonly string[]): boolean {
  const wanted = addresses.map((address) => ipaddr.parse(address).toNormalizedString());
  return tables.split("\n").some((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address, at] = local.split(":");
    if (state !== listening || address === undefined || parseInt(at ?? "", 16) !== port) return false;
    return /^0+$/.test(address) || wanted.includes(readable(address));
  });
}

/** Words of four bytes, each turned around on the machines that Linux mostly runs on. */
function readable(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, "hex").reverse()]);
  const parsed = ipaddr.fromByteArray(bytes);
  const plain = parsed.kind() === "ipv6" && (parsed as ipaddr.IPv6).isIPv4MappedAddress();
  return (plain ? (parsed as ipaddr.IPv6).toIPv4Address() : parsed).toNormalizedString();
}
