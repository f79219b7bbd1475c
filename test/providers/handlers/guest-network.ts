import type { Connection } from "../../../providers/libvirt/connection";
import { isMissing } from "../../../providers/libvirt/errors";

/** An isolated network with DHCP that exists until it is removed; `third` makes its subnet 10.213.THIRD.0/24. */
export class GuestNetwork {
  private constructor(
    readonly name: string,
    private readonly connection: Connection,
  ) {}

  static async create(connection: Connection, name: string, third: number): Promise<GuestNetwork> {
    await connection.networkCreateXML(
      `<network><name>${name}</name>
       <ip address="10.213.${third}.1" netmask="255.255.255.0">
         <dhcp><range start="10.213.${third}.10" end="10.213.${third}.200"/></dhcp>
       </ip></network>`,
    );
    return new GuestNetwork(name, connection);
  }

  async remove(): Promise<void> {
    try {
      await this.connection.networkDestroy(await this.connection.networkLookupByName(this.name));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}
