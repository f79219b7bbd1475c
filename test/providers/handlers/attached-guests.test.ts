import assert from "node:assert/strict";
import { plugInAgain } from "../../../providers/handlers/attached-guests";
import { fakeConnection } from "./fake-connection";

const nic = (network: string, device: string) =>
  `<interface type="network"><mac address="52:54:00:00:00:01"/><source network="${network}"/><target dev="${device}"/></interface>`;

describe("guests on a network that was started", () => {
  const lab = { name: "lab", uuid: "n" };
  let updates: string[];
  let told: string[];

  async function plug(refuse = false): Promise<void> {
    updates = [];
    told = [];
    const connection = fakeConnection({
      connectListAllDomains: () => [{ name: "web-1", uuid: "1", id: 7 }],
      domainGetXMLDesc: () => `<domain><devices>${nic("other", "vnet0")}${nic("lab", "vnet1")}</devices></domain>`,
      networkGetXMLDesc: () => '<network><name>lab</name><bridge name="virbr7"/></network>',
      domainUpdateDeviceFlags: (_domain, xml) => {
        if (refuse) throw new Error("no");
        updates.push(/<source [^>]*>/.exec(xml)![0]);
      },
    });
    const context = { signal: new AbortController().signal, progress: (line: string) => told.push(line) };
    await plugInAgain(connection, lab, { connect: async () => connection }, context);
  }

  it("are plugged into its bridge, and no others", async () => {
    await plug();
    assert.deepEqual(updates, ['<source bridge="virbr7"/>', '<source network="lab"/>']);
    assert.deepEqual(told, ["plugged in again: web-1 (vnet1)"]);
  });

  it("are named when they cannot be plugged in", async () => {
    await assert.rejects(
      plug(true),
      /^OperatorError: it runs, but guests could not be plugged in again: web-1 \(vnet1\)\. Fix: restart these guests$/,
    );
  });
});
