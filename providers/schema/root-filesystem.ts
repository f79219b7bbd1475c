import * as v from "valibot";
import { address } from "./address";
import { imageDirectory, imageHost } from "./image";
import { absolutePath, hostName, objectName } from "./name";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

/** Where a root folder has the first program of its container. */
export const rootInit = "/usr/lib/pulumi-kvm/init";

/** Where the users of a container are on the host: 0 is `start`, and there are `count` of them. */
export const idmapSchema = strict({
  start: wholeNumber(65536, 2 ** 31),
  count: v.optional(wholeNumber(1, 2 ** 31), 65536),
});

export type IdmapInputs = v.InferOutput<typeof idmapSchema>;

/** The root folder of a container. */
export const rootFilesystemSchema = v.pipe(
  strict({
    machine: imageHost,
    directory: v.optional(imageDirectory, "/var/lib/libvirt/filesystems"),
    name: objectName,
    /** Who makes it: project, stack and resource. */
    owner: v.optional(v.string()),
    source: v.pipe(
      absolutePath,
      v.check(
        (path) => path.replace(/\/+$/, "") !== "",
        () => "the host's own root cannot be copied. Allowed: the folder of a system, or an archive of one",
      ),
      v.transform((path) => path.replace(/\/+$/, "")),
    ),
    hostname: v.optional(hostName),
    dns: v.optional(v.array(address)),
    idmap: v.optional(idmapSchema),
    retain: v.optional(v.picklist(["refuse", "keep", "delete"]), "refuse"),
    disruption: v.optional(v.picklist(["live", "reboot", "replace"])),
  }),
  v.transform(({ dns = [], ...given }) => ({
    ...given,
    hostname: given.hostname ?? given.name,
    ...(dns.length > 0 && { dns }),
  })),
);

export type RootFilesystemInputs = v.InferOutput<typeof rootFilesystemSchema>;
