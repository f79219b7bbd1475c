import * as pulumi from "@pulumi/pulumi";
import type { NicArgs } from "../../providers/resources/domain";
import { CloudInitSeed, type CloudInitSeedArgs } from "../../providers/resources/cloud-init-seed";
import type { Guest, GuestArgs } from "./guest";
import { networkConfig } from "./network-config";

/** What cloud-init does at a guest's first boot; see `CloudInitSeed`. */
export type GuestSeedArgs = Pick<CloudInitSeedArgs, "userData" | "networkConfig" | "instanceId">;

/** The seed of a guest: its name, what the program says, and the addresses of its NICs. */
export function guestSeed(guest: Guest, { host, disk, seed }: GuestArgs, nics: NicArgs[]): CloudInitSeed | undefined {
  if (!seed) return undefined;
  return new CloudInitSeed(
    `${guest.name}-seed`,
    {
      ...seed,
      machine: host.machine,
      directory: host.pool(disk?.pool).path,
      name: guest.name,
      hostname: guest.name,
      networkConfig: seed.networkConfig ?? configured(guest.name, nics),
    },
    { parent: guest },
  );
}

/** Undefined where no NIC is given addresses: then cloud-init does as it does by itself. */
function configured(guest: string, nics: NicArgs[]): pulumi.Output<object> | undefined {
  if (!nics.some((nic) => nic.addresses !== undefined)) return undefined;
  return pulumi.output(nics).apply((known) => networkConfig(guest, known));
}
