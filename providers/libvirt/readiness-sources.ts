import type { Connection } from "./connection";
import {
  VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT,
  VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
  VIR_IP_ADDR_TYPE_IPV4,
} from "./constants";
import { isLibvirtError } from "./errors";
import type { Domain } from "./handles";
import { parse } from "./xml/document";
import { agentConnected } from "./xml/domain-console";

/** The addresses of one NIC, without link-local ones. */
export interface NicAddresses {
  /** The NIC's place in `nics`. */
  nic: number;
  mac: string;
  ipv4: string[];
  ipv6: string[];
}

/** Milliseconds that an agent gets for one answer: one that is connected answers in a few. */
const agentPatience = 6000;
const agentSeconds = 5;

/** Whether the guest has opened its end of the agent's channel; undefined for a guest without one. */
export async function channelConnected(connection: Connection, domain: Domain): Promise<boolean | undefined> {
  return agentConnected(parse(await connection.domainGetXMLDesc(domain)));
}

/** Asks the agent for a sign of life; what kept it from giving one, or undefined when it did. */
export async function pingAgent(connection: Connection, domain: Domain): Promise<string | undefined> {
  try {
    await agent(connection, domain, "guest-ping");
    return undefined;
  } catch (error) {
    return (error as Error).message.trim();
  }
}

async function agent(connection: Connection, domain: Domain, execute: string, args?: object): Promise<unknown> {
  const command = JSON.stringify({ execute, ...(args && { arguments: args }) });
  const answer = await connection
    .with({ timeout: agentPatience })
    .domainQemuAgentCommand(domain, command, agentSeconds);
  return (JSON.parse(answer) as { return: unknown }).return;
}

/** The kernel's boot id; undefined where the agent may not read files, or the guest is no Linux. */
export async function bootId(connection: Connection, domain: Domain): Promise<string | undefined> {
  try {
    const handle = await agent(connection, domain, "guest-file-open", { path: "/proc/sys/kernel/random/boot_id" });
    const read = (await agent(connection, domain, "guest-file-read", { handle })) as { "buf-b64": string };
    agent(connection, domain, "guest-file-close", { handle }).catch(() => {});
    return Buffer.from(read["buf-b64"], "base64").toString().trim() || undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return undefined;
  }
}

/** Where addresses are looked for: the guest's agent knows them all, the DHCP servers of networks those they gave. */
export type AddressSource = "agent" | "leases";

/** The addresses of the NICs with `macs` as a source knows them; undefined when it does not answer. */
export async function addressesFrom(
  connection: Connection,
  domain: Domain,
  source: AddressSource,
  macs: readonly string[],
): Promise<NicAddresses[] | undefined> {
  const from = { agent: VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, leases: VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE };
  try {
    const patient = connection.with({ timeout: agentPatience });
    const interfaces = await patient.domainInterfaceAddresses(domain, from[source]);
    return macs.map((mac, nic) => {
      const found = interfaces.filter(({ hwaddr }) => hwaddr?.toLowerCase() === mac).flatMap(({ addrs }) => addrs);
      const usable = found.filter(({ addr }) => !isLinkLocal(addr));
      const ipv4 = usable.filter(({ type }) => type === VIR_IP_ADDR_TYPE_IPV4).map(({ addr }) => addr);
      const ipv6 = usable.filter(({ type }) => type !== VIR_IP_ADDR_TYPE_IPV4).map(({ addr }) => addr);
      return { nic, mac, ipv4: [...new Set(ipv4)], ipv6: [...new Set(ipv6)] };
    });
  } catch (error) {
    if (isLibvirtError(error) || (error instanceof Error && error.name === "CallTimeout")) return undefined;
    throw error;
  }
}

/** Addresses that mean nothing beyond their own link (RFC 3927, RFC 4291). */
function isLinkLocal(address: string): boolean {
  return /^(169\.254\.|127\.|fe[89ab][0-9a-f]:|::1$)/i.test(address);
}

/** Of a guest that nobody can be asked about: where a NIC is given addresses, it has these. */
export function orGiven(
  addresses: readonly NicAddresses[],
  given: readonly (readonly string[] | undefined)[],
): NicAddresses[] {
  return addresses.map((nic, at) => {
    if (!given[at]) return nic;
    const own = given[at].map((address) => address.split("/")[0]!);
    return {
      ...nic,
      ipv4: own.filter((address) => !address.includes(":")),
      ipv6: own.filter((address) => address.includes(":")),
    };
  });
}

export function hasAddress({ ipv4, ipv6 }: NicAddresses): boolean {
  return ipv4.length > 0 || ipv6.length > 0;
}
