import assert from "node:assert/strict";
import { assertAccepted, computeOutputs, ofKind, run, tree } from "../mocks";
import { BootstrapImage, GuestGroup, KvmHost } from "../../../components";

describe("GuestGroup", () => {
  before(computeOutputs);

  function group(count: number) {
    const host = new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
    const image = new BootstrapImage("debian", { host });
    return new GuestGroup("worker", {
      host,
      image,
      network: "lab",
      count,
      vcpus: 2,
      disks: { data: { size: "1GiB" } },
    });
  }

  it("is as many guests, alike, numbered from 1", async () => {
    let workers!: GuestGroup;
    const made = await run(() => (workers = group(2)));
    assertAccepted(made);
    assert.deepEqual(
      tree(made).filter((line) => line.includes("worker")),
      [
        "Guest worker-1 > Domain worker-1",
        "Guest worker-1 > NetworkFilter worker-1-0",
        "Guest worker-1 > Volume worker-1-data",
        "Guest worker-1 > Volume worker-1-root",
        "Guest worker-2 > Domain worker-2",
        "Guest worker-2 > NetworkFilter worker-2-0",
        "Guest worker-2 > Volume worker-2-data",
        "Guest worker-2 > Volume worker-2-root",
        "GuestGroup worker",
        "GuestGroup worker > Guest worker-1",
        "GuestGroup worker > Guest worker-2",
      ],
    );
    assert.deepEqual(
      workers.guests.map(({ name }) => name),
      ["worker-1", "worker-2"],
    );
    for (const { inputs } of ofKind("Domain", made)) {
      assert.equal(inputs["vcpus"], 2);
      assert.ok(!("count" in inputs));
    }
  });

  it("keeps the guests it has when it grows", async () => {
    const inputs = async (count: number) => ofKind("Domain", await run(() => group(count))).map((made) => made.inputs);
    const [two, three] = [await inputs(2), await inputs(3)];
    assert.deepEqual(three.slice(0, 2), two);
    assert.equal(three.length, 3);
  });

  it("may be empty", async () => {
    assert.deepEqual(ofKind("Guest", await run(() => group(0))), []);
  });

  it("refuses one address for several guests", async () => {
    const nics = [{ network: "lab" }, { bridge: "br0", addresses: ["192.168.155.40/24"] }];
    await assert.rejects(
      run(() => new GuestGroup("worker", { host: new KvmHost("kvm1"), nics, count: 2 })),
      {
        message:
          "GuestGroup worker: nics.1.addresses would be each guest's. Fix: make each one as a Guest; or leave them out, for DHCP",
      },
    );
  });

  for (const count of [-1, 1.5, NaN])
    it(`refuses ${count} guests`, async () => {
      await assert.rejects(
        run(() => group(count)),
        { message: `GuestGroup worker: count: got ${count}. Allowed: a whole number from 0` },
      );
    });
});
