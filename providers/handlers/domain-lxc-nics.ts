import type { Context } from "../dynamic/contract";
import type { Connection } from "../libvirt/connection";
import { child, serialize } from "../libvirt/xml/document";
import { nicsByMac, type NicModel } from "../libvirt/xml/domain-nic";
import type { DomainInputs } from "../schema/domain";
import { describeNic } from "../schema/domain-nic";
import { detach } from "./domain-detach";
import { attach, flagsWhere, nicKind } from "./domain-devices";
import type { DomainLook } from "./domain-look";
import { inside } from "./domain-lxc-host";
import { sameValue } from "./domain-model";

/** Plugs NICs out of and into a running container, and those over that change; whether any was. */
export async function convergeContainerNics(
  connection: Connection,
  seen: DomainLook,
  wanted: readonly NicModel[],
  inputs: DomainInputs,
  context: Context,
): Promise<boolean> {
  const live = nicsByMac(child(seen.live!.root, "devices"));
  const config = nicsByMac(child(seen.config.root, "devices"));
  const present = new Map([...live].map(([mac, at]) => [mac, nicKind.parse(at, config.get(mac))]));
  const stays = (nic: NicModel) => plugged(present.get(nic.mac)) === plugged(nic);
  const out = [...live].filter(([mac]) => !wanted.some((nic) => nic.mac === mac && stays(nic)));
  for (const [mac, at] of out)
    await detach(connection, seen, serialize(at), flagsWhere(config.has(mac)), {
      label: nicKind.describe(present.get(mac)!),
      present: (devices) => nicsByMac(devices).has(mac),
    });
  let changed = out.length > 0;
  for (const nic of wanted) {
    const gone = out.some(([mac]) => mac === nic.mac);
    const there = gone ? undefined : present.get(nic.mac);
    if (sameValue(there, nic)) continue;
    if (!there) await attach(connection, seen, nicKind, nic, !gone && config.has(nic.mac));
    await configure(connection, seen, nic, inputs, context);
    changed = true;
  }
  return changed;
}

/** What a NIC is plugged into, and how: libvirt changes none of it while a container has it. */
function plugged(nic: NicModel | undefined): string | undefined {
  if (!nic) return undefined;
  const { addresses: _addresses, routes: _routes, guest: _guest, ...rest } = nic;
  return JSON.stringify(
    Object.entries(rest)
      .filter(([, value]) => value !== undefined)
      .sort(),
  );
}

/** Name and addresses are libvirt's to give at a container's start only. */
async function configure(
  connection: Connection,
  { domain }: DomainLook,
  nic: NicModel,
  inputs: DomainInputs,
  context: Context,
): Promise<void> {
  const container = inside(connection, domain, inputs);
  if (container) return container.configureNic({ ...nic, name: nic.guest! }, context.signal);
  context.progress(
    `the NIC on ${describeNic(nic)} gets its name and addresses when the container is started next: host tells no way in`,
  );
}
