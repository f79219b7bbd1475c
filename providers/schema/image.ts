import * as v from "valibot";
import { machineSpec } from "./machine";
import { absolutePath } from "./name";

/** The machine that keeps image files: this one, or another over ssh. */
export const imageHost = v.pipe(
  machineSpec,
  v.check(
    ({ kind }) => kind === "local" || kind === "ssh",
    (issue) =>
      `${JSON.stringify(issue.input)} keeps no images. Allowed: a host, { kind: "local" } or { kind: "ssh", host }`,
  ),
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
