import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { nobody, type BridgeHost } from "./bridge-host";

/** One way in which a change goes wrong. Resolves when the host is as it was before, and fails when it is not. */
export type Mishap = (on: BridgeHost, window: string) => Promise<void>;

/** Every mishap that the host has to survive, by name. `window` is the time in which a change has to be confirmed. */
export const mishaps: { [name: string]: Mishap } = {
  "a wrong gateway": async (on, confirmTimeout) => {
    const message = await on.refused({
      addresses: ["192.168.155.32/24", "fd00:155::32/64"].map((one) => one.replace("32/", `${own(on)}/`)),
      gateway: [nobody],
      confirmTimeout,
    });
    assert.equal(
      message,
      `bridge br0 on ssh root@${on.host.name}: cannot create: gateway ${nobody} does not answer on br0 (one that never answers is left out by confirm: { gateway: false }). The host has put its network back: it is as it was before`,
    );
  },

  "a wrong VLAN": (on, confirmTimeout) => unplugged(on, confirmTimeout, () => on.host.link("eth0").vlan(7)),

  "a cut cable": (on, confirmTimeout) => unplugged(on, confirmTimeout, () => on.host.link("eth0").cut()),

  "a killed controller": async (on, confirmTimeout) => {
    const args = on.args({ confirmTimeout, confirm: { ping: [nobody] } });
    const controller = spawn(process.execPath, ["-r", "ts-node/register", join(__dirname, "bridge-controller.ts")], {
      env: { ...process.env, BRIDGE_ARGS: JSON.stringify(args) },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const ended = once(controller, "exit");
    await Promise.race([on.applied(), ended.then(() => assert.fail("the controller ended by itself"))]);
    controller.kill("SIGKILL");
    await ended;
    await on.over();
  },

  "a disk that is full before": async (on, confirmTimeout) => {
    await smallDisk(on, "32k");
    try {
      await on.host.run(["sh", "-c", "head -c 24k /dev/zero >/run/pulumi-kvm/fill"]);
      assert.equal(
        await on.refused({ confirmTimeout }),
        `bridge br0 on ssh root@${on.host.name}: cannot create: nothing was changed: no space left in /run`,
      );
    } finally {
      await on.host.run(["umount", "/run/pulumi-kvm"]);
    }
  },

  "a disk that becomes full": async (on, confirmTimeout) => {
    await smallDisk(on, "256k");
    try {
      const message = on.refused({ confirmTimeout, confirm: { ping: [nobody] } });
      await on.applied();
      await on.host.run(["sh", "-c", "cat /dev/zero >/run/pulumi-kvm/fill"], { accept: "any" });
      assert.match(
        await message,
        /does not answer the host's pings\. The host has put its network back: it is as it was/,
      );
    } finally {
      await on.host.run(["umount", "/run/pulumi-kvm"]);
    }
  },
};

/** The link fails as soon as the change is made, and is whole again when the host has put itself back. */
async function unplugged(on: BridgeHost, confirmTimeout: string, fail: () => Promise<void>): Promise<void> {
  const message = on.refused({ confirmTimeout, confirm: { ping: [nobody] } });
  await on.applied();
  await fail();
  await on.over();
  await on.host.link("eth0").heal();
  assert.match(await message, /\. The host has put its network back: it is as it was before$/);
}

/** Where the host keeps its changes. */
async function smallDisk({ host }: BridgeHost, size: string): Promise<void> {
  const script = 'mkdir -p /run/pulumi-kvm && mount -t tmpfs -o "size=$1" small /run/pulumi-kvm';
  await host.run(["sh", "-c", script, "sh", size]);
}

function own({ host }: BridgeHost): string {
  return host.ipv4.split(".").at(-1)!;
}

/** Runs a mishap; fails when the host's network is not as it was before. */
export async function survive(mishap: Mishap, on: BridgeHost, window: string): Promise<void> {
  await on.remember();
  await mishap(on, window);
  await on.assertRestored();
}
