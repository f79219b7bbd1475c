import * as pulumi from "@pulumi/pulumi";
import { Guest, type GuestArgs } from "./guest";

export interface GuestGroupArgs extends GuestArgs {
  /** How many guests. */
  count: number;
}

/**
 * Guests that are alike, named `NAME-1`, `NAME-2` and so on. A smaller count removes those with the highest numbers.
 *
 * @example
 * const workers = new GuestGroup("worker", { host, image, network: "default", count: 3 });
 */
export class GuestGroup extends pulumi.ComponentResource {
  /** In the order of their numbers. */
  readonly guests: readonly Guest[];

  constructor(name: string, args: GuestGroupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:guest:GuestGroup", name, {}, opts);
    const { count, ...shape } = args;
    if (!Number.isInteger(count) || count < 0)
      throw new pulumi.RunError(`GuestGroup ${name}: count: got ${count}. Allowed: a whole number from 0`);
    const own = shape.nics?.findIndex((nic) => nic.addresses !== undefined) ?? -1;
    if (own >= 0 && count > 1)
      throw new pulumi.RunError(
        `GuestGroup ${name}: nics.${own}.addresses would be each guest's. Fix: make each one as a Guest; or leave them out, for DHCP`,
      );
    this.guests = Array.from({ length: count }, (_, at) => new Guest(`${name}-${at + 1}`, shape, { parent: this }));
    this.registerOutputs({ guests: this.guests.map((guest) => guest.name) });
  }
}
