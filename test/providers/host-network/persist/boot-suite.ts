import assert from "node:assert/strict";
import type { Renderer } from "../../../../providers/host-network/persist/renderer";
import { skip } from "../../../skip";
import { assertAsDeclared, type Given } from "./as-declared";
import { configurations } from "./configurations";
import { isSettling, seenLinks } from "./seen-link";
import { SmallHost } from "./small-host";

/** A way of keeping a network, as it is on a host. */
export interface Kept {
  renderer: Renderer;
  /** What a host without it lacks. */
  programs: string[];
  /** Somebody else's configuration: eth0 has 192.168.155.9/24 and fd00:155::9/64, eth1 nothing. */
  files: { [path: string]: string };
  /** What an init does at boot, until the network is there. */
  start(host: SmallHost): Promise<void>;
  /** Configurations that this kernel can bring up. */
  names?: string[];
}

const given: { [name: string]: Given } = {
  dhcp: {
    addresses: [/^192\.168\.155\.77\/24$/, /^fd00:155::5054:ff:feaa:10\/64$/],
    routes: [/^default via 192\.168\.155\.1( |$)/, /^default via fe80::/],
  },
  dhcp6: {
    addresses: [/^192\.168\.155\.77\/24$/, /^fd00:155::77\/128$/],
    routes: [/^default via 192\.168\.155\.1( |$)/],
  },
};

/** Everything that the host has at its next boot, and that it is as before when we have gone. */
export function bootSuite({ renderer, programs, files, start, names }: Kept, more?: (host: () => SmallHost) => void) {
  describe(`${renderer.name} at boot`, function () {
    this.timeout(60_000);
    let host: SmallHost;

    before(function () {
      const obstacle = SmallHost.obstacle("unshare", "nsenter", "ip", "bridge", "dnsmasq", ...programs);
      if (obstacle) skip(this, obstacle);
    });

    beforeEach(() => (host = new SmallHost(files)));
    afterEach(() => host?.destroy());

    async function boot(served = false) {
      await host.boot();
      if (served) host.serveLan();
      await start(host);
      await host.eventually(() => assert.ok(!isSettling(host)));
    }

    for (const name of names ?? ["static", "dual-stack", "dhcp", "dhcp6", "no-uplink", "no-address"])
      it(`brings up and forgets: ${name}`, async () => {
        const config = configurations[name]!;
        await boot();
        const before = seenLinks(host);
        assert.deepEqual(before["eth0"]!.addresses, ["192.168.155.9/24", "fd00:155::9/64"]);
        const ours = host.store(await renderer.persist(config, host, []));
        await boot(true);
        await host.eventually(() => assertAsDeclared(host, config, given[name]));
        assert.deepEqual(
          (await renderer.persist(config, host, ours)).files.filter((file) => !host.has(file)),
          [],
        );
        host.store(await renderer.forget(config, host, ours));
        await boot();
        await host.eventually(() => assert.deepEqual(seenLinks(host), before));
      });

    more?.(() => host);
  });
}
