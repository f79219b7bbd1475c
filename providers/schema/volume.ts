import * as v from "valibot";
import { connectionUri } from "./connection";
import { absolutePath, objectName } from "./name";
import { shorthand } from "./shorthand";
import { bytes, size } from "./size";
import { strict } from "./strict";

/** libvirt gives QEMU whole KiB: another size would never be what was asked for. */
const capacity = v.pipe(
  size,
  v.check(
    (text) => bytes(text) > 0 && bytes(text) % 1024 === 0,
    (issue) => `${JSON.stringify(issue.input)} is not a whole number of KiB. Allowed: e.g. "10GiB"`,
  ),
);

const imageFormat = v.picklist(["qcow2", "raw"]);

const fields = {
  connection: v.optional(connectionUri, "qemu:///system"),
  pool: objectName,
  name: v.pipe(
    v.string(),
    v.maxLength(
      200,
      (issue) => `${JSON.stringify(issue.input)} has ${issue.received} characters. Allowed: at most 200`,
    ),
    v.regex(
      /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/,
      (issue) =>
        `${JSON.stringify(issue.input)} is not a volume name. Allowed: letters, digits, "_", ".", "+" and "-", not beginning with "." or "-"`,
    ),
  ),
  adopt: v.optional(v.string()),
  capacity: v.optional(capacity),
  format: v.optional(imageFormat, "qcow2"),
  backing: v.optional(
    shorthand<{ path: string; format: "qcow2" | "raw" }>(
      v.pipe(
        absolutePath,
        v.transform((path) => ({ path, format: "qcow2" as const })),
      ),
      strict({ path: absolutePath, format: v.optional(imageFormat, "qcow2") }),
    ),
  ),
  source: v.optional(
    strict({
      path: v.pipe(v.string(), v.nonEmpty("is empty. Allowed: a path on the machine that runs pulumi")),
      sha256: v.optional(
        v.pipe(
          v.string(),
          v.regex(
            /^[0-9a-f]{64}$/i,
            (issue) => `${JSON.stringify(issue.input)} is not a SHA-256 digest. Allowed: 64 hex digits`,
          ),
          v.transform((digits) => digits.toLowerCase()),
        ),
      ),
    }),
  ),
  preallocation: v.optional(v.picklist(["off", "metadata", "full"]), "off"),
  retain: v.optional(v.picklist(["refuse", "keep", "delete"]), "refuse"),
  disruption: v.optional(v.picklist(["live", "reboot", "replace"])),
};

export type VolumeInputs = v.InferOutput<ReturnType<typeof strict<typeof fields>>>;

/** What is wrong with the fields taken together, and the field to blame. */
function complaint(inputs: VolumeInputs): [field: keyof VolumeInputs, message: string] | undefined {
  const { adopt, backing, source, format, preallocation } = inputs;
  if (backing && source) return ["source", "and backing exclude each other: an overlay starts empty. Fix: keep one"];
  if (backing && format === "raw")
    return ["format", '"raw" has no place for the name of a backing store. Fix: leave format out, qcow2 has'];
  if (inputs.capacity === undefined && !backing && !source && adopt === undefined)
    return ["capacity", 'is required where neither backing nor source has one. Allowed: e.g. "10GiB"'];
  if (preallocation !== "off" && (backing || source))
    return ["preallocation", "is for empty volumes. Fix: leave it out, or leave backing and source out"];
  if (preallocation === "metadata" && format === "raw")
    return ["preallocation", '"metadata" is for qcow2: a raw volume has none. Allowed: "off" or "full"'];
  return undefined;
}

/** One place for a volume's types, defaults and errors. */
export const volumeSchema = v.pipe(
  strict(fields),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value;
    const [key, message] = complaint(input) ?? [];
    if (key !== undefined)
      addIssue({ message: message!, path: [{ type: "object", origin: "value", input, key, value: input[key] }] });
  }),
);
