import * as v from "valibot";
import { bytes, size } from "./size";
import { strict } from "./strict";

/** libvirt counts in KiB. */
const kibibytes = v.pipe(
  size,
  v.check(
    (text) => bytes(text) > 0 && bytes(text) % 1024 === 0,
    (issue) => `${JSON.stringify(issue.input)} is not a multiple of 1KiB`,
  ),
);

/** Per second: `average` is kept in the long run, `peak` for as long as `burst` bytes last. */
const rate = strict({
  average: kibibytes,
  peak: v.optional(kibibytes),
  burst: v.optional(kibibytes),
});

/** Limits in both directions, as the guests see them. */
export const bandwidth = strict({ inbound: v.optional(rate), outbound: v.optional(rate) });

export type BandwidthInputs = v.InferOutput<typeof bandwidth>;
