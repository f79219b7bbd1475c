import * as v from "valibot";
import { duration, milliseconds } from "./duration";
import { strict } from "./strict";
import { siteName } from "./web-values";

export interface SelfSignedCertificateInputs {
  names: string[];
  validity: string;
}

const shortest = milliseconds("1d");
const longest = milliseconds("3650d");

export const selfSignedCertificateSchema = strict({
  names: v.pipe(
    v.array(siteName),
    v.minLength(1, "is empty. Allowed: the names of the hosts that it is for"),
    v.maxLength(100, "has more than 100 names. Allowed: at most 100"),
  ),
  validity: v.optional(
    v.pipe(
      duration,
      v.check(
        (text) => !v.is(duration, text) || (milliseconds(text) >= shortest && milliseconds(text) <= longest),
        (issue) => `got ${JSON.stringify(issue.input)}. Allowed: "1d" to "3650d"`,
      ),
    ),
    "365d",
  ),
});
