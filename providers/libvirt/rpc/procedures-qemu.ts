import { QEMU, procedures, slow } from "./procedure";
import { domain as dom, optionalText, text } from "./wire-types";
import { flags, int } from "./xdr";

/** What only QEMU guests have: numbers and shapes of libvirt's qemu_protocol.x. */
export const qemu = procedures(QEMU, {
  domainQemuMonitorCommand: slow(1, { dom, cmd: text, flags }, { result: text }),
  domainQemuAgentCommand: slow(3, { dom, cmd: text, timeout: int, flags }, { result: optionalText }),
});
