import type { Address, Hop, Kernel, Link, Route } from "../../../providers/host-network/kernel";
import type { Step } from "../../../providers/host-network/transition";
import type { Words } from "../../../providers/host-network/words";
import { macOf } from "./small-kernel";

/** What Linux does with the lines of a batch file, as far as plans make use of it. */
export class PlayedKernel {
  readonly links: Map<string, Link>;
  routes: Route[];

  constructor(kernel: Kernel) {
    const copy = structuredClone(kernel);
    this.links = new Map(copy.links.map((link) => [link.name, link]));
    this.routes = copy.routes;
  }

  get now(): Kernel {
    return structuredClone({ links: [...this.links.values()], routes: this.routes });
  }

  /** Runs the steps, at most `most` lines of them; throws what Linux would refuse. */
  run(steps: readonly Step[], most = Infinity): void {
    for (const { tool, lenient, lines } of steps)
      for (const words of lines) {
        if (most-- <= 0) return;
        try {
          this.line(tool, words);
        } catch (error) {
          if (!lenient) throw error;
        }
      }
  }

  private line(tool: Step["tool"], words: Words): void {
    const [object, verb, ...rest] = words as [string, string, ...string[]];
    if (tool === "sysctl") return this.sysctl(object, verb);
    switch (`${object} ${verb}`) {
      case "link add":
        return this.addLink(rest);
      case "link del":
        return this.deleteLink(rest[1]!);
      case "link set":
        return this.setLink(this.link(rest[1]!), rest.slice(2));
      case "addr add":
        return this.addAddress(rest);
      case "addr replace":
        return this.addAddress(rest, true);
      case "addr del":
        return this.deleteAddress(rest);
      case "route append":
        return this.addRoute(rest);
      case "route del":
        return this.deleteRoute(rest);
      case "vlan add":
        return this.addVlan(rest);
      case "vlan del":
        return this.deleteVlan(rest);
    }
    throw new Error(`what is "${words.join(" ")}"?`);
  }

  private sysctl(path: string, value: string): void {
    this.link(path.split("/").at(-2)!).acceptRa = Number(value);
  }

  private link(name: string): Link {
    const link = this.links.get(name);
    if (!link) throw new Error(`Cannot find device "${name}"`);
    return link;
  }

  private addLink(words: Words): void {
    const { parent, rest } =
      words[0] === "link" ? { parent: words[1], rest: words.slice(2) } : { parent: undefined, rest: words };
    const [, name, ...more] = rest as [string, string, ...string[]];
    if (this.links.has(name)) throw new Error("File exists");
    const at = more.indexOf("type");
    const [, kind, ...options] = more.slice(at) as [string, string, ...string[]];
    const link: Link = {
      name,
      kind,
      up: false,
      carrier: false,
      mtu: 1500,
      generation: "eui64",
      acceptRa: 1,
      addresses: [],
    };
    if (more[0] === "address") link.mac = more[1];
    if (kind === "bridge") {
      link.bridge = { stp: false, forwardDelay: 1500, vlanFiltering: false, others: [], defaultVlan: 1 };
      this.setBridge(link, options);
      const { defaultVlan } = link.bridge;
      link.vlans = defaultVlan ? [{ id: defaultVlan, pvid: true, untagged: true }] : [];
    }
    if (kind === "vlan") {
      Object.assign(link, { parent, mac: this.link(parent!).mac, vlan: { link: parent!, id: Number(options[1]) } });
    }
    if (kind === "bond") {
      link.bond = { mode: "", miimon: 0 };
      this.setBond(link, options);
    }
    this.links.set(name, link);
  }

  private deleteLink(name: string): void {
    this.link(name);
    for (const link of [...this.links.values()]) {
      if (link.master === name) this.leave(link);
      if (link.vlan?.link === name) this.deleteLink(link.name);
    }
    this.links.delete(name);
    this.routes = this.routes.filter(({ hops }) => !hops.some(({ device }) => device === name));
  }

  private leave(link: Link): void {
    if (this.links.get(link.master ?? "")?.kind === "bond") this.setMac(link, macOf(link.name));
    link.master = undefined;
    link.vlans = undefined;
  }

  private setLink(link: Link, words: Words): void {
    const [what, value] = words as [string, string];
    switch (what) {
      case "up":
        link.up = true;
        return;
      case "down":
        return this.down(link);
      case "mtu":
        link.mtu = Number(value);
        return;
      case "address":
        return this.setMac(link, value);
      case "alias":
        link.alias = value;
        return;
      case "addrgenmode":
        link.generation = value;
        return;
      case "nomaster":
        if (this.links.get(link.master ?? "")?.kind === "bond") this.down(link);
        return this.leave(link);
      case "master":
        return this.join(link, this.link(value));
      case "type":
        return value === "bridge" ? this.setBridge(link, words.slice(2)) : this.setBond(link, words.slice(2));
    }
    throw new Error(`what is link set ${words.join(" ")}?`);
  }

