import { cleanUpContainer } from "./domain-lxc-clean-up";
import { containerFacts, waitForContainer } from "./domain-lxc-ready";
import type { DomainKind } from "./domain-kind";
import { convergeContainer } from "./domain-lxc-live";
import { containerInWords, newContainer, wantedContainer } from "./domain-lxc-model";
import { renameContainer, startContainer } from "./domain-lxc-power";
import { containerProblems, driverProblem } from "./domain-lxc-problems";
import { undefine } from "./domain-power";

/** Containers of libvirt's LXC driver. */
export const lxcKind: DomainKind = {
  accelerator: () => Promise.resolve(undefined),
  newModel: newContainer,
  wantedModel: wantedContainer,
  inWords: containerInWords,
  live: ["memory", "title", "description", "nics", "memtune", "cputune"],
  convergeLive: convergeContainer,
  rename: renameContainer,
  start: startContainer,
  remove: (connection, domain) => undefine(connection, domain, 0, 0),
  cleanUp: cleanUpContainer,
  outputs: () => ({}),
  driverProblem,
  problems: containerProblems,
  waitUntilReady: waitForContainer,
  facts: containerFacts,
};
