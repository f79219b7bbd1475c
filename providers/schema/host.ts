import * as v from "valibot";
import { subnet4, subnet6 } from "./address";
import { connectionUri, machineOf } from "./connection";
import { imageHost } from "./image";
import { absolutePath, objectName } from "./name";
import { strict } from "./strict";

const subnet = v.lazy((text) => (typeof text === "string" && text.includes(":") ? subnet6 : subnet4));

const version = v.pipe(
  v.string(),
  v.regex(
    /^\d+(\.\d+){1,2}$/,
    (issue) => `${JSON.stringify(issue.input)} is not a version. Allowed: e.g. "8.0" or "8.0.0"`,
  ),
);

const fields = strict({
  connection: v.optional(connectionUri, "qemu:///system"),
  machine: v.optional(imageHost),
  subnets: v.optional(
    v.array(strict({ name: objectName, subnet, mode: v.optional(v.picklist(["nat", "route", "open", "isolated"])) })),
    [],
  ),
  needs: v.optional(
    strict({
      images: v.optional(v.boolean()),
      lxc: v.optional(v.boolean()),
      networkFilters: v.optional(v.boolean()),
    }),
    {},
  ),
  directories: v.optional(v.array(absolutePath)),
  minimumLibvirt: v.optional(version),
});

/** What the program says of a host. The machine and the folders follow from the connection where they are left out. */
export const hostSchema = v.pipe(
  fields,
  v.transform(({ machine, directories, ...inputs }) => ({
    ...inputs,
    machine: machine ?? machineOf(inputs.connection),
    directories: directories ?? (inputs.connection.endsWith("/system") ? ["/var/lib/libvirt/images"] : []),
  })),
);

export type HostInputs = v.InferOutput<typeof hostSchema>;
