import { OperatorError } from "../dynamic/errors";
import type { Machine } from "../machine/machine";
import { addressingOf, allRoutes, type Addressing } from "../schema/nic-addressing";
import { kernelWords, networkFile, networkFileName, parseNetworkFile } from "./network-file";
import { LOOK_AT_ADDRESSES, SET_ADDRESSES } from "./network-scripts";

/** A NIC and what it is given of its own. */
export interface GivenNic extends Addressing {
  mac: string;
}

interface RawLink {
  address?: string;
  permaddr?: string;
  ifname?: string;
  addr_info?: { local?: string; prefixlen?: number; scope?: string; dynamic?: boolean }[];
}

interface RawRoute {
  dst?: string;
  gateway?: string;
  dev?: string;
}

const patience = 120_000;
/** Exit code of SET_ADDRESSES. */
const notNetworkd = 3;

/** A virtual machine that runs, entered through its agent. */
export class RunningGuest {
  constructor(private readonly machine: Machine) {}

  /** Gives NICs what is theirs, for now and for every later boot, and takes from others what we gave them. */
  async setAddresses(nics: readonly GivenNic[], signal?: AbortSignal): Promise<void> {
    const args = nics.flatMap((nic) => [
      ...[networkFileName(nic.mac), nic.mac, networkFile(nic.mac, nic)],
      kernelWords(nic).join("\n"),
    ]);
    const { exitCode } = await this.machine.run(["sh", "-c", SET_ADDRESSES, "sh", ...args], {
      accept: [0, notNetworkd],
      timeout: patience,
      signal,
    });
    if (exitCode !== notNetworkd) return;
    throw new OperatorError("the addresses of its NICs cannot be set: systemd-networkd does not run its network", {
      fix: "systemctl enable systemd-networkd in its image; or leave addresses out, and reserve a lease in the network (ipv4)",
    });
  }

  /** What there is of what the NICs are given; where something is amiss, with other addresses beside. */
  async addressing(nics: readonly GivenNic[], signal?: AbortSignal): Promise<Map<string, Addressing>> {
    const { stdout } = await this.machine.run(["sh", "-c", LOOK_AT_ADDRESSES], { timeout: patience, signal });
    const seen = parseSeen(stdout);
    return new Map(nics.map((nic) => [nic.mac, whatIsThere(nic, seen)]));
  }
}

interface Seen {
  networkd: boolean;
  links: RawLink[];
  routes: RawRoute[];
  files: Map<string, string>;
}

function parseSeen(stdout: string): Seen {
  const [manager = "", links = "[]", routes4 = "[]", routes6 = "[]", ...rest] = stdout.split("\n");
  const files = rest
    .join("\n")
    .split(/^== /m)
    .slice(1)
    .map((text): [string, string] => {
      const end = text.indexOf("\n");
      return [text.slice(0, end), text.slice(end + 1).trimEnd()];
    });
  return {
    networkd: manager === "networkd",
    links: JSON.parse(links) as RawLink[],
    routes: [...(JSON.parse(routes4) as RawRoute[]), ...(JSON.parse(routes6) as RawRoute[])],
    files: new Map(files),
  };
}

function whatIsThere(nic: GivenNic, { networkd, links, routes, files }: Seen): Addressing {
  const link = links.find(({ permaddr, address }) => (permaddr ?? address)?.toLowerCase() === nic.mac);
  const info = (link?.addr_info ?? []).map((one) => ({ ...one, text: `${one.local}/${one.prefixlen}` }));
  const live = info.map(({ text }) => text);
  const ways = routes.filter(({ dev }) => dev === link?.ifname).map(({ dst, gateway }) => `${dst} via ${gateway}`);
  const kept = networkd ? parseNetworkFile(files.get(networkFileName(nic.mac)) ?? "") : undefined;
  const same = kept === undefined || files.get(networkFileName(nic.mac)) === networkFile(nic.mac, nic);
  const has = (way: { to: string; via: string }) =>
    ways.includes(kernelWords({ routes: [way] })[0]!) &&
    (same || kept.routes!.some(({ to, via }) => to === way.to && via === way.via));
  const addresses = nic.addresses?.filter(
    (address) => live.includes(address) && (same || kept.addresses!.includes(address)),
  );
  const isOther = (text: string) => !nic.addresses?.includes(text);
  const others = info.filter(({ scope, dynamic, text }) => scope === "global" && !dynamic && isOther(text));
  const whole = addresses?.length === nic.addresses?.length;
  const isGateway = (via: string) => allRoutes({ gateway: [via] }).every(has);
  return addressingOf({
    addresses: whole ? addresses : [...addresses!, ...others.map(({ text }) => text)],
    gateway: nic.gateway?.filter(isGateway),
    routes: nic.routes?.filter(has),
    dns: nic.dns?.filter((server) => same || kept.dns!.includes(server)),
  });
}
