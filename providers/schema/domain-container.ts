import * as v from "valibot";
import { imageHost } from "./image";
import { absolutePath } from "./name";
import { idmapSchema } from "./root-filesystem";
import { shorthand } from "./shorthand";
import { bytes, size } from "./size";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

/** The capabilities that libvirt knows (https://libvirt.org/formatdomain.html#container-configuration). */
export const capabilityNames = [
  ...["audit_control", "audit_write", "block_suspend", "chown", "dac_override", "dac_read_search", "fowner", "fsetid"],
  ...["ipc_lock", "ipc_owner", "kill", "lease", "linux_immutable", "mac_admin", "mac_override", "mknod", "net_admin"],
  ...["net_bind_service", "net_broadcast", "net_raw", "setgid", "setfcap", "setpcap", "setuid", "sys_admin"],
  ...["sys_boot", "sys_chroot", "sys_module", "sys_nice", "sys_pacct", "sys_ptrace", "sys_rawio", "sys_resource"],
  ...["sys_time", "sys_tty_config", "syslog", "wake_alarm"],
] as const;

const capability = v.picklist(capabilityNames);

const kibibytes = v.pipe(
  size,
  v.check(
    (text) => bytes(text) > 0 && bytes(text) % 1024 === 0,
    (issue) => `${JSON.stringify(issue.input)} is not a multiple of 1KiB`,
  ),
);

const deviceNode = v.pipe(
  absolutePath,
  v.regex(
    /^\/dev\/[^/]/,
    (issue) => `${JSON.stringify(issue.input)} is not a device. Allowed: a path below /dev, e.g. "/dev/net/tun"`,
  ),
);

const text = v.pipe(
  v.string(),
  v.regex(
    /^[^\p{Cc}]*$/u,
    (issue) => `${JSON.stringify(issue.input)} has control characters. Allowed: one line of text`,
  ),
);

/** A program, alone or with its arguments. */
const argv = v.pipe(
  shorthand<string | string[]>(absolutePath, v.tupleWithRest([absolutePath], text)),
  v.transform((given) => [given].flat()),
);

/** The fields that only a container has. */
export const containerFields = {
  host: v.optional(imageHost),
  root: v.optional(absolutePath),
  mounts: v.optional(
    v.array(strict({ source: absolutePath, target: absolutePath, readonly: v.optional(v.boolean(), false) })),
  ),
  init: v.optional(argv),
  initEnv: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.regex(
          /^[A-Za-z_][A-Za-z0-9_]*$/,
          (issue) => `${JSON.stringify(issue.input)} is not a variable. Allowed: letters, digits and "_"`,
        ),
      ),
      // libvirt writes them into its own file as they are.
      v.pipe(
        text,
        v.regex(
          /^[^&<>]*$/,
          (issue) => `${JSON.stringify(issue.input)} cannot be kept by libvirt. Allowed: no "&", "<", ">"`,
        ),
      ),
    ),
  ),
  idmap: v.optional(idmapSchema),
  capabilities: v.optional(
    strict({
      policy: v.optional(v.picklist(["default", "allow", "deny"]), "default"),
      add: v.optional(v.array(capability)),
      drop: v.optional(v.array(capability)),
    }),
  ),
  devices: v.optional(v.array(deviceNode)),
  memtune: v.optional(strict({ softLimit: v.optional(kibibytes), swapHardLimit: v.optional(kibibytes) })),
  cputune: v.optional(
    strict({
      shares: v.optional(wholeNumber(2, 262144)),
      // Microseconds (https://libvirt.org/formatdomain.html#cpu-tuning).
      quota: v.optional(wholeNumber(1000, Number.MAX_SAFE_INTEGER)),
      period: v.optional(wholeNumber(1000, 1000000)),
    }),
  ),
};
