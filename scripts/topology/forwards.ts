import type * as v from "valibot";
import type { HostModel } from "./model";
import { portForwardShape, shaped } from "./shapes";
import type { StateResource } from "./state";
import type { HostSwitches } from "./switches";
import type { Place, StateTree } from "./tree";

type Port = v.InferOutput<typeof portForwardShape>["ports"][number];

/**
 * Writes what is published of a host's guests to the guests: by the component that a forward is part of, or by the
 * addresses that it leads to. A forward to no guest of the stack is told by the network around that address.
 */
export function publish(place: Place, tree: StateTree, host: HostModel, switches: HostSwitches): void {
  for (const resource of tree.objects("PortForward")) {
    if (tree.placeOn(resource) !== place) continue;
    const { to, ports, active } = shaped(portForwardShape, resource);
    const off = active === false ? " (off)" : "";
    const guest =
      host.guests.find(({ id }) => id === guestOf(resource, tree)?.urn) ??
      host.guests.find(({ nics }) => nics.some(({ addresses }) => addresses.some((each) => to.includes(each))));
    if (guest) {
      guest.published.push(...ports.map((port) => `${listening(port)} → ${port.guest}/${port.protocol}${off}`));
      continue;
    }
    const target = to[0] ?? "a guest";
    const told = ports.map((port) => `${listening(port)} → ${inPort(target, port.guest)}/${port.protocol}${off}`);
    const around = to[0] === undefined ? undefined : switches.around(to[0]);
    (around?.details ?? host.facts).push(...told);
  }
}

/** The domain of the guest that the forward is part of. */
function guestOf(resource: StateResource, tree: StateTree): StateResource | undefined {
  const component = tree.ancestors(resource).find(({ kind }) => kind === "Guest");
  return component && tree.objects("Domain").find(({ parent }) => parent === component.urn);
}

function listening({ host, address, interface: via }: Port): string {
  return `${address === undefined ? host : inPort(address, host)}${via === undefined ? "" : ` on ${via}`}`;
}

function inPort(address: string, port: string | number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
