import { isDeepStrictEqual } from "node:util";
import { posix } from "node:path";
import * as v from "valibot";
import { hostShape, machineShape, shaped } from "./shapes";
import type { StateResource } from "./state";

/** A host as the state knows it. */
export interface Place {
  /** Equal for everything on one host: the drivers and users of a URI make no other host. */
  id: string;
  name: string;
  connections: string[];
  facts?: v.InferOutput<typeof hostShape>;
}

/** web-2 before web-10, and the same in every locale. */
export function byName(one: { name: string }, other: { name: string }): number {
  return collator.compare(one.name, other.name);
}

const collator = new Intl.Collator("en", { numeric: true });

/** The resources of a stack, and which host each of them is on. */
export class StateTree {
  readonly places = new Map<string, Place>();
  private readonly resources: readonly StateResource[];
  private readonly byUrn: Map<string, StateResource>;

  /** A state has resources in the order in which they got ready, which is another one in every run. */
  constructor(resources: readonly StateResource[]) {
    this.resources = [...resources].sort((one, other) => byName(one, other) || (one.urn < other.urn ? -1 : 1));
    this.byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
    for (const resource of this.objects("Host")) {
      const facts = shaped(hostShape, resource);
      const component = this.ancestors(resource).find(({ kind }) => kind === "KvmHost");
      const place = this.placeAt(facts.connection ?? "qemu:///system", component?.name ?? resource.name);
      place.facts ??= facts;
    }
  }

  /** The objects of hosts of this kind. */
  objects(kind: string): StateResource[] {
    return this.resources.filter((resource) => resource.custom && resource.kind === kind);
  }

  /** Parent first. */
  ancestors(resource: StateResource): StateResource[] {
    const parent = resource.parent === undefined ? undefined : this.byUrn.get(resource.parent);
    return parent ? [parent, ...this.ancestors(parent)] : [];
  }

  /** Where a resource is that names its `connection`. */
  placeAt(uri: string, name?: string): Place {
    const place = this.place(uri, name);
    if (!place.connections.includes(uri)) place.connections.push(uri);
    return place;
  }

  /** Where a resource is, by its `connection` or the host's `machine` that it works on. */
  placeOn(resource: StateResource): Place {
    const { connection, machine: spec } = resource.properties;
    if (typeof connection === "string") return this.placeAt(connection);
    const owner = this.ancestors(resource).find(({ kind }) => kind === "KvmHost");
    const hosts = this.objects("Host");
    const facts =
      hosts.find((host) => owner && this.ancestors(host).includes(owner)) ??
      hosts.find((host) => spec !== undefined && isDeepStrictEqual(host.properties["machine"], spec));
    if (facts) return this.placeAt(shaped(hostShape, facts).connection ?? "qemu:///system");
    const machine = v.parse(machineShape, spec);
    if (!machine?.host) return this.place(machine?.uri ?? "qemu:///system");
    const host = machine.host.includes(":") ? `[${machine.host}]` : machine.host;
    return this.place(`qemu+ssh://${host}${machine.port === undefined ? "" : `:${machine.port}`}/system`);
  }

  private place(uri: string, name = hostName(uri)): Place {
    const id = placeId(uri);
    const place = this.places.get(id) ?? { id, name, connections: [] };
    this.places.set(id, place);
    return place;
  }
}

/** libvirt's drivers on one host answer on sockets in one folder, or behind one address. */
function placeId(uri: string): string {
  if (!URL.canParse(uri)) return uri;
  const { hostname, port, searchParams } = new URL(uri);
  const socket = searchParams.get("socket");
  return [hostname, port, socket && posix.dirname(socket)].filter(Boolean).join(" ") || "local";
}

function hostName(uri: string): string {
  if (!URL.canParse(uri)) return uri;
  return decodeURIComponent(new URL(uri).hostname).replace(/^\[|\]$/g, "") || "this machine";
}
