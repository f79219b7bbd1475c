import type * as v from "valibot";
import { macsOf } from "../../providers/schema/domain-nic";
import { formatSize } from "../../providers/schema/size";
import type { Group, GuestModel, GuestNic, PowerState } from "./model";
import { unique } from "./segments";
import { domainShape, shaped } from "./shapes";
import type { StateResource } from "./state";
import type { HostSwitches } from "./switches";
import { byName, type Place, type StateTree } from "./tree";

type DomainShape = v.InferOutput<typeof domainShape>;

/** The guests of one host, by name. */
export function guestsOf(place: Place, tree: StateTree, switches: HostSwitches): GuestModel[] {
  const made = tree
    .objects("Domain")
    .filter((resource) => tree.placeOn(resource) === place)
    .map((resource) => guest(resource, tree, switches));
  return made.sort(byName);
}

function guest(resource: StateResource, tree: StateTree, switches: HostSwitches): GuestModel {
  const shape = shaped(domainShape, resource);
  const name = shape.name ?? resource.name;
  const kind = shape.kind === "lxc" || shape.connection?.startsWith("lxc") ? "container" : "vm";
  return {
    id: resource.urn,
    name,
    kind,
    state: powerState(shape),
    size: [
      ...(shape.vcpus === undefined ? [] : [`${shape.vcpus} vCPU${shape.vcpus === 1 ? "" : "s"}`]),
      ...(shape.memory === undefined ? [] : [sizeText(shape.memory)]),
    ],
    group: groupOf(resource, tree),
    nics: nicsOf(name, shape, switches),
    published: [],
    details: [shape.title, shape.acceleratorInUse && `accelerator ${shape.acceleratorInUse}`].flatMap(
      (each) => each || [],
    ),
    change: resource.mark,
  };
}

/** As it was when the state was written, else as declared: a guest of ours runs unless the program says otherwise. */
function powerState({ power, state, adopt }: DomainShape): PowerState {
  const known = power ?? state ?? (adopt === undefined ? "running" : undefined);
  return known === "running" || known === "paused" || known === "shutoff" ? known : "unknown";
}

function sizeText(memory: string | number): string {
  return typeof memory === "number" ? formatSize(memory) : memory;
}

function nicsOf(guest: string, { nics, addresses }: DomainShape, switches: HostSwitches): GuestNic[] {
  const macs = macsOf(guest, nics as Parameters<typeof macsOf>[1]);
  return nics.flatMap((nic, at): GuestNic[] => {
    const plugged = switches.find(nic);
    if (!plugged) return [];
    const seen = addresses.filter((each) => each.nic === at).flatMap(({ ipv4, ipv6 }) => [...ipv4, ...ipv6]);
    const kept = unique([macs[at]!, guest].flatMap((key) => switches.reserved(plugged, key)));
    return [
      {
        switch: plugged.id,
        mac: macs[at]!,
        addresses: seen.length > 0 ? seen : kept,
        port: [
          nic.portGroup,
          switches.vlansOf(nic),
          nic.isolated && "isolated",
          nic.linkState === "down" && "cable out",
        ].flatMap((each) => each || []),
      },
    ];
  });
}

/** The nearest component that stands for more than this one guest. */
function groupOf(resource: StateResource, tree: StateTree): Group | undefined {
  const component = tree
    .ancestors(resource)
    .find(({ custom, kind }) => !custom && !["Guest", "KvmHost", "Stack", "pulumi:Stack"].includes(kind));
  return component && { id: component.urn, name: component.name, kind: component.kind };
}
