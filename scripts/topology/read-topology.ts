import { publish } from "./forwards";
import { guestsOf } from "./guests";
import type { HostModel, Segment, Topology } from "./model";
import { byHeight, connectUplinks, unique, type SegmentName } from "./segments";
import { formatSize } from "../../providers/schema/size";
import type { StateResource } from "./state";
import { HostSwitches } from "./switches";
import { byName, StateTree, type Place } from "./tree";

/** The kinds of which at least one is needed for a picture. */
const drawn = ["Host", "LinuxBridge", "Network", "Domain", "PortForward"];

/** What a stack looks like; undefined where it has nothing that a picture could show. */
export function readTopology(
  stack: string,
  resources: readonly StateResource[],
  names: readonly SegmentName[] = [],
): Topology | undefined {
  const tree = new StateTree(resources);
  for (const kind of drawn) for (const resource of tree.objects(kind)) tree.placeOn(resource);
  if (tree.places.size === 0) return undefined;
  const places = [...tree.places.values()]
    .sort(byName)
    .map((place) => ({ place, switches: new HostSwitches(place, tree) }));
  const hosts = places.map(({ place, switches }) => {
    const made = host(place, switches, guestsOf(place, tree, switches));
    publish(place, tree, made, switches);
    return made;
  });
  const uplinks = places.flatMap(({ switches }) => switches.uplinks);
  const segments = [...connectUplinks(uplinks, names, hosts.length === 1), ...hosts.flatMap(wayOut)];
  const sorted = byHeight(
    segments,
    hosts.flatMap((each) => each.switches),
  );
  places.forEach(({ switches }, at) => (hosts[at]!.switches = switches.inOrder(sorted)));
  return { stack, segments: sorted, hosts };
}

function host(place: Place, switches: HostSwitches, guests: HostModel["guests"]): HostModel {
  const { libvirtVersion, cpus, memory, accelerator } = place.facts ?? {};
  return {
    id: place.id,
    name: place.name,
    // Parameters are ways to get there, such as files of keys.
    connections: unique(place.connections.map((uri) => uri.split("?")[0]!)),
    facts: [
      ...(libvirtVersion === undefined ? [] : [`libvirt ${libvirtVersion}`]),
      ...(cpus === undefined ? [] : [`${cpus} CPU${cpus === 1 ? "" : "s"}`]),
      ...(memory === undefined ? [] : [roughSize(memory)]),
      ...(accelerator === undefined ? [] : [accelerator.toUpperCase()]),
    ],
    switches: switches.all,
    guests,
  };
}

/** A host's memory is never a round number of GiB. */
function roughSize(bytes: number): string {
  const GiB = 1024 ** 3;
  return bytes < 10 * GiB ? `${(bytes / GiB).toFixed(1)}GiB` : formatSize(Math.round(bytes / GiB) * GiB);
}

/** What routed networks leave by, where the stack leaves the host's own network alone. */
function wayOut(host: HostModel): Segment[] {
  const routed = host.switches.filter((each) => each.routed);
  if (routed.length === 0 || routed.some((each) => each.uplink)) return [];
  const id = `outside ${host.id}`;
  host.outside = id;
  return [{ id, name: `outside, by ${host.name}'s own routes`, subnets: [], gateways: [], declared: false }];
}
