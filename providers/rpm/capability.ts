import { OperatorError } from "../dynamic/errors";

/** By number (linux/capability.h). */
const names = (
  "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service " +
  "net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin " +
  "sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override " +
  "mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split(" ");

const revision2 = 0x02000000;
const effectiveBit = 1;

/**
 * The value of the attribute security.capability for a text as RPM headers have it, "cap_net_raw,cap_net_admin=ep"
 * (cap_from_text(3); capabilities(7) for the value: struct vfs_cap_data of version 2).
 */
export function fileCapabilities(text: string): Buffer {
  const sets = { p: 0n, i: 0n, e: 0n };
  for (const clause of text.trim().split(/\s+/)) {
    const [, list, actions] = /^([a-z0-9_,]*)((?:[=+-][epi]*)+)$/i.exec(clause) ?? [];
    if (actions === undefined) throw unknown(text);
    const bits = capabilities(list!, text);
    for (const [, operator, flags] of actions.matchAll(/([=+-])([epi]*)/g))
      for (const flag of ["e", "p", "i"] as const) {
        if (operator === "=" || (operator === "-" && flags!.includes(flag))) sets[flag] &= ~bits;
        if (operator !== "-" && flags!.includes(flag)) sets[flag] |= bits;
      }
  }
  const value = Buffer.alloc(20);
  value.writeUInt32LE(revision2 | (sets.e === 0n ? 0 : effectiveBit), 0);
  [sets.p, sets.i].forEach((set, at) => {
    value.writeUInt32LE(Number(set & 0xffffffffn), 4 + at * 4);
    value.writeUInt32LE(Number(set >> 32n), 12 + at * 4);
  });
  return value;
}

function capabilities(list: string, text: string): bigint {
  if (list === "" || list.toLowerCase() === "all") return (1n << BigInt(names.length)) - 1n;
  return list.split(",").reduce((bits, name) => {
    const number = names.indexOf(name.toLowerCase().replace(/^cap_/, ""));
    if (number < 0) throw unknown(text);
    return bits | (1n << BigInt(number));
  }, 0n);
}

function unknown(text: string): OperatorError {
  return new OperatorError(`has a file with capabilities that are not known: ${JSON.stringify(text)}`, {
    fix: "set setuid: false to leave them out",
  });
}
