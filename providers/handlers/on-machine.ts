import type { Context, FieldChange, Verdict } from "../dynamic/contract";
import type { MachineSpec } from "../machine/machine";
import { machineKey } from "../machine/open-machine";
import { UnreachableError } from "../machine/unreachable-error";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What makes two specs the same machine, however it is reached: the ssh host, or the domain. */
function place(spec: MachineSpec): string {
  switch (spec.kind) {
    case "local":
      return machineKey(spec);
    case "ssh":
      return `ssh ${spec.host} ${spec.port ?? 22}`;
    default:
      return uuid.test(spec.domain) ? `domain ${spec.domain.toLowerCase()}` : `domain ${spec.domain} on ${spec.uri}`;
  }
}

/** The class of a change of `machine`: another way to the same machine is no work, another machine is a move. */
export function machineRule({ old, new: wanted }: FieldChange<{ machine: MachineSpec }>): Verdict {
  return place(old as MachineSpec) === place(wanted as MachineSpec)
    ? { disruption: "live", why: "the same machine, reached in another way" }
    : { disruption: "replace", why: "another machine" };
}

/**
 * What is on a machine; undefined when the machine is gone. One that cannot be reached is no drift: a refresh goes on
 * with the other objects, and says so.
 */
export async function lookOnMachine<State>(
  state: State,
  context: Context,
  look: () => Promise<State | undefined>,
): Promise<State | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (error.state === "gone") return undefined;
    context.progress(`not looked at, taken as it was last: ${error.message}`);
    return state;
  }
}

/** Undoes something on a machine. A machine that is gone or switched off must not hold up a destroy. */
export async function undoOnMachine(context: Context, undo: () => Promise<void>): Promise<void> {
  try {
    await undo();
  } catch (error) {
    if (!(error instanceof UnreachableError) || error.state === undefined) throw error;
    if (error.state === "off") context.progress(`left there, because the machine is off: ${error.message}`);
  }
}

/** Takes back what a failed creation began, even where it was stopped; what cannot be taken back hides no cause. */
export async function takeBack(context: Context, undo: (context: Context) => Promise<void>): Promise<void> {
  try {
    await undo({ ...context, signal: new AbortController().signal });
  } catch (error) {
    context.progress(
      `what was begun could not be taken back: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
