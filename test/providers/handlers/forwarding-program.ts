import { PortForwardHandler } from "../../../providers/handlers/port-forward";
import type { Connection } from "../../../providers/libvirt/connection";
import { networkXML, type NetworkModel } from "../../../providers/libvirt/xml/network";
import { FakeForwardHost } from "../host-network/port-forward/fake-forward-host";
import { Played } from "./played";

let programs = 0;

/** A program that publishes ports on a host in memory, with a NAT network and an isolated one. */
export class ForwardingProgram {
  readonly host = new FakeForwardHost("this machine");
  networks: NetworkModel[] = [
    { name: "lab", mode: "nat", ipv4: "192.168.150.0/24", ipv4Address: "192.168.150.1" },
    { name: "backend", mode: "isolated", ipv4: "192.168.151.0/24", ipv4Address: "192.168.151.1" },
  ];
  /** What it declares is of a stack of its own: all tests are one process. */
  private readonly stack = `stack-${++programs}`;
  readonly handler = this.newHandler();
  readonly args: { [field: string]: unknown } = {
    machine: { kind: "local" },
    connection: "qemu:///system",
    name: "web",
    owner: this.owner("web"),
    to: ["192.168.150.10", "fd00:150::10"],
    ports: [{ host: 8080, guest: 80 }],
  };

  owner(name: string): string {
    return `shop/${this.stack}/${name} of here:/shop`;
  }

  /** Another resource of the same run. */
  resource(): Played {
    return new Played(this.handler);
  }

  /** A resource, or the one that is given, in another run: nothing of the host is known any more. */
  anew(of?: Played): Played {
    return Object.assign(new Played(this.newHandler()), { recorded: of?.recorded });
  }

  /** Why a preview with these changes would fail. */
  refusals(changes: object): Promise<string[]> {
    return this.anew().preview({ ...this.args, ...changes });
  }

  private newHandler(): PortForwardHandler {
    const host = new Proxy(this.host, {});
    const fake = {
      with: () => fake,
      connectListAllNetworks: async () => this.networks,
      networkGetXMLDesc: async (network: NetworkModel) => networkXML(network),
    };
    return new PortForwardHandler(
      () => host,
      async () => fake as unknown as Connection,
    );
  }
}
