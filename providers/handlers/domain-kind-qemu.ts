import { acceleration } from "../libvirt/accelerator";
import {
  VIR_DOMAIN_DESTROY_GRACEFUL,
  VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
  VIR_DOMAIN_UNDEFINE_MANAGED_SAVE,
  VIR_DOMAIN_UNDEFINE_NVRAM,
  VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
} from "../libvirt/constants";
import { vncPort } from "../libvirt/xml/domain-console";
import { removeConsoleLog } from "./domain-console-log";
import { giveAddresses, withAddresses } from "./domain-guest-network";
import type { DomainKind } from "./domain-kind";
import { convergeLive } from "./domain-live";
import { newModel, wantedModel } from "./domain-model";
import { machineInWords } from "./domain-observe";
import { machineFacts } from "./domain-outputs";
import { start, undefine } from "./domain-power";
import { machineProblems } from "./domain-problems";
import { waitUntilReady } from "./domain-ready";

const undefineEverything =
  VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
  VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
  VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA |
  VIR_DOMAIN_UNDEFINE_NVRAM;

/** Virtual machines under QEMU. */
export const qemuKind: DomainKind = {
  async accelerator(connection, { accelerator = "auto" }, context) {
    if (accelerator !== "auto") return accelerator;
    return (await acceleration(connection, (message) => context.progress(message))).accelerator;
  },
  newModel: (inputs, accelerator, paths) => newModel(inputs, accelerator ?? "tcg", paths),
  wantedModel,
  inWords: machineInWords,
  live: ["memory", "maxMemory", "vcpus", "maxVcpus", "title", "description", "disks", "nics"],
  convergeLive: (connection, seen, wanted, declares, _inputs, context) =>
    convergeLive(connection, seen, wanted, declares, context),
  rename: async (connection, { domain }, name) => void (await connection.domainRename(domain, name)),
  start: (connection, domain, power) => start(connection, domain, power),
  // QEMU writes out what it holds of the disks before it ends. NVRAM, saved state and what libvirt notes of snapshots go.
  remove: (connection, domain) => undefine(connection, domain, VIR_DOMAIN_DESTROY_GRACEFUL, undefineEverything),
  cleanUp: (state, context) => removeConsoleLog(state, context),
  outputs: ({ config, live }) => ({
    acceleratorInUse: config.model.type === "kvm" ? "kvm" : "tcg",
    vncPort: live && vncPort(live.root),
  }),
  problems: machineProblems,
  waitUntilReady,
  giveAddresses,
  withAddresses,
  facts: machineFacts,
};
