import * as v from "valibot";
import { parseAddress, parsePrefix } from "./address";

/** A text that no server's configuration reads as anything but itself, once it is in quotes. */
function safe(what: string, allowed: string, pattern: RegExp) {
  const complaint = (issue: { input: unknown }) => `${JSON.stringify(issue.input)} is not ${what}. Allowed: ${allowed}`;
  return v.pipe(v.string(complaint), v.regex(pattern, complaint));
}

const pathCharacters = "letters, digits and . _ ~ % ! & + , = : @ - between slashes";

/** The path of a URL, as browsers send it: "/shop", "/a%20b". */
export const urlPath = safe("a path", `"/", then ${pathCharacters}`, /^\/[A-Za-z0-9._~%!&+,=:@/-]*$/);

/** A path, or all that begin with one: "/old", "/docs/*". */
export const pathPattern = safe(
  "a path or a beginning of paths",
  `"/old", or "/docs/*" for all below; ${pathCharacters}`,
  /^\/[A-Za-z0-9._~%!&+,=:@/-]*(\/\*)?$/,
);

/** Where a redirect leads to: a path or a URL, with "*" at its end for the rest of the path. */
export const redirectTarget = safe(
  "a place to go to",
  `"/new", "https://www.example.org/", and "*" at the end for the rest of the path`,
  /^(\/|https?:\/\/[A-Za-z0-9.:[\]-]+(\/|$))[A-Za-z0-9._~%!&+,=:@/?#-]*\*?$/,
);

/** Where a rewrite leads to: a path, with "*" at its end for the rest. */
export const rewriteTarget = safe(
  "a path to serve instead",
  `"/new", and "*" at the end for the rest of the path; ${pathCharacters}`,
  /^\/[A-Za-z0-9._~%!&+,=:@/-]*\*?$/,
);

/** A site's name: a host, or all hosts of a domain: "www.example.org", "*.example.org". */
export const siteName = v.pipe(
  safe(
    "a site's name",
    '"www.example.org", or "*.example.org" for all hosts of a domain',
    /^(?=.{1,253}$)(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
  ),
  v.toLowerCase(),
);

/** A file's name below a site's root, without folders. */
export const indexName = safe("a file's name", "letters, digits and . _ -", /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/);

export const headerName = safe("a header's name", "letters, digits and -", /^[A-Za-z][A-Za-z0-9-]*$/);

/** What a header says: one line, without what servers' configurations would take for something else. */
export const headerValue = safe("a header's value", `one line without " \\ $ and %`, /^[^\n\r"\\$%\0]*$/);

/** A name that is shown to people: of a realm. */
export const shownName = safe("a name", `one line without " \\ $ and %`, /^[^\n\r"\\$%\0]+$/);

/** A cookie's name (RFC 6265), so that it is a variable's as well. */
export const cookieName = safe("a cookie's name", "letters, digits and _", /^[A-Za-z_][A-Za-z0-9_]*$/);

/** A user's name for basic authentication (RFC 7617): no colon. */
export const userName = safe("a user's name", "letters, digits and . _ @ + -", /^[A-Za-z0-9._@+-]+$/);

/** An address, or all of a subnet. */
export const source = v.pipe(
  v.string(),
  v.check(
    (text) => parseAddress(text) !== undefined || parsePrefix(text) !== undefined,
    (issue) =>
      `${JSON.stringify(issue.input)} is no address and no subnet. Allowed: e.g. "192.0.2.1", "192.168.155.0/24" or "2001:db8::/64"`,
  ),
);

/** A host name or an address, without brackets and port. */
export const serverAddress = v.pipe(
  v.string(),
  v.check(
    (text) => parseAddress(text) !== undefined || /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text),
    (issue) =>
      `${JSON.stringify(issue.input)} is no address and no host name. Allowed: e.g. "192.0.2.1", "2001:db8::1" or "app.example.org"`,
  ),
);
