import type { Preview, Step } from "../preview-report";
import type { Mark } from "./model";
import { stateResource, type RawResource, type StateResource } from "./state";

const marks: { [op: string]: Mark } = { create: "new", update: "changed", replace: "changed", delete: "removed" };

/**
 * The resources of a stack as they would be after a preview, each with what would be done with it. What would be removed
 * is still among them. A preview names not all that stays, so it is laid over the state as it is.
 */
export function plannedResources(now: readonly StateResource[], preview: Preview): StateResource[] {
  const planned = new Map(now.map((resource) => [resource.urn, resource]));
  for (const step of preview.steps ?? []) {
    const before = planned.get(step.urn);
    const after = step.newState && stateResource(rawResource(step));
    if (!(step.op in marks)) {
      if (!before && after) planned.set(step.urn, after);
    } else if (step.op === "delete") {
      if (before) planned.set(step.urn, { ...before, mark: "removed" });
    } else if (after) {
      // A guest's power follows what is declared from now on.
      const properties = { ...before?.properties, power: undefined, ...after.properties };
      planned.set(step.urn, { ...after, properties, mark: marks[step.op] });
    }
  }
  return [...planned.values()];
}

/** What is known of an object before it is changed are its inputs; its outputs are those of now. */
function rawResource({ urn, newState }: Step): RawResource {
  return { ...newState!, urn, outputs: {} };
}
