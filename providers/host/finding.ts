/** Something about a host that keeps an environment from working ("error") or may do so ("warning"). */
export interface Finding {
  level: "error" | "warning";
  /** The input it is about. */
  field: "connection" | "machine" | "minimumLibvirt" | "subnets" | "directories" | "needs";
  /** What is wrong, the value got and what is allowed; one line without a full stop. */
  problem: string;
  /** What to do about it: an exact command where there is one, to be run on the host. */
  fix: string;
}

/** The finding in one line. */
export function describeFinding({ problem, fix }: Finding): string {
  return `${problem}. Fix: ${fix}`;
}
