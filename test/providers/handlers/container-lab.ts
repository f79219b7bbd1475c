import { DomainHandler } from "../../../providers/handlers/domain";
import { NetworkHandler } from "../../../providers/handlers/network";
import { RootFilesystemHandler } from "../../../providers/handlers/root-filesystem";
import type { Connection } from "../../../providers/libvirt/connection";
import { open } from "../../../providers/libvirt/open";
import type { MachineSpec } from "../../../providers/machine/machine";
import { open as openMachine } from "../../../providers/machine/open-machine";
import { containerImageOr } from "../../lab/container-image";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/lab-host";
import { skip } from "../../skip";
import { Played } from "./played";

/** A lab host with two networks (lan 192.168.170.0/24, dmz 192.168.171.0/24) and root folders for containers. */
export class ContainerLab {
  private readonly roots: Played[] = [];
  private readonly domains: Played[] = [];

  private constructor(
    private readonly lab: Lab,
    readonly image: string,
    readonly connection: Connection,
    private readonly networks: Played[],
  ) {}

  static async up(context: Mocha.Context, packages?: string[]): Promise<ContainerLab> {
    if (Lab.obstacle) skip(context, Lab.obstacle);
    const image = await containerImageOr(context, packages);
    // In memory: root folders are copied there.
    const lab = await Lab.up({ disk: "4GiB" });
    const host = lab.host("kvm1");
    const networks = ["lan", "dmz"].map(async (name, at) => {
      const network = new Played(new NetworkHandler());
      await network.up({ connection: host.socketUri("qemu"), name, ipv4: `192.168.${170 + at}.0/24` });
      return network;
    });
    return new ContainerLab(lab, image, await open(host.socketUri("lxc")), await Promise.all(networks));
  }

  async down(): Promise<void> {
    await this.clear();
    for (const root of this.roots) await root.destroy();
    for (const network of this.networks) await network.destroy();
    this.connection.close();
    await this.lab.down();
  }

  /** Removes the containers of the last test, also those that never got ready. */
  async clear(): Promise<void> {
    await Promise.all(this.domains.splice(0).map((domain) => domain.destroy()));
    for (const domain of await this.connection.connectListAllDomains()) {
      await this.connection.domainDestroyFlags(domain).catch(() => {});
      await this.connection.domainUndefineFlags(domain, 0);
    }
  }

  get host(): LabHost {
    return this.lab.host("kvm1");
  }

  get uri(): string {
    return this.host.socketUri("lxc");
  }

  async root(name: string, more: object = {}): Promise<{ root: string; init: string }> {
    const root = new Played(new RootFilesystemHandler());
    await root.up({ machine: this.host.machine, name, source: this.image, retain: "delete", ...more });
    this.roots.push(root);
    return { root: root.state["path"], init: root.state["init"] };
  }

  /** What every container of the tests has. */
  args(name: string, root: { root: string; init: string }): { [field: string]: unknown } {
    const common = { autostart: false, nics: [], ready: { booted: true, timeout: "60s" } };
    const place = { kind: "lxc", connection: this.uri, host: this.host.machine };
    return { ...place, name, memory: "256MiB", ...root, ...common };
  }

  /** A container that is removed with the others. */
  domain(): Played {
    const domain = new Played(new DomainHandler());
    this.domains.push(domain);
    return domain;
  }

  machine(name: string): MachineSpec {
    return { kind: "lxc", uri: this.uri, domain: name, host: this.host.machine };
  }

  /** What a command prints inside the container. */
  async inside(name: string, ...argv: string[]): Promise<string> {
    return (await openMachine(this.machine(name)).run(argv)).stdout.trim();
  }

  /** Whether the container's network reaches an address, asked with the host's own ping. */
  async reaches(name: string, target: string): Promise<boolean> {
    const { id } = await this.connection.domainLookupByName(name);
    const script = 'read -r init rest <"/proc/$1/task/$1/children"; nsenter -t "$init" -n ping -n -c 2 -W 2 "$2"';
    const { exitCode } = await this.host.run(["sh", "-c", script, "sh", String(id), target], { accept: "any" });
    return exitCode === 0;
  }
}
