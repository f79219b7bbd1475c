import { contains, nth, overlap, parseAddress, prefix } from "./address";
import type { NetworkInputs } from "./network";
import { modeComplaints } from "./network-mode-rules";
import { lastHost, offsetIn } from "./range";
import { repeated } from "./record";

/** What is wrong with the fields of one network taken together. */
export interface Complaint {
  field: string;
  message: string;
}

export type Given = Pick<NetworkInputs, "mode"> & { [field: string]: unknown };

const families = [
  { subnet: "ipv4", address: "ipv4Address", dhcp: "dhcp", range: "dhcpRange", kind: "IPv4" },
  { subnet: "ipv6", address: "ipv6Address", dhcp: "dhcp6", range: "dhcp6Range", kind: "IPv6" },
] as const;

/** Which fields go with which: answered before anything is derived from them. */
export function partComplaints(inputs: Given): Complaint[] {
  return [...modeComplaints(inputs), ...families.flatMap((family) => subnetComplaints(inputs, family))];
}

function subnetComplaints(inputs: Given, family: (typeof families)[number]): Complaint[] {
  const subnet = inputs[family.subnet] as string | undefined;
  if (subnet === undefined)
    return [family.address, family.dhcp, family.range]
      .filter((field) => inputs[field] !== undefined)
      .map((field) => ({
        field,
        message: `has no meaning without ${family.subnet}. Fix: give the ${family.kind} subnet`,
      }));
  const network = prefix(subnet);
  const [shortest, longest] = family.kind === "IPv4" ? [8, 30] : [64, 126];
  if (network.length < shortest! || network.length > longest!)
    return [
      {
        field: family.subnet,
        message: `${JSON.stringify(subnet)} has a prefix of ${network.length} bits. Allowed: ${shortest} to ${longest}`,
      },
    ];
  const address = inputs[family.address] as string | undefined;
  return address === undefined ? [] : hostComplaint(family.address, address, subnet);
}

/** The address must be one that a host of the subnet can have. */
export function hostComplaint(field: string, address: string, subnet: string): Complaint[] {
  const network = prefix(subnet);
  const last = lastHost(network);
  const allowed = `Allowed: ${nth(network, 1)} to ${nth(network, last)}`;
  if (!contains(network, address)) return [{ field, message: `${address} is outside ${subnet}. ${allowed}` }];
  const offset = offsetIn(network, address);
  if (offset === 0n) return [{ field, message: `${address} is the network address of ${subnet}. ${allowed}` }];
  if (offset > last) return [{ field, message: `${address} is the broadcast address of ${subnet}. ${allowed}` }];
  return [];
}

/** What the completed inputs still get wrong: ranges, leases and records. */
export function wholeComplaints(inputs: NetworkInputs): Complaint[] {
  return [
    ...families.flatMap((family) => rangeComplaints(inputs, family)),
    ...leaseComplaints(inputs),
    ...recordComplaints(inputs),
    ...routeComplaints(inputs),
    ...portGroupComplaints(inputs),
  ];
}

function rangeComplaints(inputs: NetworkInputs, family: (typeof families)[number]): Complaint[] {
  const subnet = inputs[family.subnet];
  const range = inputs[family.range];
  if (subnet === undefined || !range) return [];
  const field = family.range;
  const outside = [range.start, range.end].flatMap((address) => hostComplaint(field, address, subnet));
  if (outside.length > 0) return outside;
  const network = prefix(subnet);
  const [start, end, bridge] = [range.start, range.end, inputs[family.address]!].map((at) => offsetIn(network, at));
  const text = `${range.start} to ${range.end}`;
  if (start! > end!) return [{ field, message: `${text} ends before it starts` }];
  if (start! <= bridge! && bridge! <= end!)
    return [
      {
        field,
        message: `${text} contains ${inputs[family.address]}, the bridge's own address. Fix: begin after it or end before it`,
      },
    ];
  const first = offsetIn({ ...network, length: 0 }, range.start);
  const last = offsetIn({ ...network, length: 0 }, range.end);
  if (first >> 16n !== last >> 16n)
    return [
      { field, message: `${text} is too wide for libvirt. Allowed: addresses that differ in their last 16 bits only` },
    ];
  return [];
}

