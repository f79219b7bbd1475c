import assert from "node:assert/strict";
import { forwardId } from "../../../providers/host-network/port-forward/forward";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import type { FakeForwardHost } from "../host-network/port-forward/fake-forward-host";
import { ForwardingProgram } from "./forwarding-program";
import type { Played } from "./played";

describe("PortForwardHandler", () => {
  let program: ForwardingProgram;
  let host: FakeForwardHost;
  let args: ForwardingProgram["args"];
  let played: Played;

  beforeEach(() => {
    program = new ForwardingProgram();
    ({ host, args } = program);
    played = program.resource();
  });

  it("is one file of the host, changed in place, and gone on delete", async () => {
    await played.up(args);
    const { id } = played.recorded!;
    assert.match(id, /^web-[0-9a-f]{8}$/);
    assert.deepEqual([...host.forwards.keys()], [id]);
    assert.deepEqual(played.state["targets"], [
      { address: "192.168.150.10", subnet: "192.168.150.0/24" },
      { address: "fd00:150::10", subnet: "fd00:150::/64" },
    ]);
    assert.match(host.forwards.get(id)!, /published meta nfproto ipv4 tcp dport 8080 dnat ip to 192\.168\.150\.10:80/);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args), []);
    assert.equal(host.changes, 1);

    assert.deepEqual(await played.up({ ...args, to: ["192.168.150.11"], ports: [{ host: 443 }] }), [
      "to: live",
      "ports: live",
    ]);
    assert.deepEqual([...host.forwards.keys()], [id]);
    assert.match(host.forwards.get(id)!, /tcp dport 443 dnat ip to 192\.168\.150\.11 /);
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
    assert.equal(host.forwards.size, 0);
  });

  it("costs nothing where nothing changes", async () => {
    await played.up(args);
    const [looks, changes] = [host.looks, host.changes];
    assert.deepEqual(await program.anew(played).preview(args), []);
    assert.deepEqual(await played.up(args), []);
    assert.deepEqual([host.looks, host.changes], [looks, changes]);
  });

  it("is switched off and on", async () => {
    await played.up({ ...args, active: false });
    assert.equal(host.forwards.size, 0);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args), ["active: live"]);
    assert.equal(host.forwards.size, 1);
    assert.deepEqual(await played.up({ ...args, active: false }), ["active: live"]);
    assert.equal(host.forwards.size, 0);
    assert.deepEqual(await played.refresh(), []);
  });

  it("goes on with what an interrupted run left", async () => {
    await played.up(args);
    const again = program.anew();
    await again.up(args);
    assert.equal(host.forwards.size, 1);
    assert.equal(again.recorded!.id, played.recorded!.id);
  });

  describe("drift", () => {
    const drift = async (harm: () => void) => {
      await played.up(args);
      harm();
      const look = program.anew(played);
      const found = await look.refresh();
      if (look.recorded) {
        assert.deepEqual(await look.up(args), ["active: live"]);
        assert.deepEqual(await look.refresh(), []);
      }
      return found;
    };

    it("is rules that are gone or others", async () => {
      assert.deepEqual(await drift(() => (host.rules = undefined)), ["active"]);
      assert.deepEqual(await drift(() => (host.rules = host.rules!.replace("8080", "8081"))), ["active"]);
      assert.deepEqual(await drift(() => (host.rules = host.rules!.replace("inet", "arp"))), ["active"]);
    });

    it("is none where another's rules were changed", async () => {
      const other = program.anew();
      await other.up({ ...args, name: "db", owner: program.owner("db"), ports: [{ host: 5432 }] });
      await played.up(args);
      host.rules = host.rules!.replaceAll("5432", "5433");
      assert.deepEqual(await program.anew(played).refresh(), []);
      assert.deepEqual(await program.anew(other).refresh(), ["active"]);
    });

    it("is a file that was changed, and one that is gone", async () => {
      const change = (id: string, text: string) => host.forwards.set(id, text);
      assert.deepEqual(await drift(() => host.forwards.forEach((text, id) => change(id, `${text}\n`))), ["active"]);
      assert.deepEqual(await drift(() => host.forwards.clear()), ["gone"]);
    });

    it("is a hook that is gone, and rules of libvirt's that come first", async () => {
      await played.up(args);
      for (const [section, text] of [
        ["hook", undefined],
        ["places", "iptables behind\nip6tables ahead\n"],
        ["places", "iptables ahead\nnftables-ip6 behind\n"],
      ] as const) {
        const before = host.sections[section];
        host.sections[section] = text;
        const look = program.anew(played);
        assert.deepEqual(await look.refresh(), ["active"], text);
        host.sections[section] = before;
        await look.up(args);
        played.recorded = look.recorded;
      }
    });

    it("is nothing that cannot be seen", async () => {
      await played.up(args);
      host.away = new UnreachableError("this machine", "no route to host");
      const look = program.anew(played);
      assert.deepEqual(await look.refresh(), []);
    });
  });

  describe("together with others", () => {
    const many = (count: number, first = 9000) =>
      Array.from({ length: count }, (_, at) => {
        const name = `f${at}`;
        return { ...args, name, owner: program.owner(name), ports: [{ host: first + at, guest: 80 }] };
      });

    it("is made with them, in a few changes, and read with one look", async () => {
      const forwards = many(50).map((each) => ({ each, one: program.resource() }));
      await Promise.all(forwards.map(({ each, one }) => one.up(each)));
      assert.equal(host.forwards.size, 50);
      assert.ok(host.changes <= 3, `${host.changes} changes`);
      assert.ok(host.looks <= 2, `${host.looks} looks`);
      host.looks = 0;
      for (const found of await Promise.all(forwards.map(({ one }) => one.refresh()))) assert.deepEqual(found, []);
      assert.ok(host.looks <= 1, `${host.looks} looks`);
      await Promise.all(forwards.map(({ one }) => one.destroy()));
      assert.equal(host.forwards.size, 0);
      assert.ok(host.changes <= 6, `${host.changes} changes`);
    });

    it("does not fail with one whose rules are refused", async () => {
      host.refused.add(forwardId("f1", program.owner("f1")));
      const made = await Promise.allSettled(many(3).map((each) => program.resource().up(each)));
      assert.deepEqual(
        made.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"],
      );
      assert.match(
        (made[1] as PromiseRejectedResult).reason.message,
        /^port forward f1 on this machine: cannot create: /,
      );
      assert.equal(host.forwards.size, 2);
    });

    it("begins anew where somebody else changed the host meanwhile", async () => {
      await played.up(args);
      host.forwards.set("other-00000000", "# theirs\n");
      const next = program.resource();
      await next.up({ ...args, name: "db", owner: program.owner("db"), ports: [{ host: 5432 }] });
      assert.equal(host.forwards.size, 3);
    });

    it("refuses what the same program publishes twice, whichever comes second", async () => {
      await played.up(args);
      const second = { ...args, name: "www", owner: program.owner("www"), ports: [{ host: "8000-9000" }] };
      assert.deepEqual(await program.anew().preview(second), [
        "port forward www on this machine: ports: 8000-9000/tcp is published by port forward web of the same program, too. Fix: publish another port",
      ]);
      // Also of one that does not change.
      assert.deepEqual(await played.preview(args), [
        "port forward web on this machine: ports: 8080/tcp is published by port forward www of the same program, too. Fix: publish another port",
      ]);
    });

    it("lets one take over what another of the stack gives up in the same run", async () => {
      await played.up(args);
      const next = program.resource();
      await played.preview({ ...args, ports: [{ host: 8090 }] });
      await next.up({ ...args, name: "blue", owner: program.owner("blue") });
      assert.deepEqual(await played.up({ ...args, ports: [{ host: 8090 }] }), ["ports: live"]);
    });

    it("refuses what another stack publishes", async () => {
      await played.up(args);
      const theirs = {
        ...args,
        owner: "shop/other/web of here:/shop",
        ports: [{ host: 8080, protocol: "udp" }, { host: "8079-8081" }],
      };
      assert.deepEqual(await program.anew().preview(theirs), [
        `port forward web on this machine: ports: 8079-8081/tcp is published by port forward web of ${program.owner("web")}. Fix: publish another port, or remove that one first`,
      ]);
      await program.anew().up({ ...theirs, ports: [{ host: 8080, protocol: "udp" }] });
      assert.equal(host.forwards.size, 2);
    });
  });
});
