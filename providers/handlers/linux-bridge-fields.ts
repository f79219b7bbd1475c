import { isDeepStrictEqual } from "node:util";
import type { DiffTable, FieldChange, Verdict } from "../dynamic/contract";
import type { Uplink } from "../host-network/model";
import type { LinuxBridgeInputs } from "../schema/linux-bridge";
import { machineRule } from "./on-machine";

type FieldOf = FieldChange<LinuxBridgeInputs>;

/** What a change of each field does to the host and to the guests that are plugged in. */
export const bridgeFields: DiffTable<LinuxBridgeInputs> = {
  machine: machineRule,
  name: "replace",
  adopt: "ignored",
  owner: "ignored",
  uplink: uplinkRule,
  addresses: addressRule,
  dhcp: reboot("the host may get another address; connections to it end then"),
  gateway: "live",
  dns: "live",
  search: "live",
  routes: "live",
  acceptRa: "live",
  mtu: unlessUnset("live"),
  mac: ({ new: mac }) =>
    mac === undefined
      ? { disruption: "ignored" }
      : { disruption: "reboot", why: "neighbours lose the host until they ask for it anew" },
  stp: ({ new: stp }) =>
    stp ? { disruption: "reboot", why: "every port is silent for twice forwardDelay" } : { disruption: "live" },
  forwardDelay: "live",
  vlanFiltering: reboot("guests whose port is in no VLAN of the uplinks lose their link"),
  persist: "live",
  confirmTimeout: "ignored",
  confirm: "ignored",
  disruption: "ignored",
};

function reboot(why: string): Verdict {
  return { disruption: "reboot", why };
}

function unlessUnset(disruption: Verdict["disruption"]) {
  return ({ new: wanted }: FieldOf): Verdict => ({ disruption: wanted === undefined ? "ignored" : disruption });
}

/** One more uplink disturbs nobody; the loss of one, or another place in the VLANs, does. */
function uplinkRule({ old, new: wanted }: FieldOf): Verdict {
  const [before, after] = [(old ?? []) as Uplink[], (wanted ?? []) as Uplink[]];
  const same = (one: Uplink) => after.some((other) => isDeepStrictEqual(one, other));
  const lost = before.filter((one) => !same(one));
  if (lost.length === 0) return { disruption: "live" };
  return reboot(`the host and its guests lose ${lost.map(({ name }) => name).join(", ")} for a moment`);
}

function addressRule({ old, new: wanted }: FieldOf): Verdict {
  if (wanted === "keep" || old === "keep" || old === undefined) return { disruption: "live" };
  const lost = (old as string[]).filter((one) => !(wanted as string[]).includes(one) && !one.includes(" on "));
  return lost.length === 0 ? { disruption: "live" } : reboot(`connections to ${lost.join(", ")} end`);
}