  /** VLAN interfaces have that of the link below them. */
  private setMac(link: Link, mac: string | undefined): void {
    link.mac = mac;
    for (const other of this.links.values()) if (other.vlan?.link === link.name) other.mac = mac;
  }

  /** Takes IPv6 addresses and all routes along. */
  private down(link: Link): void {
    link.up = false;
    link.addresses = link.addresses.filter(({ family }) => family === 4);
    this.routes = this.routes.filter(({ hops }) => !hops.some(({ device }) => device === link.name));
  }

  private join(link: Link, master: Link): void {
    if (this.links.get(link.master ?? "")?.kind === "bond") {
      this.down(link);
      this.leave(link);
    }
    if (master.kind === "bond" && link.up) throw new Error("Device can not be enslaved while up.");
    if (link.kind === "bridge") throw new Error("Too many levels of symbolic links");
    link.master = master.name;
    link.vlans = undefined;
    if (master.kind === "bond") {
      link.up = true;
      this.setMac(link, master.mac);
    }
    const id = master.bridge?.defaultVlan;
    if (master.bridge) link.vlans = id ? [{ id, pvid: true, untagged: true }] : [];
  }

  private setBridge(link: Link, words: Words): void {
    const { bridge } = link;
    for (const [name, value] of pairs(words)) {
      if (name === "stp_state") bridge!.stp = value === "1";
      else if (name === "forward_delay") {
        if (bridge!.stp && Number(value) < 200) throw new Error("Numerical result out of range");
        bridge!.forwardDelay = Number(value);
      } else if (name === "vlan_filtering") bridge!.vlanFiltering = value === "1";
      else if (name === "vlan_default_pvid") {
        if (bridge!.vlanFiltering) throw new Error("Operation not permitted");
        this.moveDefault(link, Number(value));
      } else bridge!.others.push([name, value]);
    }
  }

  /** As br_vlan.c does: ports that are in the old one go to the new one. */
  private moveDefault(bridge: Link, id: number): void {
    const old = bridge.bridge!.defaultVlan;
    bridge.bridge!.defaultVlan = id;
    for (const link of [bridge, ...[...this.links.values()].filter(({ master }) => master === bridge.name)]) {
      const vlans = link.vlans ?? [];
      const inOld = vlans.some((vlan) => vlan.id === old && vlan.pvid && vlan.untagged);
      if ((old && !inOld) || (id !== 0 && vlans.some((vlan) => vlan.id === id))) continue;
      const others = vlans.filter((vlan) => vlan.id !== old).map((vlan) => ({ ...vlan, pvid: false }));
      link.vlans = [...others, ...(id === 0 ? [] : [{ id, pvid: true, untagged: true }])].sort((a, b) => a.id - b.id);
    }
  }

  private setBond({ bond }: Link, words: Words): void {
    for (const [name, value] of pairs(words)) {
      if (name === "mode") bond!.mode = value;
      else if (name === "miimon") bond!.miimon = Number(value);
      else if (name === "primary") bond!.primary = value;
      else if (name === "lacp_rate") bond!.lacpRate = value;
      else if (name === "xmit_hash_policy") bond!.hashPolicy = value;
      else throw new Error(`what is ${name}?`);
    }
  }

  private addAddress(words: Words, replace = false): void {
    const [text, ...rest] = words as [string, ...string[]];
    const [local, length] = text.split("/") as [string, string];
    const family = local.includes(":") ? 6 : 4;
    const address: Address = {
      family,
      local,
      length: Number(length),
      scope: /^fe80/.test(local) ? "link" : "global",
      flags: [],
    };
    const words_ = [...rest];
    const take = (name: string) => {
      const at = words_.indexOf(name);
      return at < 0 ? undefined : words_.splice(at, 2)[1];
    };
    const link = this.link(take("dev")!);
    address.broadcast = take("broadcast");
    address.scope = take("scope") ?? address.scope;
    const [valid, preferred] = [take("valid_lft"), take("preferred_lft")];
    if (valid !== undefined) Object.assign(address, { valid: Number(valid), preferred: Number(preferred) });
    address.flags = words_.filter((flag) => flag !== "nodad");
    const there = link.addresses.findIndex((one) => one.local === local && one.length === address.length);
    if (there >= 0 && !replace) throw new Error("Address already assigned.");
    if (there >= 0) link.addresses[there] = address;
    else link.addresses.push(address);
  }

