import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { imageDirectory, imageHost } from "./image";
import { hostName, objectName } from "./name";
import { strict } from "./strict";

export interface CloudInitSeedInputs {
  machine: MachineSpec;
  directory: string;
  name: string;
  instanceId: string;
  hostname?: string;
  userData?: string;
  networkConfig?: string;
}

/** Text as it is; an object as JSON, which is YAML too. No message shows what it got: it may be a secret. */
function document(prefix: string) {
  return v.pipe(
    v.custom<string | object>(
      (given) => typeof given === "string" || (typeof given === "object" && given !== null),
      "is neither text nor an object",
    ),
    v.transform((given) => (typeof given === "string" ? given : `${prefix}${JSON.stringify(given, undefined, 2)}\n`)),
  );
}

const userData = v.pipe(
  document("#cloud-config\n"),
  v.check(
    (text) => /^(#|Content-Type:|MIME-Version:|From |## template:)/i.test(text),
    'has no first line that cloud-init knows. Allowed: "#cloud-config", "#!/bin/sh", "#include", a MIME message, or an object',
  ),
);

/** What cloud-init finds on a guest's NoCloud seed. */
export const cloudInitSeedSchema: v.GenericSchema<unknown, CloudInitSeedInputs> = v.pipe(
  strict({
    machine: imageHost,
    directory: imageDirectory,
    name: objectName,
    instanceId: v.optional(objectName),
    hostname: v.optional(hostName),
    userData: v.optional(userData),
    networkConfig: v.optional(document("")),
  }),
  v.transform((given) => ({ ...given, instanceId: given.instanceId ?? given.name })),
);
