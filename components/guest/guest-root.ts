import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { CloudInitSeed } from "../../providers/resources/cloud-init-seed";
import type { DomainArgs } from "../../providers/resources/domain";
import { RootFilesystem } from "../../providers/resources/root-filesystem";
import { Volume } from "../../providers/resources/volume";
import { withDriver } from "../../providers/schema/connection";
import { rootInit } from "../../providers/schema/root-filesystem";
import type { Guest, GuestArgs } from "./guest";

/** What a guest boots, in its domain's words. */
type Booted = Partial<DomainArgs> & { connection: string };

/** The disks of a virtual machine, the first on top of its image, and the image's kernel. */
export function machineRoot(
  guest: Guest,
  { host, image, disk, disks, cmdline, disruption }: GuestArgs,
  seed: CloudInitSeed | undefined,
): Booted {
  const { connection } = host;
  const root =
    image &&
    new Volume(
      `${guest.name}-root`,
      {
        connection,
        pool: host.pool(disk?.pool).name,
        name: image.path.apply((path) => `${guest.name}-${digest(path)}.qcow2`),
        capacity: disk?.size,
        backing: { path: image.path, format: "qcow2" },
        retain: "delete",
        disruption: disruption ?? "reboot",
      },
      { parent: guest },
    );
  const data = Object.entries(disks ?? {}).map(
    ([label, { size, pool, retain }]) =>
      new Volume(
        `${guest.name}-${label}`,
        { connection, pool: host.pool(pool).name, name: `${guest.name}-${label}.qcow2`, capacity: size, retain },
        { parent: guest },
      ),
  );
  return {
    connection,
    // By name, which is known at preview also where the volume is about to change.
    disks: [
      ...[...(root ? [root] : []), ...data].map(({ pool, name }) => ({ volume: { pool, name } })),
      // No CD-ROM: kernels that are made for clouds may know virtio alone. cloud-init looks for its label.
      ...(seed ? [{ path: seed.path, format: "raw" as const, readonly: true }] : []),
    ],
    ...(image?.kernel && {
      kernel: image.kernel,
      initrd: image.initrd,
      cmdline: pulumi.interpolate`${image.cmdline} systemd.hostname=${guest.name}${cmdline ? ` ${cmdline}` : ""}`,
    }),
  };
}

/** The root folder of a container, a copy of its image. */
export function containerRoot(guest: Guest, { host, image, dns, idmap, disruption }: GuestArgs): Booted {
  const root = new RootFilesystem(
    `${guest.name}-root`,
    {
      machine: host.machine,
      directory: host.filesystems,
      name: image!.path.apply((path) => `${guest.name}-${digest(path)}`),
      source: image!.path,
      hostname: guest.name,
      dns,
      idmap,
      retain: "delete",
      disruption: disruption ?? "reboot",
    },
    { parent: guest },
  );
  return {
    connection: withDriver(host.connection, "lxc"),
    host: host.machine,
    // By name, which is known at preview also where the folder is about to change.
    root: pulumi.interpolate`${host.filesystems}/${root.name}`,
    init: rootInit,
  };
}

/** One image, one name: a disk or folder on a new image is made beside the old one, which goes when the guest has moved. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