  private deleteAddress([text, , device]: Words): void {
    const link = this.link(device!);
    const at = link.addresses.findIndex(({ local, length }) => `${local}/${length}` === text);
    if (at < 0) throw new Error("Address not found");
    const [gone] = link.addresses.splice(at, 1);
    if (gone!.family === 6) return;
    // The first of a subnet takes the others along.
    const primary = !link.addresses.slice(0, at).some((one) => sameSubnet(one, gone!));
    const others = primary ? link.addresses.filter((one) => sameSubnet(one, gone!)) : [];
    link.addresses = link.addresses.filter((one) => !others.includes(one));
    const empty = !link.addresses.some(({ family }) => family === 4);
    const left = new Set([...this.links.values()].flatMap(({ addresses }) => addresses.map(({ local }) => local)));
    this.routes = this.routes.filter(
      (route) =>
        route.family === 6 ||
        !(
          (empty && route.hops.some((hop) => hop.device === device)) ||
          (route.source !== undefined && !left.has(route.source))
        ),
    );
  }

  private addRoute(words: Words): void {
    const route = parseRoute(words);
    for (const { device } of route.hops) if (!this.link(device).up) throw new Error("Network is down");
    if (this.routes.some((one) => identity(one) === identity(route))) throw new Error("File exists");
    this.routes.push(route);
  }

  private deleteRoute(words: Words): void {
    const wanted = identity(parseRoute(words));
    const at = this.routes.findIndex((one) => identity(one) === wanted);
    if (at < 0) throw new Error("No such process");
    this.routes.splice(at, 1);
  }

  private addVlan([, device, , id, ...flags]: Words): void {
    const link = this.link(device!);
    const self = flags.includes("self");
    if (self !== (link.kind === "bridge")) throw new Error("self goes with bridges");
    if (!self && this.links.get(link.master ?? "")?.kind !== "bridge") throw new Error("Operation not supported");
    const vlan = { id: Number(id), pvid: flags.includes("pvid"), untagged: flags.includes("untagged") };
    const others = (link.vlans ?? []).filter((one) => one.id !== vlan.id);
    link.vlans = [...others.map((one) => (vlan.pvid ? { ...one, pvid: false } : one)), vlan].sort(
      (a, b) => a.id - b.id,
    );
  }

  private deleteVlan([, device, , id]: Words): void {
    const link = this.link(device!);
    if (!link.vlans?.some((one) => one.id === Number(id))) throw new Error("No such file or directory");
    link.vlans = link.vlans.filter((one) => one.id !== Number(id));
  }
}

function pairs(words: Words): [string, string][] {
  return words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1]!] as [string, string]] : []));
}

function sameSubnet(one: Address, other: Address): boolean {
  const bits = ({ local, length }: Address) => {
    const number = local.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    return `${Math.floor(number / 2 ** (32 - length))}/${length}`;
  };
  return one.family === 4 && other.family === 4 && bits(one) === bits(other);
}

function parseRoute(words: Words): Route {
  const [to, ...rest] = words as [string, ...string[]];
  const hops: Hop[] = [];
  const route: Route = {
    family: 4,
    type: "unicast",
    to,
    table: "main",
    protocol: "boot",
    hops,
    metrics: [],
    unknown: [],
  };
  let hop: Hop = { device: "", weight: 1, onlink: false };
  const legs: Hop[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!;
    if (word === "onlink") hop.onlink = true;
    else if (word === "nexthop") {
      hop = { device: "", weight: 1, onlink: false };
      legs.push(hop);
    } else {
      const value = rest[++at]!;
      if (word === "via") hop.via = value;
      else if (word === "dev") hop.device = value;
      else if (word === "weight") hop.weight = Number(value);
      else if (word === "proto") route.protocol = value;
      else if (word === "table") route.table = value;
      else if (word === "scope") route.scope = value;
      else if (word === "src") route.source = value;
      else if (word === "metric") route.metric = Number(value);
      else if (word === "expires") route.expires = Number(value);
      else if (word === "mtu") route.metrics.push([word, value]);
      else throw new Error(`what is ${word}?`);
    }
  }
  hops.push(...(legs.length > 0 ? legs : [hop]));
  route.family = (hops[0]!.via ?? to).includes(":") ? 6 : 4;
  if (route.family === 4) route.scope ??= "global";
  return route;
}

function identity({ family, to, table, protocol, metric, source, hops }: Route): string {
  return JSON.stringify([
    family,
    to,
    table,
    protocol,
    metric ?? 0,
    source,
    hops.map(({ via, device, weight }) => [via, device, weight]),
  ]);
}
