import assert from "node:assert/strict";
import { DomainHandler } from "../../../providers/handlers/domain";
import type { Connection } from "../../../providers/libvirt/connection";
import { open } from "../../../providers/libvirt/open";
import { tinyGuestOr } from "../../lab/tiny-guest-or";
import { skip } from "../../skip";
import { PrivateLibvirtd } from "../libvirt/private-libvirtd";
import { GuestNetwork } from "./guest-network";
import { Played } from "./played";

const name = "ready";
/** The guests' pages are asked for from here, so the network is this machine's: a part that others hardly use. */
const lanName = `kvmtest-${process.pid}`;

describe("the readiness of guests on libvirt", function () {
  this.timeout(120_000);
  let daemon: PrivateLibvirtd | undefined;
  let connection: Connection;
  let lan: GuestNetwork;
  let played: Played;
  let args: Record<string, unknown>;

  before(async function () {
    if (PrivateLibvirtd.obstacle) skip(this, PrivateLibvirtd.obstacle);
    daemon = await PrivateLibvirtd.start({ listen: true, config: ["listen_tls = 0", "listen_tcp = 0"] });
    connection = await open(daemon.uri("qemu:///system"));
    const { kernel, initrd, cmdline, memory } = await tinyGuestOr(this);
    lan = await GuestNetwork.create(connection, lanName, process.pid % 250);
    args = {
      connection: connection.uri,
      name,
      kernel,
      initrd,
      cmdline,
      memory,
      accelerator: "tcg",
      nics: [{ network: lan.name }],
    };
  });

  after(async () => {
    await lan?.remove();
    connection?.close();
    await daemon?.stop();
  });

  beforeEach(() => {
    played = new Played(new DomainHandler());
  });

  afterEach(() => played.destroy());

  /** What `up` fails with; the guest is kept, as Pulumi keeps it. */
  async function failure(ready: object, words = ""): Promise<string> {
    const cmdline = `${String(args["cmdline"])} ${words}`;
    try {
      await played.up({ ...args, cmdline, ready });
    } catch (error) {
      const { id, properties, message } = error as Error & { id: string; properties: Record<string, unknown> };
      assert.ok(id, `the guest must be kept: ${message}`);
      played.recorded = { id, inputs: { ...args }, state: properties };
      return message;
    }
    throw new Error("it got ready");
  }

  it("is a port and a page that answer, without an agent", async () => {
    const cmdline = `${String(args["cmdline"])} tiny.noagent`;
    await played.up({ ...args, cmdline, agent: false, ready: { port: 80, http: { path: "/boot-id", status: 200 } } });
    assert.match(played.state["ipv4"], /^10\.213\./);
    assert.equal(played.state["bootId"], undefined);
  });

  it("tells on time-out what each source said, and what the guest printed last", async () => {
    const message = await failure({ agent: true, timeout: "12s" }, "tiny.noagent");
    assert.match(message, /is not ready after 12 s: agent: channel disconnected/);
    assert.match(message, /Its console's last lines:\n(.*\n)*.*\| tiny-guest up boot-id=/);
  });

  it("tells which NIC has no address, and that the port refuses", async () => {
    const mute = await failure({ addresses: true, timeout: "12s" }, "tiny.nonet");
    assert.match(mute, /none for 52:54:00:\S+ \(network kvmtest-\d+\)/);
    await played.destroy();
    const refused = await failure({ port: 81, timeout: "15s" });
    assert.match(refused, /port 81: 10\.213\.\d+\.\d+: connection refused/);
  });

  it("is given up at once when the guest stops", async () => {
    const message = await failure({ agent: true, timeout: "100s" }, "tiny.off tiny.noagent");
    assert.match(message, /stopped while it was waited for/);
    assert.match(message, /tiny-guest up/);
  });

  it("is waited for again by the next up, which finds the guest kept", async () => {
    await failure({ agent: true, timeout: "1s" });
    const { uuid } = played.state;
    const handler = new DomainHandler();
    const context = { signal: AbortSignal.timeout(90_000), progress: () => {} };
    const inputs = { ...played.state, ready: { agent: true, timeout: "60s" } } as never;
    const state = await handler.update(String(uuid), played.state as never, inputs, [], context);
    assert.match(state.bootId!, /^[0-9a-f-]{36}$/);
  });
});
