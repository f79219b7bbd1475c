import type * as pulumi from "@pulumi/pulumi";
import type { KvmHost } from "../host/kvm-host";
import { BridgedNetwork, type BridgedNetworkArgs } from "./bridged-network";
import type { HostNetwork } from "./host-network";
import { IsolatedNetwork, type IsolatedNetworkArgs } from "./isolated-network";
import { MacvtapNetwork, type MacvtapNetworkArgs } from "./macvtap-network";
import { NatNetwork, type NatNetworkArgs } from "./nat-network";
import { OpenNetwork, type OpenNetworkArgs } from "./open-network";
import { RoutedNetwork, type RoutedNetworkArgs } from "./routed-network";

type Shape<Args> = Omit<Args, "host" | "name">;

/** A network by its mode, with the arguments that go with it. Default mode "nat". */
export type NetworkShape =
  | ({ mode?: "nat" } & Shape<NatNetworkArgs>)
  | ({ mode: "route" } & Shape<RoutedNetworkArgs>)
  | ({ mode: "isolated" } & Shape<IsolatedNetworkArgs>)
  | ({ mode: "open" } & Shape<OpenNetworkArgs>)
  | ({ mode: "bridge" } & Shape<BridgedNetworkArgs>)
  | ({ mode: "macvtap" } & Shape<MacvtapNetworkArgs>);

export const networkKinds = {
  nat: NatNetwork,
  route: RoutedNetwork,
  isolated: IsolatedNetwork,
  open: OpenNetwork,
  bridge: BridgedNetwork,
  macvtap: MacvtapNetwork,
};

/** The component for a network's mode, which is one of `networkKinds`. */
export function networkOf(
  host: KvmHost,
  name: string,
  label: string,
  { mode = "nat", ...shape }: NetworkShape,
  opts: pulumi.ComponentResourceOptions,
): HostNetwork {
  const Kind = networkKinds[mode] as new (
    name: string,
    args: object,
    opts: pulumi.ComponentResourceOptions,
  ) => HostNetwork;
  return new Kind(label, { host, name, ...shape }, opts);
}
