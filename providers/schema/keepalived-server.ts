import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { address, interfaceAddress } from "./address";
import { farmName } from "./balancer-farm";
import { duration, milliseconds } from "./duration";
import { machineSpec } from "./machine";
import { interfaceName, objectName } from "./name";
import { strict } from "./strict";
import { asDeclared } from "./web-server";
import { wholeNumber } from "./whole-number";

export interface VirtualRouterInputs {
  id: number;
  addresses: string[];
  interface?: string;
  priority: number;
  preemptDelay?: string;
}

export interface KeepalivedServerInputs {
  machine: MachineSpec;
  name: string;
  routers: { [name: string]: VirtualRouterInputs };
  source: string;
  peers: string[];
  advertise: string;
  haproxy?: string;
  timeout: string;
  disk?: string;
  condition: string;
}

const isIpv6 = (one: string) => one.includes(":");

const router = v.pipe(
  strict({
    id: wholeNumber(1, 255),
    addresses: v.pipe(v.array(interfaceAddress), v.minLength(1, "is empty. Allowed: the addresses that move")),
    interface: v.optional(interfaceName),
    priority: v.optional(wholeNumber(2, 250), 250),
    preemptDelay: v.optional(duration),
  }),
);

export const keepalivedServerSchema = v.pipe(
  strict({
    machine: machineSpec,
    name: objectName,
    routers: v.pipe(
      v.record(farmName, router),
      v.check((routers) => Object.keys(routers).length > 0, "is empty. Allowed: one virtual router or more"),
    ),
    source: address,
    peers: v.pipe(v.array(address), v.minLength(1, "is empty. Allowed: the addresses of the others")),
    advertise: v.optional(
      v.pipe(
        duration,
        v.check(
          // RFC 5798 counts in hundredths of a second, in 12 bits.
          (text) => milliseconds(text) >= 50 && milliseconds(text) <= 40_000 && milliseconds(text) % 10 === 0,
          (issue) => `got ${JSON.stringify(issue.input)}. Allowed: "50ms" to "40s", in steps of 10 ms`,
        ),
      ),
      "200ms",
    ),
    haproxy: v.optional(objectName),
    timeout: v.optional(duration, "30s"),
    disk: v.optional(v.string()),
    condition: v.optional(v.string(), asDeclared),
  }),
  v.check(
    ({ source, peers }) => peers.every((peer) => isIpv6(peer) === isIpv6(source)),
    "source and peers are of different families. Fix: give all of them as IPv4, or all as IPv6",
  ),
  v.check(({ source, peers }) => !peers.includes(source), "source is among the peers. Fix: name only the others there"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const routers = Object.entries(dataset.value.routers);
    for (const [at, [name, { id, addresses }]] of routers.entries()) {
      const before = routers.slice(0, at);
      const same = before.find(([, other]) => other.id === id);
      if (same)
        addIssue({ message: `routers.${name}.id: ${id} is that of ${same[0]} already. Fix: choose another, 1 to 255` });
      const taken = before.flatMap(([, other]) => other.addresses).find((one) => addresses.includes(one));
      if (taken !== undefined) addIssue({ message: `routers.${name}.addresses: ${taken} is there twice` });
    }
  }),
) as v.GenericSchema<unknown, KeepalivedServerInputs>;
