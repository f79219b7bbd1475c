import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { assertAccepted, computeOutputs, find, ofKind, valueOf } from "../components/mocks";
import { environment } from "./environment";

const real = {
  "datacenter:kvm1-connection": "qemu+ssh://root@kvm1/system",
  "datacenter:kvm2-connection": "qemu+ssh://root@kvm2/system",
};

describe("the stack datacenter-pair", () => {
  before(computeOutputs);
  afterEach(() => pulumi.runtime.setAllConfig({}));

  for (const [guests, kind, root] of [
    ["containers", "lxc", "RootFilesystem"],
    ["vms", "qemu", "Volume"],
  ] as const)
    it(`is two hosts on one LAN, each with a web server: ${guests}`, async () => {
      const { made, outputs } = await environment("datacenter-pair", { ...real, "datacenter:guests": guests });
      assertAccepted(made);
      for (const [at, name] of ["kvm1", "kvm2"].entries()) {
        const bridge = find("LinuxBridge", `${name}-br0`, made).inputs;
        assert.deepEqual(bridge["addresses"], [`192.168.155.${32 + at}/24`, `fd00:155::${32 + at}/64`]);
        assert.deepEqual(bridge["machine"], { kind: "ssh", host: name, user: "root" });
        const { inputs } = find("Domain", `${name}-web`, made);
        assert.deepEqual([inputs["kind"] ?? "qemu", inputs["connection"]], [kind, `${kind}+ssh://root@${name}/system`]);
        const { filter: _filter, ...nic } = inputs["nics"][0];
        assert.deepEqual(nic, {
          ...{ bridge: "br0", gateway: "192.168.155.1" },
          addresses: [`192.168.155.${50 + at}/24`, `fd00:155::${50 + at}/64`],
        });
        assert.match(find("File", `${name}-page`, made).inputs["content"], new RegExp(`<h1>${name}</h1>`));
        assert.ok(find("Service", `${name}-nginx`, made).dependencies.includes(`File ${name}-page`));
      }
      const macs = ofKind("NetworkFilter", made).map(({ inputs }) => inputs["name"]);
      assert.equal(new Set(macs).size, 2, "no address twice on the LAN");
      assert.equal(ofKind(root, made).length, 2);
      const urls = await valueOf(pulumi.output(outputs["urls"] as never));
      assert.deepEqual(urls, ["http://192.168.155.50/", "http://192.168.155.51/"]);
    });

  it("wants a lab of two hosts, or both named", async () => {
    const { "datacenter:kvm2-connection": _other, ...one } = real;
    await assert.rejects(environment("datacenter-pair", { ...one, "datacenter:lab": "no-such-lab" }), {
      message: /^there is no lab "no-such-lab"/,
    });
  });
});
