import * as v from "valibot";
import { ipv4, ipv6, mac } from "./address";
import { connectionUri } from "./connection";
import { clientId } from "./dhcp-client-id";
import { hostName, objectName } from "./name";
import { strict } from "./strict";

/** One place for a reservation's types, defaults and errors. */
export const dhcpReservationSchema = v.pipe(
  strict({
    connection: v.optional(connectionUri, "qemu:///system"),
    network: objectName,
    mac,
    ipv4: v.optional(ipv4),
    ipv6: v.optional(ipv6),
    name: v.optional(hostName),
    duid: v.optional(clientId),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const given = dataset.value;
    const complain = (key: keyof typeof given, message: string) =>
      addIssue({ message, path: [{ type: "object", origin: "value", input: given, key, value: given[key] }] });
    if (given.ipv4 === undefined && given.ipv6 === undefined)
      complain("ipv4", "is required, unless ipv6 is given. Allowed: an address in the network's subnet");
    if (given.ipv6 !== undefined && given.name === undefined && given.duid === undefined)
      complain("ipv6", "DHCPv6 does not know guests by mac. Fix: give the name that the guest sends, or its duid");
    if (given.duid !== undefined && given.ipv6 === undefined)
      complain("duid", "is a DHCPv6 client id. Fix: give ipv6, or leave it out");
  }),
);

export type DhcpReservationInputs = v.InferOutput<typeof dhcpReservationSchema>;
