import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostNetwork } from "../../../providers/host-network/look";
import { look } from "../../../providers/host-network/look";
import { differences } from "../../../providers/host-network/differences";
import { LinuxBridgeHandler } from "../../../providers/handlers/linux-bridge";
import { openAnew } from "../../../providers/machine/open-machine";
import type { LabHost } from "../../lab/lab-host";
import { Played } from "./played";

/** Where nobody is. */
export const nobody = "192.168.155.250";

/** A host of the lab whose eth0, by which it is reached, goes into br0. */
export class BridgeHost {
  readonly bridge = new Played(new LinuxBridgeHandler());
  private before?: HostNetwork;

  constructor(readonly host: LabHost) {}

  /** br0 over eth0. */
  args(more: object = {}): object {
    const { machine } = this.host;
    return { machine, name: "br0", owner: "test", uplink: "eth0", persist: "none", ...more };
  }

  look(): Promise<HostNetwork> {
    return look(openAnew(this.host.machine), "br0");
  }

  async remember(): Promise<void> {
    this.before = await this.look();
  }

  /**
   * Fails when the host's network is not as it was remembered. NetworkManager gives a link's routes another metric, beside
   * the first, where the bridge is not all gone yet when it takes the link again.
   */
  async assertRestored(way?: string): Promise<void> {
    const told = (host: HostNetwork) =>
      way === "networkmanager"
        ? { ...host, routes: host.routes.map((route) => ({ ...route, metric: undefined })) }
        : host;
    assert.deepEqual(differences(told(this.before!), told(await this.look())), []);
  }

  /** What the attempt is told when it fails; fails when it does not. */
  async refused(more: object = {}): Promise<string> {
    try {
      await this.bridge.up(this.args(more));
    } catch (error) {
      return (error as Error).message;
    }
    assert.fail("the change was confirmed");
  }

  /** Resolves when eth0 is in br0. */
  async applied(): Promise<void> {
    while (!(await this.succeeds(["test", "-e", "/sys/class/net/br0/brif/eth0"]))) await sleep(20);
  }

  /** Resolves when the host's guard has ended. */
  async over(): Promise<void> {
    while (await this.succeeds(["test", "-L", "/run/pulumi-kvm/network/change"])) await sleep(50);
  }

  private async succeeds(argv: string[]): Promise<boolean> {
    return (await this.host.run(argv, { accept: "any" })).exitCode === 0;
  }

  /** Seconds between the beginning of the last change and its end, by the host's log; undefined when there was none. */
  seconds(): number | undefined {
    const folder = this.host.path("/run/pulumi-kvm/network");
    if (!existsSync(join(folder, "last"))) return undefined;
    const token = readFileSync(join(folder, "last"), "utf8").trim();
    const log = readFileSync(join(folder, token, "log"), "utf8");
    const at = (what: RegExp) => Number(what.exec(log)?.[1] ?? assert.fail(log));
    return at(/^([\d.]+) (?:committed|restored)$/m) - at(/^([\d.]+) applying/m);
  }
}
