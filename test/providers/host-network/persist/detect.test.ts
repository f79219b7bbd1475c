import assert from "node:assert/strict";
import { recognise } from "../../../../providers/host-network/persist/detect";

describe("detection of a host's renderer", () => {
  const hosts: { [name: string]: [facts: string[], renderer: string | undefined] } = {
    "a plain namespace": [["link eth0"], undefined],
    "networkd that configured the link": [
      ["link eth0", "running systemd-network", "file /etc/systemd/network/10-eth0.network", "running NetworkManager"],
      "networkd",
    ],
    "networkd with netplan's files": [
      ["link ens3", "running systemd-network", "file /run/systemd/network/10-netplan-ens3.network", "netplan"],
      "netplan",
    ],
    "NetworkManager that brought the link up": [
      ["link eth0", "running NetworkManager", "nm 100 (connected)"],
      "networkmanager",
    ],
    "NetworkManager with netplan's files": [
      ["link eth0", "running NetworkManager", "nm 100 (connected)", "netplan", "program netplan"],
      "networkmanager",
    ],
    "NetworkManager with RHEL 8's files": [
      ["link eth0", "running NetworkManager", "nm 100 (connected)", "ifcfg eth0"],
      "networkmanager",
    ],
    "a Debian desktop whose link is ifupdown's": [
      ["link eth0", "running NetworkManager", "nm 10 (unmanaged)", "iface lo", "iface eth0", "program ifup"],
      "ifupdown",
    ],
    "NetworkManager beside a link that others set up": [
      ["link eth0", "running NetworkManager", "nm 100 (connected (externally))", "iface eth0", "program ifup"],
      "ifupdown",
    ],
    "a Debian server": [["link eth0", "iface lo", "iface eth0", "program ifup"], "ifupdown"],
    "RHEL's network scripts": [["link eth0", "ifcfg lo", "ifcfg eth0"], "ifcfg"],
    "netplan before its first boot": [["running systemd-network", "netplan", "program netplan"], "netplan"],
    "networkd alone": [["running systemd-network"], "networkd"],
    "NetworkManager alone": [["running NetworkManager", "ifcfg lo"], "networkmanager"],
    "ifupdown with nothing but lo": [["iface lo", "program ifup"], "ifupdown"],
    "network scripts with nothing but lo": [["ifcfg lo"], undefined],
  };
  for (const [name, [facts, renderer]] of Object.entries(hosts))
    it(`takes ${name} for ${renderer ?? "none"}`, () => {
      assert.equal(recognise(facts.map((fact) => `${fact}\n`).join("")), renderer);
    });
});
