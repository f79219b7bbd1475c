import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { type Connection } from "../libvirt/connection";
import { VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE } from "../libvirt/constants";
import { child, serialize, type Element } from "../libvirt/xml/document";
import { diskElement, disksByTarget, editDisk, parseDisk, type DiskModel } from "../libvirt/xml/domain-disk";
import { editNic, nicElement, nicsByMac, ownNic, parseNic, type NicModel } from "../libvirt/xml/domain-nic";
import { describeNic } from "../schema/domain-nic";
import { detach } from "./domain-detach";
import type { DomainLook } from "./domain-look";
import { sameValue } from "./domain-model";

/** How one kind of device is compared and changed while the guest runs. */
interface DeviceKind<Model> {
  index(devices: Element | undefined): Map<string, Element>;
  key(model: Model): string;
  /** What is plugged in, with what the configuration says of it. */
  parse(at: Element, configured?: Element): Model;
  make(model: Model): Element;
  edit(at: Element, model: Model): void;
  /** The part of a device that can change while it is plugged in. */
  changeable(model: Model): unknown;
  describe(model: Model): string;
}

export const nicKind: DeviceKind<NicModel> = {
  index: nicsByMac,
  key: (nic) => nic.mac,
  parse: (at, configured) => ownNic(parseNic(at)!, configured && parseNic(configured)),
  make: nicElement,
  edit: editNic,
  changeable: ({ network, bridge, portGroup, isolated, linkState, bandwidth, filter }) => ({
    ...{ network, bridge, portGroup, isolated, linkState, bandwidth, filter },
  }),
  describe: (nic) => `NIC ${nic.mac} (${describeNic(nic)})`,
};

const diskKind: DeviceKind<DiskModel> = {
  index: disksByTarget,
  key: (disk) => disk.target,
  parse: (at) => parseDisk(at)!,
  make: diskElement,
  edit: editDisk,
  changeable: ({ device, path, volume, format }) => (device === "cdrom" ? { path, volume, format } : {}),
  describe: (disk) => `disk ${disk.target} (${disk.volume?.name ?? disk.path ?? "no medium"})`,
};

export function convergeNics(
  connection: Connection,
  seen: DomainLook,
  wanted: readonly NicModel[],
  context: Context,
): Promise<boolean> {
  return converge(connection, seen, nicKind, wanted, context);
}

export function convergeDisks(
  connection: Connection,
  seen: DomainLook,
  wanted: readonly DiskModel[],
  context: Context,
): Promise<boolean> {
  return converge(connection, seen, diskKind, wanted, context);
}

/** Plugs devices of one kind out, in, and over; returns whether any was. */
async function converge<Model>(
  connection: Connection,
  seen: DomainLook,
  kind: DeviceKind<Model>,
  wanted: readonly Model[],
  context: Context,
): Promise<boolean> {
  const live = kind.index(child(seen.live!.root, "devices"));
  const config = kind.index(child(seen.config.root, "devices"));
  const surplus = [...live].filter(([name]) => !wanted.some((model) => kind.key(model) === name));
  // Guests let go one by one at their own pace; all are asked at once.
  await Promise.all(
    surplus.map(([name, at]) =>
      detach(connection, seen, serialize(at), flagsWhere(config.has(name)), {
        label: kind.describe(kind.parse(at)),
        present: (devices) => kind.index(devices).has(name),
      }),
    ),
  );
  let changed = surplus.length > 0;
  for (const model of wanted) {
    const at = live.get(kind.key(model));
    if (!at) await attach(connection, seen, kind, model, config.has(kind.key(model)));
    else if (!(await change(connection, seen, kind, model, at, config.get(kind.key(model)), context))) continue;
    changed = true;
  }
  return changed;
}

/** A device's place is the same in the running guest and in its configuration when one call changes both. */
export function flagsWhere(inConfig: boolean): number {
  return VIR_DOMAIN_AFFECT_LIVE | (inConfig ? VIR_DOMAIN_AFFECT_CONFIG : 0);
}

export async function attach<Model>(
  connection: Connection,
  seen: DomainLook,
  kind: DeviceKind<Model>,
  model: Model,
  inConfig: boolean,
): Promise<void> {
  try {
    await connection.domainAttachDeviceFlags(seen.domain, serialize(kind.make(model)), flagsWhere(!inConfig));
  } catch (cause) {
    const reason = (cause as Error).message.trim();
    throw new OperatorError(`cannot plug in ${kind.describe(model)}: ${reason}`, {
      fix: 'correct what libvirt names; a guest without a free PCIe port takes the device when it is off: set state: "shutoff", then "running"',
      cause,
    });
  }
}

/** Changes a device that is plugged in; false where nothing can or need be changed now. */
async function change<Model>(
  connection: Connection,
  seen: DomainLook,
  kind: DeviceKind<Model>,
  model: Model,
  at: Element,
  configured: Element | undefined,
  context: Context,
): Promise<boolean> {
  const present = kind.parse(at, configured);
  if (sameValue(present, model)) return false;
  if (sameValue(kind.changeable(present), kind.changeable(model))) {
    context.progress(`${kind.describe(model)}: the rest of its changes take effect when the guest is started next`);
    return false;
  }
  const made = (configured ?? at).cloneNode(true) as Element;
  // What is plugged in stays what it is in all that cannot change.
  kind.edit(made, { ...present, ...(kind.changeable(model) as Partial<Model>) });
  try {
    await connection.domainUpdateDeviceFlags(seen.domain, serialize(made), flagsWhere(configured !== undefined));
  } catch (cause) {
    throw new OperatorError(`cannot change ${kind.describe(model)}: ${(cause as Error).message.trim()}`, { cause });
  }
  return true;
}
