import assert from "node:assert/strict";
import * as v from "valibot";
import { schemas } from "../../../providers/handlers";
import { datacenter, dev, fifty, twoHosts } from "./states";

describe("the states of the topology's tests", () => {
  for (const [name, make] of Object.entries({ dev, datacenter, twoHosts, fifty }))
    it(`${name} says what handlers take`, () => {
      const complaints = make().resources.flatMap(({ type, custom, inputs, urn }) => {
        const schema = custom ? schemas()[type.split(":").at(-1)!] : undefined;
        if (!schema || inputs?.["kind"] === "lxc") return [];
        const issues = v.safeParse(schema, inputs).issues ?? [];
        return issues.map((issue) => `${urn.split("::").at(-1)}: ${v.getDotPath(issue)}: ${issue.message}`);
      });
      assert.deepEqual(complaints, []);
    });
});
