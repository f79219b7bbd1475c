import assert from "node:assert/strict";
import { readState, stackOf } from "../../../scripts/topology/state";

const signature = "4dabf18193072939515e22adb298388d";
const secret = { [signature]: "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:abc" };
const shown = { [signature]: "1b47061264138c4ac30d75fd1eb44270", plaintext: '"hunter2"' };
const type = "pulumi-nodejs:dynamic/kvm:Domain";
const urn = `urn:pulumi:prod::site::pulumi-kvm:guest:Guest$${type}::web::1`;

function read(...resources: object[]) {
  return readState(JSON.stringify({ version: 3, deployment: { resources } }), "state.json");
}

describe("readState", () => {
  it("tells what a resource is, where it belongs, and its outputs over its inputs", () => {
    const resources = read({
      urn,
      type,
      custom: true,
      parent: "urn:parent",
      inputs: { name: "web", memory: "1GiB" },
      outputs: { name: "web", memory: "2GiB", ipv4: "192.0.2.1" },
    });
    assert.deepEqual(resources, [
      {
        urn,
        kind: "Domain",
        custom: true,
        name: "web::1",
        parent: "urn:parent",
        properties: { name: "web", memory: "2GiB", ipv4: "192.0.2.1" },
      },
    ]);
    assert.equal(stackOf(resources), "prod");
  });

  it("leaves secrets out, encrypted or shown, inside lists, and where a provider says them again", () => {
    const [resource] = read({
      urn,
      type,
      inputs: { title: secret, description: shown, nics: [{ network: "lab", mac: secret }], name: "web" },
      outputs: { title: "hunter2", nics: [{ network: "lab", mac: "hunter2" }], name: "web", uuid: "hunter2" },
      additionalSecretOutputs: ["uuid"],
    });
    assert.deepEqual(resource!.properties, {
      title: undefined,
      description: undefined,
      nics: [{ network: "lab", mac: undefined }],
      name: "web",
    });
  });

  it("leaves out what a preview does not know yet", () => {
    const [resource] = read({ urn, type, inputs: { ipv4: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" } });
    assert.deepEqual(resource!.properties, { ipv4: undefined });
  });

  it("passes over what is deleted as soon as its replacement is there", () => {
    assert.deepEqual(read({ urn, type, delete: true }), []);
  });

  it("takes a stack that was never brought up for an empty one", () => {
    for (const deployment of [null, {}, { resources: null }])
      assert.deepEqual(readState(JSON.stringify({ deployment }), "state.json"), []);
    assert.equal(stackOf([]), undefined);
  });

  it("refuses what is no exported state", () => {
    const fix = "Fix: give what `pulumi stack export` writes";
    assert.throws(() => readState("<svg/>", "a.svg"), { message: `a.svg: this is no JSON. ${fix}` });
    assert.throws(() => readState("{}", "b.json"), {
      message: `b.json: this is no exported state: deployment: Invalid key: Expected "deployment" but received undefined. ${fix}`,
    });
    assert.throws(() => read({ type }), {
      message: `state.json: this is no exported state: deployment.resources.0.urn: Invalid key: Expected "urn" but received undefined. ${fix}`,
    });
  });
});
