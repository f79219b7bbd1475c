import * as v from "valibot";
import { repeated } from "./record";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

const tag = wholeNumber(1, 4094);

/** The VLANs of one port: of frames without a tag, and those that pass with theirs. */
export const portVlans = v.pipe(
  strict({
    untagged: v.optional(tag),
    tagged: v.optional(
      v.pipe(
        v.array(tag),
        v.transform((tags) => [...tags].sort((one, other) => one - other)),
      ),
    ),
  }),
  v.check(
    ({ untagged, tagged = [] }) => untagged !== undefined || tagged.length > 0,
    "names no VLAN. Allowed: untagged: 1 to 4094, tagged: a list of them, or both",
  ),
  v.check(
    ({ untagged, tagged = [] }) => repeated([...tagged, untagged]).length === 0,
    (issue) => `${JSON.stringify(issue.input)} names a VLAN twice. Fix: give each once, tagged or untagged`,
  ),
  v.transform(({ untagged, tagged = [] }) => ({
    ...(untagged !== undefined && { untagged }),
    ...(tagged.length > 0 && { tagged }),
  })),
);

export type PortVlansInputs = v.InferOutput<typeof portVlans>;
