import assert from "node:assert/strict";
import type { Step } from "../../../scripts/preview-report";
import { plannedResources } from "../../../scripts/topology/planned";
import { readState, type StateResource } from "../../../scripts/topology/state";
import { dev } from "./states";

const type = "pulumi-nodejs:dynamic/kvm:Domain";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function urn(name: string): string {
  return `urn:pulumi:lab::pulumi-kvm::pulumi-kvm:guest:Guest$${type}::${name}`;
}

function step(op: string, name: string, inputs?: object): Step {
  return { op, urn: urn(name), ...(inputs && { newState: { type, custom: true, inputs: { ...inputs } } }) };
}

function planned(...steps: Step[]): Map<string, StateResource> {
  const resources = plannedResources(readState(dev().text(), "test"), { steps });
  return new Map(resources.filter(({ kind }) => kind === "Domain").map((resource) => [resource.name, resource]));
}

describe("plannedResources", () => {
  it("adds what is new, and keeps what a preview does not name", () => {
    const guests = planned(step("create", "dev-db", { name: "dev-db", uuid: unknown, nics: [{ network: "dev" }] }));
    assert.deepEqual([...guests.keys()], ["dev-app", "dev-web", "dev-db"]);
    assert.equal(guests.get("dev-app")!.mark, undefined);
    assert.equal(guests.get("dev-db")!.mark, "new");
    assert.equal(guests.get("dev-db")!.properties["uuid"], undefined);
  });

  it("lays new inputs over what is there, for updates and replacements", () => {
    const guests = planned(
      step("update", "dev-app", { memory: "1GiB" }),
      step("create-replacement", "dev-web", { memory: "2GiB" }),
      step("replace", "dev-web", { memory: "2GiB" }),
      step("delete-replaced", "dev-web"),
    );
    for (const [name, memory] of [
      ["dev-app", "1GiB"],
      ["dev-web", "2GiB"],
    ] as const) {
      const { mark, properties } = guests.get(name)!;
      assert.deepEqual([mark, properties["memory"], properties["nics"]], ["changed", memory, [{ network: "dev" }]]);
    }
  });

  it("expects of a changed guest the power that is declared", () => {
    const resources = readState(dev().text(), "test").map((each) => ({
      ...each,
      properties: { ...each.properties, power: "running" },
    }));
    const [app] = plannedResources(resources, { steps: [step("update", "dev-app", { state: "shutoff" })] }).filter(
      ({ name, custom }) => name === "dev-app" && custom,
    );
    assert.deepEqual([app!.properties["power"], app!.properties["state"]], [undefined, "shutoff"]);
  });

  it("keeps what is removed, with a mark", () => {
    assert.equal(planned(step("delete", "dev-web")).get("dev-web")!.mark, "removed");
  });

  it("leaves alone what stays", () => {
    const before = readState(dev().text(), "test");
    assert.deepEqual(plannedResources(before, {}), before);
    const same = { op: "same", urn: before[0]!.urn, newState: { type: "pulumi:pulumi:Stack" } };
    assert.deepEqual(plannedResources(before, { steps: [same, step("refresh", "dev-web", {})] }), before);
    assert.equal(planned(step("same", "dev-late", { name: "dev-late" })).get("dev-late")!.mark, undefined);
  });
});
