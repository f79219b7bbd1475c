import assert from "node:assert/strict";
import { classify } from "../../../providers/dynamic/diff";
import { domainFields } from "../../../providers/handlers/domain-fields";
import { lxcKind } from "../../../providers/handlers/domain-kind-lxc";
import { document, type DomainLook } from "../../../providers/handlers/domain-look";
import { newContainer, wantedContainer } from "../../../providers/handlers/domain-lxc-model";
import { differingFields } from "../../../providers/handlers/domain-model";
import { observe } from "../../../providers/handlers/domain-observe";
import { unknownValue } from "../../../providers/dynamic/unknown";
import { domainXML, type DomainModel } from "../../../providers/libvirt/xml/domain";
import { domainSchema, type DomainInputs } from "../../../providers/schema/domain";
import { macsOf, type NicInputs } from "../../../providers/schema/domain-nic";
import { parsed } from "../schema/parse";

const base = { kind: "lxc", connection: "lxc:///system", name: "web", memory: "256MiB", root: "/srv/web" };
const inputs = (more: object = {}): DomainInputs => parsed(domainSchema, { ...base, ...more });

describe("a container's model", () => {
  it("limits processor time to that of so many processors, unless the program says the time itself", () => {
    const tuned = (more: object) => newContainer(inputs(more)).cputune;
    assert.equal(tuned({}), undefined);
    assert.deepEqual(tuned({ vcpus: 2 }), { quota: 200_000 });
    assert.deepEqual(tuned({ vcpus: 2, cputune: { period: 50_000 } }), { quota: 100_000, period: 50_000 });
    assert.deepEqual(tuned({ vcpus: 2, cputune: { quota: 5000, shares: 10 } }), { quota: 5000, shares: 10 });
  });

  const named = (nics: NicInputs[], there?: DomainModel, olds: NicInputs[] = []) => {
    const news = inputs({ nics });
    const model = there ? wantedContainer(there, news, inputs({ nics: olds })) : newContainer(news);
    return model.nics.map(({ network, guest }) => `${guest} ${network}`);
  };
  const nics = ["a", "b", "c"].map((network, at): NicInputs => ({ network, mac: `52:54:00:00:00:0${at}` }));

  it("gives NICs names that stay while they are there", () => {
    assert.deepEqual(named(nics), ["eth0 a", "eth1 b", "eth2 c"]);
    const there = newContainer(inputs({ nics }));
    const [a, , c] = nics as [NicInputs, NicInputs, NicInputs];
    const d = { network: "d", mac: "52:54:00:00:00:09" };
    assert.deepEqual(named([a, c], there, nics), ["eth0 a", "eth2 c"]);
    assert.deepEqual(named([d, a, c], there, nics), ["eth1 d", "eth0 a", "eth2 c"]);
  });

  it("leaves the addresses of an adopted container's NIC, and takes away those that the program gave", () => {
    const given = { ...nics[0]!, addresses: ["10.0.0.2/24"], gateway: ["10.0.0.1"] };
    const there = newContainer(inputs({ nics: [given] }));
    const wanted = (before: NicInputs) =>
      wantedContainer(there, inputs({ nics: [nics[0]!] }), inputs({ nics: [before] })).nics[0]!;
    assert.deepEqual(wanted(nics[0]!).addresses, ["10.0.0.2/24"]);
    assert.deepEqual(wanted(nics[0]!).routes, [{ to: "0.0.0.0/0", via: "10.0.0.1" }]);
    assert.deepEqual([wanted(given).addresses, wanted(given).routes], [undefined, undefined]);
  });

  it("of an adopted container changes nothing that the program does not set", () => {
    const there = newContainer(inputs({ vcpus: 2, mounts: [{ source: "/a", target: "/b" }], devices: ["/dev/fuse"] }));
    const adopted = parsed(domainSchema, { ...base, memory: undefined, root: undefined, adopt: "web" });
    assert.deepEqual(differingFields(there, wantedContainer(there, adopted, adopted)), []);
    const changed = parsed(domainSchema, { ...base, memory: "512MiB", root: undefined, adopt: "web" });
    assert.deepEqual(differingFields(there, wantedContainer(there, changed, adopted)), ["memory", "maxMemory"]);
  });
});