function leaseComplaints(inputs: NetworkInputs): Complaint[] {
  const hosts = inputs.hosts ?? [];
  const found: Complaint[] = hosts.flatMap((host) => {
    const six = parseAddress(host.ip)!.kind() === "ipv6";
    const family = families[six ? 1 : 0];
    const subnet = inputs[family.subnet];
    if (subnet === undefined)
      return [{ field: "hosts", message: `${host.ip} has no subnet to be in. Fix: give ${family.subnet}` }];
    const own = hostComplaint("hosts", host.ip, subnet);
    if (host.ip === inputs[family.address])
      own.push({ field: "hosts", message: `${host.ip} is the bridge's own address. Fix: give the guest another` });
    if (six && host.mac !== undefined)
      own.push({ field: "hosts", message: `${host.ip}: DHCPv6 does not know guests by mac. Allowed: id or name` });
    if (six ? host.id === undefined && host.name === undefined : host.mac === undefined && host.name === undefined)
      own.push({
        field: "hosts",
        message: `${host.ip} says no guest. Fix: give ${six ? "id or name" : "mac or name"}`,
      });
    if (!six && host.id !== undefined)
      own.push({ field: "hosts", message: `${host.ip}: id is a DHCPv6 client id. Allowed: mac or name` });
    return own;
  });
  for (const key of ["ip", "mac", "id"] as const)
    for (const value of repeated(hosts.map((host) => host[key])))
      found.push({ field: "hosts", message: `${key} ${value} has more than one fixed lease. Fix: keep one` });
  for (const six of [false, true]) {
    const names = hosts.filter((host) => host.ip.includes(":") === six).map((host) => host.name);
    for (const name of repeated(names))
      found.push({
        field: "hosts",
        message: `name ${name} has more than one fixed ${six ? "IPv6" : "IPv4"} lease. Fix: keep one`,
      });
  }
  return found;
}

function recordComplaints(inputs: NetworkInputs): Complaint[] {
  const found: Complaint[] = [];
  for (const ip of repeated((inputs.dnsHosts ?? []).map((host) => host.ip)))
    found.push({ field: "dnsHosts", message: `${ip} stands twice. Fix: give all its hostnames in one record` });
  for (const name of repeated((inputs.dnsTxt ?? []).map((txt) => txt.name)))
    found.push({ field: "dnsTxt", message: `${name} has more than one text; libvirt takes one. Fix: keep one` });
  const services = (inputs.dnsSrv ?? []).map((srv) =>
    JSON.stringify([srv.service, srv.protocol, srv.domain, srv.target]),
  );
  for (const service of repeated(services))
    found.push({ field: "dnsSrv", message: `${service} stands twice. Fix: keep one` });
  for (const srv of inputs.dnsSrv ?? [])
    if (srv.target === undefined && (srv.port ?? srv.priority ?? srv.weight) !== undefined)
      found.push({ field: "dnsSrv", message: `${srv.service}: port, priority and weight need a target` });
  for (const forwarder of inputs.dnsForwarders ?? [])
    if (forwarder.address === undefined && forwarder.domain === undefined)
      found.push({ field: "dnsForwarders", message: "an empty forwarder. Allowed: address, domain or both" });
  return found;
}

/** The next hop of a route must be a guest of the network: the kernel asks for it there. */
function routeComplaints(inputs: NetworkInputs): Complaint[] {
  const routes = inputs.routes ?? [];
  const found = routes.flatMap(({ to, via }): Complaint[] => {
    const family = families[to.includes(":") ? 1 : 0];
    const subnet = inputs[family.subnet];
    const complain = (message: string) => [{ field: "routes", message: `${to} via ${via}: ${message}` }];
    if (via.includes(":") !== to.includes(":"))
      return complain(`the next hop is of the other family. Allowed: an ${family.kind} address`);
    if (subnet === undefined)
      return complain(
        `the network has no ${family.kind} subnet in which the next hop can be. Fix: give ${family.subnet}`,
      );
    if (overlap(prefix(to), prefix(subnet))) return complain(`overlaps ${subnet}, the network's own subnet`);
    if (via === inputs[family.address])
      return complain("the next hop is the bridge's own address. Fix: name a guest's");
    return hostComplaint("routes", via, subnet);
  });
  for (const to of repeated(routes.map((route) => route.to)))
    found.push({ field: "routes", message: `${to} stands twice. Fix: keep one` });
  return found;
}

function portGroupComplaints({ mode, portGroups = [] }: NetworkInputs): Complaint[] {
  const found: Complaint[] = [];
  for (const { name, vlans } of portGroups)
    if (vlans && mode !== "bridge")
      found.push({
        field: "portGroups",
        message: `${name}: vlans have no meaning with mode "${mode}". Allowed: with "bridge"`,
      });
  for (const name of repeated(portGroups.map((group) => group.name)))
    found.push({ field: "portGroups", message: `${name} stands twice. Fix: keep one` });
  const defaults = portGroups.filter((group) => group.default).map(({ name }) => name);
  if (defaults.length > 1)
    found.push({ field: "portGroups", message: `${defaults.join(", ")} are all the default. Allowed: one of them` });
  return found;
}
