import * as v from "valibot";
import { connectionUri } from "./connection";
import { absolutePath, objectName } from "./name";
import { strict } from "./strict";

/** One place for a pool's types, defaults and errors. */
export const storagePoolSchema = strict({
  connection: v.optional(connectionUri, "qemu:///system"),
  name: objectName,
  adopt: v.optional(v.string()),
  /** Who makes it; put in by the resource. */
  owner: v.optional(v.string()),
  type: v.optional(v.picklist(["dir"]), "dir"),
  // "/srv/images/" and "/srv//images" are "/srv/images" to libvirt.
  path: v.pipe(
    absolutePath,
    v.transform((path) => path.replace(/\/+/g, "/").replace(/(?<=.)\/$/, "")),
  ),
  build: v.optional(v.boolean(), true),
  autostart: v.optional(v.boolean(), true),
  active: v.optional(v.boolean(), true),
});

export type StoragePoolInputs = v.InferOutput<typeof storagePoolSchema>;
