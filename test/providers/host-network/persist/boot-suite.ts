import assert from "node:assert/strict";
import type { Renderer } from "../../../../providers/host-network/persist/renderer";
import { skip } from "../../../skip";
import { assertAsDeclared, type Given } from "./as-declared";
import { bridge, configurations } from "./configurations";
import { isSettling, seenLinks } from "./seen-link";
import { macOf, SmallHost } from "./small-host";

/** A way of keeping a network, as it is on a host. */
export interface Kept {
  renderer: Renderer;
  /** What a host without it lacks. */
  programs: string[];
  /** Somebody else's configuration: eth0 has 192.168.155.9/24 and fd00:155::9/64, eth1 nothing. */
  files: { [path: string]: string };
  /** What an init does at boot, until the network is there. */
  start(host: SmallHost): Promise<void>;
  /** The configurations to boot with; by default all. */
  names?: string[];
  /** What a running manager does to addresses that it is told of: nothing, or it sets them anew within milliseconds. */
  takesOver?: "silently" | "anew";
}

const given: { [name: string]: Given } = {
  dhcp: {
    addresses: [/^192\.168\.155\.77\/24$/, /^fd00:155::5054:ff:feaa:10\/64$/],
    routes: [/^default via 192\.168\.155\.1( |$)/, /^default via fe80::/],
  },
  standby: { addresses: [/^192\.168\.155\.77\/24$/], routes: [/^default via 192\.168\.155\.1( |$)/] },
  dhcp6: {
    addresses: [/^192\.168\.155\.77\/24$/, /^fd00:155::77\/128$/],
    routes: [/^default via 192\.168\.155\.1( |$)/],
  },
};

/** Everything that the host has at its next boot, and that it is as before when we have gone. */
export function bootSuite(
  { renderer, programs, files, start, names, takesOver }: Kept,
  more?: (host: () => SmallHost) => void,
) {
  describe(`${renderer.name} at boot`, function () {
    this.timeout(60_000);
    let host: SmallHost;

    before(function () {
      const obstacle = SmallHost.obstacle("unshare", "nsenter", "ip", "bridge", "dnsmasq", ...programs);
      if (obstacle) skip(this, obstacle);
    });

    beforeEach(() => (host = new SmallHost(files)));
    afterEach(() => host?.destroy());

    async function boot(served?: string) {
      await host.boot();
      if (served !== undefined) host.serveLan(served === "dhcp6");
      await start(host);
      await host.eventually(() => assert.ok(!isSettling(host)));
    }

    async function handOver(commands: string[][]) {
      const lost = await host.lostWhile(commands);
      if (takesOver === "silently") assert.deepEqual(lost, []);
    }

    for (const name of names ?? Object.keys(configurations))
      it(`brings up: ${name}`, async function () {
        const config = configurations[name]!;
        const lack = SmallHost.lackOf(config);
        if (lack) skip(this, lack);
        const before = host.configuration;
        await host.boot();
        const ours = host.store(await renderer.persist(config, host, []));
        await boot(name);
        await host.eventually(() => assertAsDeclared(host, config, given[name]));
        const again = await renderer.persist(config, host, ours);
        assert.deepEqual(
          again.files.filter((file) => !host.has(file)),
          [],
        );
        host.store(await renderer.forget(config, host, ours));
        assert.deepEqual(host.configuration, before);
      });

    it("is as it was when it has forgotten", async () => {
      const config = configurations["static"]!;
      await boot();
      const before = seenLinks(host);
      assert.deepEqual(before["eth0"]!.addresses, ["192.168.155.9/24", "fd00:155::9/64"]);
      const ours = host.store(await renderer.persist(config, host, []));
      await boot();
      assert.deepEqual(seenLinks(host)["eth0"]!.addresses, []);
      host.store(await renderer.forget(config, host, ours));
      await boot();
      await host.eventually(() => assert.deepEqual(seenLinks(host), before));
    });

    if (takesOver)
      it(`takes over ${takesOver} a bridge that is in use, and gives it back`, async () => {
        await boot();
        const before = seenLinks(host);
        host.moveAddresses("eth0", "br0");
        const config = bridge({
          mac: macOf["eth0"],
          uplinks: [{ kind: "nic", name: "eth0" }],
          addressing: { addresses: ["192.168.155.9/24", "fd00:155::9/64"], gateway4: "192.168.155.1" },
        });
        const persistence = await renderer.persist(config, host, []);
        assert.notDeepEqual(persistence.handover, []);
        const ours = host.store(persistence);
        await handOver(persistence.handover);
        await host.eventually(() => assertAsDeclared(host, config));

        host.moveAddresses("br0", "eth0");
        const forgotten = await renderer.forget(config, host, ours);
        host.store(forgotten);
        await handOver(forgotten.handover);
        await host.eventually(() => assert.deepEqual(seenLinks(host), before));
      });

    more?.(() => host);
  });
}
