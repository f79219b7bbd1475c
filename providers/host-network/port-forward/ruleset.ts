import { isIpv6, serves, span, type PublishedPort } from "../../schema/port-forward";
import type { Forward, Target } from "./forward";

/** The one table that is ours. */
export const table = "inet pulumi_kvm";

/**
 * The bit of a packet's mark that tells our rule among libvirt's from ours in the table: a connection that was forwarded.
 * It is set and cleared within the forward hook.
 */
export const passMark = "0x40000000";
const otherMarks = "0xbfffffff";

/**
 * The table without a forward (nft(8)). Forwards add to `published` what becomes of a connection to the host's own
 * addresses, to `passing` what libvirt's rules have to let pass, and to `hairpin` whose answers would miss the host.
 *
 * Connections of the host itself come by `output`; those to its loopback stay there. `passing` sees the first packet of
 * a connection only: libvirt lets the others pass.
 */
export const BASE = `table ${table} {}
delete table ${table}
table ${table} {
  chain published {
  }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    fib daddr type local jump published
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ip daddr 127.0.0.0/8 accept
    ip6 daddr ::1 accept
    fib daddr type local jump published
  }
  chain passing {
  }
  chain before_libvirt {
    type filter hook forward priority -5; policy accept;
    ct state new ct status dnat jump passing
  }
  chain after_libvirt {
    type filter hook forward priority 300; policy accept;
    meta mark & ${passMark} == ${passMark} meta mark set meta mark & ${otherMarks}
  }
  chain hairpin {
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ct status dnat jump hairpin
  }
}
`;

const notice = "# A port forward of pulumi-kvm. The next `pulumi up` undoes what is changed here.";

/** The file of one forward: what it is, on the second line, and its rules as commands of nft. */
export function forwardFile(forward: Forward): string {
  const rules = forward.ports.flatMap((port) =>
    forward.to.filter(({ address }) => serves(port, isIpv6(address))).flatMap((target) => rulesOf(port, target)),
  );
  const lines = rules.map(([chain, rule]) => `add rule ${table} ${chain} ${rule} comment "${forward.id}"`);
  return [notice, `# ${JSON.stringify(forward)}`, ...new Set(lines), ""].join("\n");
}

/** The forward that a file is of; undefined where somebody else wrote it. */
export function parseForwardFile(text: string): Forward | undefined {
  const [, json] = /^#.*\n# (\{.*\})\n/.exec(text) ?? [];
  try {
    const { id, name, owner, to, ports } = JSON.parse(json!) as Forward;
    return Array.isArray(to) && Array.isArray(ports)
      ? { id, name, ...(owner !== undefined && { owner }), to, ports }
      : undefined;
  } catch {
    return undefined;
  }
}

type Rule = [chain: string, rule: string];

function rulesOf(port: PublishedPort, { address, subnet }: Target): Rule[] {
  const ip = isIpv6(address) ? "ip6" : "ip";
  const sources = port.sources?.filter((source) => isIpv6(source) === isIpv6(address));
  const conditions = [
    port.interface !== undefined && `iifname "${port.interface}"`,
    sources && `${ip} saddr { ${sources.join(", ")} }`,
    port.address !== undefined && `${ip} daddr ${port.address}`,
    port.address === undefined && `meta nfproto ${isIpv6(address) ? "ipv6" : "ipv4"}`,
    `${port.protocol} dport ${port.host}`,
  ].filter((condition) => condition !== false && condition !== undefined);
  const inside = `${ip} daddr ${address} ${port.protocol} dport ${port.guest}`;
  return [
    ["published", `${conditions.join(" ")} dnat ${ip} to ${destination(port, address)}`],
    ["passing", `${inside} meta mark set meta mark | ${passMark}`],
    ["hairpin", `${ip} saddr ${subnet} ${inside} masquerade`],
  ];
}

/** Where a connection goes. Without a port in it, the port stays as it is; of a range, each port has its own. */
function destination({ host, guest, protocol }: PublishedPort, address: string): string {
  const place = isIpv6(address) ? `[${address}]` : address;
  if (host === guest) return address;
  const [first, last] = span(host);
  const [inner] = span(guest);
  if (first === last) return `${place}:${inner}`;
  const pairs = Array.from({ length: last - first + 1 }, (_, at) => `${first + at} : ${inner + at}`);
  return `${place}:${protocol} dport map { ${pairs.join(", ")} }`;
}
