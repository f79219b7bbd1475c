import assert from "node:assert/strict";
import type { SmallHost } from "./small-host";

const daemon = "/lib/systemd/systemd-networkd";

/** What it says of a file that it does not understand. */
export const complaint = /(pulumi-kvm|netplan)\S*:\d+:|Ignoring/;

/** Starts systemd-networkd as an init does, and waits until it has done all that its files say. */
export async function startNetworkd(host: SmallHost): Promise<void> {
  await host.startBus();
  host.start("networkd", daemon);
  await host.eventually(() => {
    const states = host.sh("sh", "-c", "cat /run/systemd/netif/links/*");
    assert.match(states, /^ADMIN_STATE=configured$/m);
    assert.doesNotMatch(states, /^ADMIN_STATE=(pending|initialized|configuring)$/m);
  });
  // Whoever waits for the network at boot must not hang for a bridge that has no carrier yet.
  if (host.try("grep", "-qx", "REQUIRED_FOR_ONLINE=yes", "-r", "/run/systemd/netif/links").status === 0)
    host.sh(`${daemon}-wait-online`, "--timeout=20");
  assert.doesNotMatch(host.sh("cat", "/run/networkd.log"), complaint);
}
