import assert from "node:assert/strict";
import { classify } from "../../../providers/dynamic/diff";
import { NetworkHandler } from "../../../providers/handlers/network";
import { ConnectError } from "../../../providers/libvirt/errors";
import { networkXML } from "../../../providers/libvirt/xml/network";
import { networkSchema, type NetworkInputs } from "../../../providers/schema/network";
import { parsed } from "../schema/parse";
import { fakeConnection, missing } from "./fake-connection";
import { Played } from "./played";

const handler = new NetworkHandler();
const lab: NetworkInputs = parsed(networkSchema, { name: "lab", ipv4: "10.0.0.0/24", bridge: "virbr1" });

function classes(news: Partial<NetworkInputs>): string[] {
  return classify(handler.fields, lab, { ...lab, ...news }).map(({ field, disruption }) => `${field}: ${disruption}`);
}

describe("network handler", () => {
  it("classes every change", () => {
    assert.deepEqual(classes({ name: "other", connection: "qemu+ssh://kvm1/system" }), [
      "connection: replace",
      "name: replace",
    ]);
    assert.deepEqual(classes({ mtu: 1400, mode: "route", domain: { name: "a.test", localOnly: true } }), [
      "mode: reboot",
      "mtu: reboot",
      "domain: reboot",
    ]);
    assert.deepEqual(classes({ hosts: [{ ip: "10.0.0.9", name: "a" }], dnsTxt: [{ name: "a", value: "b" }] }), [
      "hosts: live",
      "dnsTxt: live",
    ]);
    assert.deepEqual(classes({ active: false }), ["active: reboot"]);
    assert.deepEqual(classes({ bridge: undefined, adopt: "x", owner: "y", disruption: "reboot" }), []);
    assert.deepEqual(classes({ bridge: "virbr2" }), ["bridge: reboot"]);
  });

  it("asks nothing at preview where the host cannot be reached", async () => {
    const unreachable = new NetworkHandler(() =>
      Promise.reject(new ConnectError("qemu+ssh://kvm1/system", "no route")),
    );
    assert.deepEqual(await new Played(unreachable).preview({ name: "lab", ipv4: "10.0.0.0/24" }), []);
    await assert.rejects(
      new Played(unreachable).up({ name: "lab", ipv4: "10.0.0.0/24" }),
      /^Error: network lab on qemu:\/\/\/system: cannot create: cannot connect to .*no route/,
    );
  });

  it("compares a host's subnets with its networks only where commands on it cannot be run", async () => {
    const other = { name: "other", uuid: "o" };
    const remote = fakeConnection({
      networkLookupByName: () => missing(),
      connectListAllNetworks: () => [other],
      networkGetXMLDesc: () =>
        networkXML({
          name: "other",
          mode: "nat",
          ipv4: "10.0.0.0/16",
          ipv4Address: "10.0.0.1",
          ipv6: "fd00::/64",
          ipv6Address: "fd00::1",
        }),
    });
    const reasons = await new Played(
      new NetworkHandler(
        async () => remote,
        async () => undefined,
      ),
    ).preview({
      connection: "qemu+ssh://root@kvm1/system",
      name: "lab",
      ipv4: "10.0.7.0/24",
      ipv6: "fd00::/96",
    });
    assert.equal(reasons.length, 2);
    assert.match(
      reasons[0]!,
      /ipv4: 10\.0\.7\.0\/24 overlaps network other \(10\.0\.0\.0\/16\)\. Fix: choose a subnet/,
    );
    assert.match(reasons[1]!, /ipv6: fd00::\/96 overlaps network other \(fd00::\/64\)/);
  });

  it("keeps what it could neither finish nor undo", async () => {
    let lost = false;
    const fail = () => {
      lost = true;
      throw new Error("connection lost");
    };
    const breaking = fakeConnection({
      networkLookupByName: () => missing(),
      networkCreateXML: () => ({ name: "lab", uuid: "u" }),
      networkGetXMLDesc: () => networkXML({ name: "lab", mode: "nat" }),
      networkIsPersistent: () => false,
      networkDefineXML: fail,
      networkIsActive: () => (lost ? fail() : true),
    });
    const inputs = parsed(networkSchema, { name: "lab", ipv4: "10.0.0.0/24" });
    const context = { signal: new AbortController().signal, progress: () => {} };
    await assert.rejects(new NetworkHandler(async () => breaking).create(inputs, context), (error: any) => {
      assert.deepEqual([error.name, error.id, error.state.uuid], ["PartialError", "u", "u"]);
      return true;
    });
  });
});
