import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { absolutePath } from "./name";
import { strict } from "./strict";

/** The machine that keeps image files: this one, or another over ssh. */
export const imageHost: v.GenericSchema<unknown, MachineSpec> = v.variant(
  "kind",
  [
    strict({ kind: v.literal("local") }),
    strict({
      kind: v.literal("ssh"),
      host: v.string(),
      user: v.optional(v.string()),
      port: v.optional(v.number()),
      sudo: v.optional(v.boolean()),
      options: v.optional(v.record(v.string(), v.string())),
    }),
  ],
  'is not a host. Allowed: { kind: "local" } or { kind: "ssh", host: ... }',
);

/** The folder that image files are kept in. */
export const imageDirectory = v.pipe(
  absolutePath,
  v.check(
    (path) => !/^(\/|\/dev(\/.*)?|\/proc(\/.*)?|\/sys(\/.*)?)$/.test(path),
    (issue) => `${issue.input} cannot hold images. Allowed: a folder on a disk, e.g. "/var/lib/libvirt/images"`,
  ),
  v.transform((path) => path.replace(/\/+$/, "")),
);
