import * as v from "valibot";

/**
 * The name of a libvirt object: what `virsh list` shows and a file name on the host, so without "/" and blanks.
 * libvirt itself refuses "/", a leading "." and control characters.
 */
export const objectName = v.pipe(
  v.string(),
  v.maxLength(63, (issue) => `${JSON.stringify(issue.input)} has ${issue.received} characters. Allowed: at most 63`),
  v.regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a name. Allowed: letters, digits, "_", ".", "+" and "-", not beginning with "." or "-"`,
  ),
);

/** A network interface of Linux: at most 15 bytes (IFNAMSIZ - 1), no "/" and no blanks. */
export const interfaceName = v.pipe(
  v.string(),
  v.regex(
    /^(?!\.{1,2}$)[^\s/:]{1,15}$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not an interface name. Allowed: 1 to 15 characters without blanks, "/" and ":"`,
  ),
);

/** A host name label or dotted name (RFC 1123). */
export const hostName = v.pipe(
  v.string(),
  v.regex(
    /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a host name. Allowed: labels of letters, digits and "-", joined by dots`,
  ),
);

/** An absolute path without "." and ".." parts. */
export const absolutePath = v.pipe(
  v.string(),
  v.regex(
    /^\/(?!.*\/\.{1,2}(\/|$))[^\0]*$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not an absolute path. Allowed: a path that begins with "/" and has no "." or ".." part`,
  ),
);
