import assert from "node:assert/strict";
import { ofKind, run } from "./mocks";
import * as pulumi from "@pulumi/pulumi";
import { File } from "../../providers/resources/file";

class Place extends pulumi.ComponentResource {
  readonly machine = { kind: "local" as const };
  readonly domain = new pulumi.ComponentResource("test:index:Domain", "domain");
}

describe("a resource on a machine", () => {
  it("takes what has a machine as its machine", async () => {
    const [file] = ofKind(
      "File",
      await run(() => new File("a", { machine: new Place("test:index:Place", "place"), path: "/a", content: "" })),
    );
    assert.deepEqual(file!.inputs["machine"], { kind: "local" });
  });

  it("takes a spec and an output of one", async () => {
    const spec = { kind: "local" } as const;
    const files = ofKind(
      "File",
      await run(() => [
        new File("b", { machine: spec, path: "/b", content: "" }),
        new File("c", { machine: pulumi.output(spec), path: "/c", content: "" }),
      ]),
    );
    for (const file of files) assert.deepEqual(file.inputs["machine"], spec);
    assert.equal(files.length, 2);
  });
});
