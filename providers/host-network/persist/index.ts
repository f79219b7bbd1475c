import { ifcfg } from "./ifcfg";
import { ifupdown } from "./ifupdown";
import { lookingOnce } from "./looking-once";
import { netplan } from "./netplan";
import { networkManager } from "./network-manager";
import { networkd } from "./networkd";
import type { Renderer, RendererName } from "./renderer";

export { detectRenderer } from "./detect";

/** How each kind of host is told of a bridge. */
export const renderers: { readonly [Name in RendererName]: Renderer } = {
  networkd: lookingOnce(networkd),
  networkmanager: lookingOnce(networkManager),
  ifupdown: lookingOnce(ifupdown),
  netplan: lookingOnce(netplan),
  ifcfg: lookingOnce(ifcfg),
};
