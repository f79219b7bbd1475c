import { OperatorError } from "../../dynamic/errors";
import { ifupdown } from "./ifupdown";
import { netplan } from "./netplan";
import { networkManager } from "./network-manager";
import { networkd } from "./networkd";
import type { Renderer, RendererName } from "./renderer";

export { detectRenderer } from "./detect";

/** Until it is written. */
function missing(name: RendererName): Renderer {
  const refuse = () => Promise.reject(new OperatorError(`${name} cannot keep bridges yet`));
  return { name, persist: refuse, forget: refuse };
}

/** How each kind of host is told of a bridge. */
export const renderers: { readonly [Name in RendererName]: Renderer } = {
  networkd,
  networkmanager: networkManager,
  ifupdown,
  netplan,
  ifcfg: missing("ifcfg"),
};
