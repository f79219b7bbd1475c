import * as v from "valibot";

/** A DHCPv6 client's own id (DUID, RFC 8415): hex bytes with colons, lower case. */
export const clientId = v.pipe(
  v.string(),
  v.regex(
    /^[0-9a-f]{1,2}(:[0-9a-f]{1,2})*$/i,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a DHCPv6 client id. Allowed: hex bytes with colons, e.g. "0:3:0:1:52:54:0:6b:3c:58"`,
  ),
  v.transform((text) => text.toLowerCase()),
);
