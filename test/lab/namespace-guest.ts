import type { ChildProcess } from "node:child_process";
import type { LabHost } from "./lab-host";

export interface NamespaceGuestPlan {
  /** At most 12 characters. */
  name: string;
  /** The host's bridge that it is plugged into. */
  bridge: string;
  /** With prefix length. */
  addresses: string[];
  gateways: string[];
}

/**
 * A network namespace on a bridge of a lab host, in the place of a guest: what a guest is for the host's network, and
 * made in no time. http://GUEST/ tells the address of who asks. It is gone with the host's next boot.
 */
export class NamespaceGuest {
  private constructor(
    private readonly host: LabHost,
    readonly name: string,
    private readonly server: ChildProcess,
  ) {}

  static async plugIn(
    host: LabHost,
    { name, bridge, addresses, gateways }: NamespaceGuestPlan,
  ): Promise<NamespaceGuest> {
    const inside = (...argv: string[]) => host.run(["ip", "-n", name, ...argv]);
    await host.run(["ip", "netns", "add", name]);
    await host.run(["ip", "link", "add", `v-${name}`, "type", "veth", "peer", "name", "eth0", "netns", name]);
    await plug(host, name, bridge);
    for (const address of addresses)
      await inside("address", "add", address, "dev", "eth0", ...(address.includes(":") ? ["nodad"] : []));
    for (const device of ["lo", "eth0"]) await inside("link", "set", device, "up");
    for (const gateway of gateways) await inside("route", "add", "default", "via", gateway);
    await host.run(["sh", "-c", `mkdir -p /srv/guest/cgi-bin && cat >"$0" && chmod 755 "$0"`, page], { stdin: cgi });
    const serve = ["ip", "netns", "exec", name, "busybox", "httpd", "-f", "-p", "80", "-h", "/srv/guest"];
    const guest = new NamespaceGuest(host, name, host.spawn(serve, { stdio: "ignore" }));
    await guest.run(["sh", "-c", "until nc -z 127.0.0.1 80; do sleep 0.02; done"], { timeout: 10_000 });
    for (const gateway of gateways)
      await guest.run(["sh", "-c", `until ping -c1 -W1 "$0" >/dev/null; do :; done`, gateway], { timeout: 20_000 });
    return guest;
  }

  /** Into a bridge that was made anew. */
  async plugInAgain(bridge: string): Promise<void> {
    await plug(this.host, this.name, bridge);
  }

  async run(argv: readonly string[], options?: Parameters<LabHost["run"]>[1]) {
    return this.host.run(["ip", "netns", "exec", this.name, ...argv], options);
  }

  /** The body of a page, asked for from here; rejects when there is none within `timeout` seconds. */
  async get(url: string, { timeout = 5 } = {}): Promise<string> {
    const argv = ["curl", "--silent", "--show-error", "--fail", "--globoff", "--noproxy", "*"];
    return (await this.run([...argv, "--max-time", String(timeout), url])).stdout;
  }

  async remove(): Promise<void> {
    this.server.kill("SIGKILL");
    if (this.host.process) await this.host.run(["ip", "netns", "delete", this.name], { accept: "any" });
  }
}

async function plug(host: LabHost, name: string, bridge: string): Promise<void> {
  // Spanning tree would keep the port closed for seconds.
  await host.run(["ip", "link", "set", bridge, "type", "bridge", "stp_state", "0"]);
  await host.run(["ip", "link", "set", `v-${name}`, "master", bridge, "up"]);
}

const page = "/srv/guest/cgi-bin/index.cgi";
const cgi = `#!/bin/sh
address=\${REMOTE_ADDR#[}
address=\${address%]}
printf 'Content-Type: text/plain\\r\\n\\r\\n%s' "\${address#::ffff:}"
`;
