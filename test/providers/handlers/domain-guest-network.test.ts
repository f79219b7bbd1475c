import assert from "node:assert/strict";
import { fixedAddressProblems, giveAddresses, withAddresses } from "../../../providers/handlers/domain-guest-network";
import type { DomainLook } from "../../../providers/handlers/domain-look";
import { domainSchema, type DomainInputs } from "../../../providers/schema/domain";
import { parsed } from "../schema/parse";
import { fakeConnection } from "./fake-connection";
import { FakeContext } from "./fake-context";

const nic = { network: "lan", addresses: ["10.0.0.5/24"] };
const guest = (more: object): DomainInputs => parsed(domainSchema, { name: "web", memory: "1GiB", ...more });
const domain = { name: "web", uuid: "", id: 1 };

describe("the addresses of a machine", () => {
  it("are asked of nobody where there are none, no agent, or the guest is off", async () => {
    const connection = fakeConnection({});
    const off = { agent: true, timeout: "5m" };
    for (const inputs of [
      guest({ nics: [{ network: "lan" }], ready: off }),
      guest({ nics: [nic], agent: false }),
      guest({ nics: [nic], state: "shutoff" }),
    ]) {
      await giveAddresses(connection, domain, inputs, undefined, new FakeContext());
      const seen = { domain, power: inputs.state } as DomainLook;
      assert.deepEqual(await withAddresses(connection, seen, inputs, inputs.nics!, new FakeContext()), inputs.nics);
    }
  });

  it("are taken as declared while its agent does not tell", async () => {
    const connection = fakeConnection({
      domainQemuAgentCommand: () => {
        throw new Error("busy");
      },
    });
    const inputs = guest({ nics: [nic], ready: { agent: true } });
    const seen = { domain, power: "running" } as DomainLook;
    assert.deepEqual(await withAddresses(connection, seen, inputs, inputs.nics!, new FakeContext()), [nic]);
  });

  it("are not promised where nobody would change them", () => {
    const olds = guest({ nics: [nic, { network: "dmz" }], agent: false });
    const other = { ...nic, addresses: ["10.0.0.6/24"] };
    const fields = (nics: object[], more: object = { agent: false }) =>
      fixedAddressProblems(guest({ nics, ...more }), olds).map(({ field }) => field);
    assert.deepEqual(fields([nic, { network: "dmz" }]), []);
    assert.deepEqual(fields([nic, { network: "lan" }]), [], "moved, and as little addressed as before");
    assert.deepEqual(fields([other, { network: "dmz" }]), ["nics.0"]);
    assert.deepEqual(fields([nic, { network: "dmz", addresses: ["10.1.0.1/24"] }]), ["nics.1"]);
    assert.deepEqual(fields([nic, { network: "dmz" }, other]), ["nics.2"]);
    assert.deepEqual(fields([{ network: "lan" }]), ["nics.0"]);
    assert.deepEqual(fields([other], { ready: { agent: true } }), []);
    assert.deepEqual(fixedAddressProblems(olds, undefined), []);
    const [problem] = fixedAddressProblems(guest({ nics: [other], agent: false }), olds);
    assert.equal(
      problem!.reason,
      "the guest has the addresses on network lan from its image or its first boot, and there is no agent to change them. Fix: install qemu-guest-agent in it and say ready: { agent: true } without agent: false; or make another guest",
    );
  });
});
