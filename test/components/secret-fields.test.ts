import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { File } from "../../providers/resources/file";
import { Network } from "../../providers/resources/network";
import { find, run } from "./mocks";

describe("what a program keeps secret", () => {
  it("is told to handlers by the names of its fields, however deep it is", async () => {
    const secret = pulumi.secret("hunter2");
    const machine = { kind: "local" } as const;
    const among = await run(() => {
      new File("plain", { machine, path: pulumi.output("/a"), content: Promise.resolve("text") });
      new File("late", { machine, path: "/b", content: pulumi.interpolate`password ${secret}` });
      new Network("deep", {
        name: "deep",
        dnsTxt: [{ name: "key", value: secret }],
        domain: pulumi.output({ name: secret }),
      });
    });
    assert.equal(find("File", "plain", among).secretFields, undefined);
    assert.deepEqual(find("File", "late", among).secretFields, ["content", "sha256"]);
    assert.deepEqual(find("Network", "deep", among).secretFields, ["dnsTxt", "domain"]);
  });
});
