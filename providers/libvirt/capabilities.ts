import { type Element, attribute, child, children, parse, text } from "./xml/document";

/** What a host is and which guests it can run (https://libvirt.org/formatcaps.html). */
export interface HostCapabilities {
  uuid?: string;
  cpu: {
    arch: string;
    model?: string;
    vendor?: string;
    features: string[];
    topology: { sockets: number; dies: number; cores: number; threads: number };
  };
  /** True when the host's IOMMU is on, which device assignment needs. */
  iommu: boolean;
  /** NUMA nodes. */
  cells: { id: number; /** KiB */ memory: number; cpus: number }[];
  /** "apparmor", "selinux", "dac", "none" with their base labels by domain type. */
  securityModels: { model: string; doi: string; labels: { [domainType: string]: string } }[];
  guests: GuestCapabilities[];
}

/** One combination of operating system type and architecture. */
export interface GuestCapabilities {
  /** "hvm", "exe" (containers), "xen", "xenpvh". */
  osType: string;
  arch: string;
  wordSize: number;
  emulator?: string;
  machines: { name: string; /** The name an alias such as "q35" stands for. */ canonical?: string; maxCpus?: number }[];
  /** "kvm", "qemu", "lxc", "xen". */
  domainTypes: string[];
}

/** What guests of one emulator, architecture, machine and type can have (https://libvirt.org/formatdomaincaps.html). */
export interface DomainCapabilities {
  emulator?: string;
  /** "kvm" or "qemu". */
  domainType: string;
  machine?: string;
  arch: string;
  maxVcpus?: number;
  /** Values of `<os firmware=...>`: "bios", "efi". */
  firmware: string[];
  loaders: string[];
  cpu: {
    /** "host-passthrough", "maximum", "host-model", "custom". */
    modes: string[];
    /** What host-model stands for. */
    hostModel?: { model: string; features: { [name: string]: "require" | "disable" } };
    /** Names for mode custom. */
    models: { name: string; usable: boolean; deprecated: boolean; vendor?: string }[];
  };
  /** By element name ("disk", "graphics", "channel"): the values of its enumerations; what is not supported is absent. */
  devices: { [device: string]: { [enumeration: string]: string[] } };
  /** By element name ("genid", "sev"). */
  features: { [name: string]: boolean };
}

/** Reads what `connectGetCapabilities` gives. Throws on XML that is not a capabilities document. */
export function parseCapabilities(xml: string): HostCapabilities {
  const root = rootOf(xml, "capabilities");
  const host = child(root, "host");
  const cpu = child(host, "cpu");
  const topology = child(cpu, "topology");
  return {
    uuid: text(host, "uuid"),
    cpu: {
      arch: text(cpu, "arch") ?? "",
      model: text(cpu, "model"),
      vendor: text(cpu, "vendor"),
      features: children(cpu, "feature").map((feature) => attribute(feature, "name")!),
      topology: {
        sockets: count(topology, "sockets"),
        dies: count(topology, "dies"),
        cores: count(topology, "cores"),
        threads: count(topology, "threads"),
      },
    },
    iommu: attribute(child(host, "iommu"), "support") === "yes",
    cells: children(child(host, "topology", "cells"), "cell").map((cell) => ({
      id: Number(attribute(cell, "id")),
      memory: Number(text(cell, "memory") ?? 0),
      cpus: children(child(cell, "cpus"), "cpu").length,
    })),
    securityModels: children(host, "secmodel").map((model) => ({
      model: text(model, "model") ?? "none",
      doi: text(model, "doi") ?? "",
      labels: Object.fromEntries(
        children(model, "baselabel").map((label) => [attribute(label, "type") ?? "", text(label) ?? ""]),
      ),
    })),
    guests: children(root, "guest").map(guest),
  };
}

/** Reads what `connectGetDomainCapabilities` gives. Throws on XML that is not a domain capabilities document. */
export function parseDomainCapabilities(xml: string): DomainCapabilities {
  const root = rootOf(xml, "domainCapabilities");
  const os = child(root, "os");
  const loader = child(os, "loader");
  return {
    emulator: text(root, "path"),
    domainType: text(root, "domain") ?? "",
    machine: text(root, "machine"),
    arch: text(root, "arch") ?? "",
    maxVcpus: optionalCount(child(root, "vcpu"), "max"),
    firmware: enumerations(os)["firmware"] ?? [],
    loaders: supported(loader) ? children(loader, "value").map((value) => text(value)!) : [],
    cpu: cpuCapabilities(child(root, "cpu")),
    devices: Object.fromEntries(
      children(child(root, "devices"))
        .filter(supported)
        .map((device) => [device.nodeName, enumerations(device)]),
    ),
    features: Object.fromEntries(children(child(root, "features")).map((item) => [item.nodeName, supported(item)])),
  };
}

function rootOf(xml: string, name: string): Element {
  const root = parse(xml);
  if (root.nodeName !== name) throw new Error(`<${name}> is needed, got <${root.nodeName}>`);
  return root;
}

function guest(element: Element): GuestCapabilities {
  const arch = child(element, "arch");
  const domains = children(arch, "domain");
  // A domain type with machines of its own repeats the ones it shares.
  const machines = [arch, ...domains]
    .flatMap((place) => children(place, "machine"))
    .map((machine) => ({
      name: text(machine)!,
      canonical: attribute(machine, "canonical"),
      maxCpus: optionalCount(machine, "maxCpus"),
    }));
  return {
    osType: text(element, "os_type") ?? "",
    arch: attribute(arch, "name") ?? "",
    wordSize: Number(text(arch, "wordsize") ?? 0),
    emulator: text(arch, "emulator"),
    machines: [...new Map(machines.map((machine) => [machine.name, machine])).values()],
    domainTypes: domains.map((domain) => attribute(domain, "type") ?? ""),
  };
}

function cpuCapabilities(cpu: Element | undefined): DomainCapabilities["cpu"] {
  const modes = children(cpu, "mode").filter(supported);
  const named = (name: string) => modes.find((mode) => attribute(mode, "name") === name);
  const hostModel = named("host-model");
  const model = text(hostModel, "model");
  return {
    modes: modes.map((mode) => attribute(mode, "name")!),
    hostModel: model
      ? {
          model,
          features: Object.fromEntries(
            children(hostModel, "feature").map((feature) => [
              attribute(feature, "name")!,
              attribute(feature, "policy") === "disable" ? "disable" : "require",
            ]),
          ),
        }
      : undefined,
    models: children(named("custom"), "model").map((entry) => ({
      name: text(entry)!,
      usable: attribute(entry, "usable") === "yes",
      deprecated: attribute(entry, "deprecated") === "yes",
      vendor: attribute(entry, "vendor"),
    })),
  };
}

function enumerations(element: Element | undefined): { [name: string]: string[] } {
  const entries = children(element, "enum").map((entry) => [
    attribute(entry, "name")!,
    children(entry, "value").map((value) => text(value)!),
  ]);
  return Object.fromEntries(entries);
}

function supported(element: Element | undefined): boolean {
  return attribute(element, "supported") === "yes";
}

function count(element: Element | undefined, name: string): number {
  return optionalCount(element, name) ?? 1;
}

function optionalCount(element: Element | undefined, name: string): number | undefined {
  const value = attribute(element, name);
  return value === undefined ? undefined : Number(value);
}
