import { parsePrefix } from "./address";
import type { Complaint, Given } from "./network-rules";

const addressing = ["ipv4", "ipv6", "domain", "hosts", "dnsHosts", "dnsTxt", "dnsSrv", "dnsForwarders", "routes"];

/** Fields that have no meaning with a mode, and why. */
const foreign: { [mode: string]: { fields: readonly string[]; why: string } } = {
  bridge: {
    fields: [...addressing, "mtu", "bandwidth", "stp"],
    why: "addresses, DHCP, DNS and limits there are the LAN's",
  },
  macvtap: {
    fields: [...addressing, "mtu", "bandwidth", "stp", "bridge", "vlans", "isolatedPorts"],
    why: "guests sit on the host's interface, without a bridge",
  },
};

/** What goes with which mode. */
export function modeComplaints(inputs: Given): Complaint[] {
  const { mode } = inputs;
  const has = (field: string) => inputs[field] !== undefined;
  const found: Complaint[] = [];
  const complain = (field: string, message: string) => found.push({ field, message });
  for (const field of (foreign[mode]?.fields ?? []).filter(has))
    complain(
      field,
      `has no meaning with mode "${mode}": ${foreign[mode]!.why}. Fix: leave it out, or choose another mode`,
    );
  if (mode === "bridge" && !has("bridge"))
    complain("bridge", 'is required with mode "bridge". Allowed: a bridge of the host, e.g. "br0"');
  if (mode === "nat" || mode === "route") {
    if (!has("ipv4") && !has("ipv6"))
      complain("ipv4", `is required with mode "${mode}", unless ipv6 is given. Allowed: e.g. "192.168.122.0/24"`);
  }
  const only = (field: string, ...modes: string[]) => {
    if (has(field) && !modes.includes(mode))
      complain(
        field,
        `has no meaning with mode "${mode}". Allowed: with ${modes.map((one) => `"${one}"`).join(" or ")}`,
      );
  };
  only("uplink", "nat", "route", "macvtap");
  only("uplinks", "macvtap");
  only("macvtapMode", "macvtap");
  only("natAddresses", "nat");
  only("natPorts", "nat");
  only("vlans", "bridge");
  found.push(...macvtapComplaints(inputs), ...natComplaints(inputs));
  return found;
}

function macvtapComplaints(inputs: Given): Complaint[] {
  if (inputs.mode !== "macvtap") return [];
  const { uplink, uplinks } = inputs;
  if (uplink === undefined && uplinks === undefined)
    return [
      { field: "uplink", message: 'is required with mode "macvtap". Allowed: an interface of the host, e.g. "eth0"' },
    ];
  if (uplink !== undefined && uplinks !== undefined)
    return [{ field: "uplinks", message: "uplink and uplinks are both given. Allowed: one of them" }];
  const names = (uplinks ?? []) as string[];
  const twice = names.find((name, at) => names.indexOf(name) < at);
  return twice === undefined ? [] : [{ field: "uplinks", message: `${twice} stands twice. Fix: keep one` }];
}

function natComplaints(inputs: Given): Complaint[] {
  const found: Complaint[] = [];
  if (inputs["natIpv6"] === true && (inputs.mode !== "nat" || inputs["ipv6"] === undefined))
    found.push({ field: "natIpv6", message: 'has no meaning without mode "nat" and an ipv6 subnet' });
  const ports = inputs["natPorts"] as { start: number; end: number } | undefined;
  if (ports && ports.start > ports.end)
    found.push({ field: "natPorts", message: `${ports.start} to ${ports.end} ends before it starts` });
  const addresses = inputs["natAddresses"] as { start: string; end: string } | undefined;
  if (addresses && inputs["ipv4"] === undefined)
    found.push({ field: "natAddresses", message: "has no meaning without ipv4: IPv6 is translated to one address" });
  if (addresses && place(addresses.start) > place(addresses.end))
    found.push({ field: "natAddresses", message: `${addresses.start} to ${addresses.end} ends before it starts` });
  return found;
}

function place(address: string): bigint {
  const bytes = parsePrefix(`${address}/32`)!.address.toByteArray();
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