describe("what is seen of a container", () => {
  const nic = {
    network: "lan",
    addresses: ["10.0.0.2/24"],
    gateway: "10.0.0.1",
    routes: [{ to: "10.9.0.0/16", via: "10.0.0.9" }],
  };
  const declared = inputs({
    nics: [nic],
    vcpus: 2,
    cputune: { shares: 512 },
    capabilities: { add: ["sys_time"] },
    mounts: [{ source: "/a", target: "/b" }],
    memtune: { softLimit: "128MiB" },
    init: ["/init", "a"],
  });
  const model = newContainer(declared);

  function drift(config: Partial<DomainModel>, live?: Partial<DomainModel>): Partial<DomainInputs> {
    const documentOf = (more: Partial<DomainModel>) => document(domainXML({ ...model, ...more }));
    const seen: DomainLook = {
      domain: { name: "web", uuid: "", id: 1 },
      power: live ? "running" : "shutoff",
      config: documentOf(config),
      live: live && documentOf(live),
      autostart: true,
      persistent: true,
    };
    const now = observe(lxcKind, { ...declared, state: seen.power }, seen, {});
    const changed = (Object.keys(declared) as (keyof DomainInputs)[]).filter(
      (field) => field !== "state" && JSON.stringify(now[field]) !== JSON.stringify(declared[field]),
    );
    return Object.fromEntries(changed.map((field) => [field, now[field]]));
  }

  it("is no drift where it is as declared", () => {
    assert.deepEqual([drift({}), drift({}, {})], [{}, {}]);
    // libvirt has no call for the number, whose time is what counts; it stands when the container starts next.
    assert.deepEqual(drift({}, { vcpus: 1 }), {});
  });

  it("is drift where a limit, a folder or a NIC was changed", () => {
    assert.deepEqual(drift({}, { memory: "64MiB" }), { memory: "64MiB" });
    assert.deepEqual(drift({ mounts: [] }), { mounts: [] });
    assert.deepEqual(drift({ init: ["/bin/sh"] }), { init: ["/bin/sh"] });
    assert.deepEqual(drift({}, { cputune: { shares: 1, quota: 200_000 } }), { cputune: { shares: 1, quota: 200_000 } });
    assert.deepEqual(Object.keys(drift({}, { nics: [] })), ["nics"]);
    const [there] = model.nics;
    const routes = [{ to: "0.0.0.0/0", via: "10.0.0.3" }];
    assert.deepEqual(drift({}, { nics: [{ ...there!, routes }] }), {
      nics: [{ ...declared.nics![0], gateway: ["10.0.0.3"], routes: [] }],
    });
  });
});

describe("changes of a container", () => {
  const changes = (olds: object, news: object) =>
    classify(domainFields, inputs(olds), inputs(news)).map(
      ({ field, disruption, why }) => `${field}: ${disruption}${why ? `: ${why}` : ""}`,
    );
  const nic = { network: "lan" };

  it("of limits are made while it runs, up and down", () => {
    const limit = "live: its limit is set while it runs";
    assert.deepEqual(changes({}, { memory: "8GiB" }), [`memory: ${limit}`]);
    assert.deepEqual(changes({ memory: "8GiB" }, {}), [`memory: ${limit}`]);
    assert.deepEqual(changes({}, { vcpus: 2 }), [`vcpus: ${limit}`]);
    assert.deepEqual(changes({ vcpus: 2 }, {}), [`vcpus: ${limit}`]);
    assert.deepEqual(changes({}, { cputune: { shares: 2 }, memtune: { softLimit: "64MiB" } }), [
      `memtune: ${limit}`,
      `cputune: ${limit}`,
    ]);
  });

  it("of NICs are made while it runs", () => {
    assert.deepEqual(changes({}, { nics: [nic] }), ["nics: live: a NIC on network lan is plugged in"]);
    assert.deepEqual(changes({ nics: [nic] }, {}), ["nics: live: the NIC on network lan is plugged out"]);
    assert.deepEqual(changes({ nics: [nic] }, { nics: [{ network: "dmz" }] }), [
      "nics: live: the NIC on network lan is plugged out and into network dmz",
    ]);
    assert.deepEqual(changes({ nics: [nic] }, { nics: [{ ...nic, addresses: ["10.0.0.2/24"] }] }), [
      "nics: live: the addresses on network lan are set inside",
    ]);
  });

  it("of what is fixed at its start restart it", () => {
    const restarted = {
      root: ["/srv/b", "its root is entered"],
      mounts: [[{ source: "/a", target: "/b" }], "folders are mounted"],
      init: ["/bin/sh", "init is started"],
      initEnv: [{ A: "b" }, "init is started"],
      idmap: [{ start: 100000 }, "its users are mapped"],
      capabilities: [{ add: ["mknod"] }, "capabilities are dropped"],
      devices: [["/dev/fuse"], "devices are made"],
    } as const;
    for (const [field, [value, what]] of Object.entries(restarted))
      assert.deepEqual(changes({}, { [field]: value }), [`${field}: reboot: ${what} at its start`]);
    const unknown = classify(domainFields, inputs(), { ...inputs(), root: unknownValue as string });
    assert.equal(unknown[0]!.disruption, "reboot");
  });

  it("to a machine make another guest", () => {
    const machine = parsed(domainSchema, { name: "web", memory: "256MiB" });
    const [kind] = classify(domainFields, inputs(), machine);
    assert.deepEqual([kind!.field, kind!.disruption], ["kind", "replace"]);
  });
});

describe("the NICs of a container", () => {
  it("have the MAC addresses that a machine's would have", () => {
    assert.equal(newContainer(inputs({ nics: [{ network: "lan" }] })).nics[0]!.mac, macsOf("web", [{}])[0]);
  });
});
