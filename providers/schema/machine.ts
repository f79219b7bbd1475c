import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { connectionUri } from "./connection";
import { strict } from "./strict";

const refusedOptions: { [option: string]: string[] } = { stricthostkeychecking: ["no", "off"] };

/** A host as ssh takes it: never something that reads as an option. */
const sshHost = v.pipe(
  v.string(),
  v.regex(
    /^[^\s-][^\s]*$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a host. Allowed: a name, an address, or an alias from ~/.ssh/config`,
  ),
);

const sshOptions = v.pipe(
  v.record(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9]+$/, "is not an option of OpenSSH. Allowed: names as in ssh_config(5)")),
    v.pipe(v.string(), v.regex(/^[^\n\0]*$/, "must be one line")),
  ),
  v.check(
    (options) =>
      !Object.entries(options).some(([name, value]) =>
        refusedOptions[name.toLowerCase()]?.includes(value.toLowerCase()),
      ),
    'StrictHostKeyChecking cannot be turned off. Allowed: "yes", "ask", or "accept-new" for a host not seen before',
  ),
);

const domain = { uri: connectionUri, domain: v.pipe(v.string(), v.nonEmpty()), name: v.optional(v.string()) };

/** A container is entered from its host, never through another guest. */
const lxcHost: v.GenericSchema<unknown, MachineSpec> = v.pipe(
  v.lazy(() => machineSpec),
  v.check(
    ({ kind }) => kind === "local" || kind === "ssh",
    (issue) =>
      `${JSON.stringify(issue.input)} has no containers. Allowed: a host, { kind: "local" } or { kind: "ssh", host }`,
  ),
);

/** Where commands run: this machine, another over ssh, a guest through its agent, a libvirt container. */
export const machineSpec: v.GenericSchema<unknown, MachineSpec> = v.variant(
  "kind",
  [
    strict({ kind: v.literal("local") }),
    strict({
      kind: v.literal("ssh"),
      host: sshHost,
      user: v.optional(v.pipe(v.string(), v.regex(/^[^\s-]\S*$/, "is not a user's name"))),
      port: v.optional(
        v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535, "is not a port. Allowed: 1 to 65535")),
      ),
      sudo: v.optional(v.boolean()),
      options: v.optional(sshOptions),
    }),
    strict({ kind: v.literal("agent"), ...domain }),
    strict({ kind: v.literal("lxc"), ...domain, host: v.optional(v.lazy(() => lxcHost)) }),
  ],
  (issue) =>
    `${JSON.stringify(issue.input)} is not a machine. Allowed: { kind: "local" }, { kind: "ssh", host }, { kind: "agent", uri, domain } or { kind: "lxc", uri, domain }`,
);
