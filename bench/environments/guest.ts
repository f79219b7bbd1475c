import { parse } from "valibot";
import { newModel } from "../../providers/handlers/domain-model";
import { domainXML } from "../../providers/libvirt/xml/domain";
import { domainSchema } from "../../providers/schema/domain";

export const uri = "qemu:///system";

/** MiB that a guest starts with, has after the change, and has room for. */
export const memory = { before: 64, after: 72, max: 128 };

export type PowerState = "running" | "paused";

/** What every guest is: one vCPU, emulated, no disk and no NIC. The firmware finds nothing to boot and halts. */
export function guestArgs(name: string, state: PowerState, mebibytes = memory.before) {
  return {
    name,
    memory: `${mebibytes}MiB`,
    maxMemory: `${memory.max}MiB`,
    machine: "pc",
    accelerator: "tcg",
    consoleLog: false,
    autostart: false,
    state,
  };
}

/** The document that pulumi-kvm makes of them. */
export function guestXML(name: string, state: PowerState, mebibytes = memory.before): string {
  const inputs = parse(domainSchema, guestArgs(name, state, mebibytes));
  return domainXML(newModel(inputs, "tcg", {}));
}
