import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import * as kvm from "../../components";

export interface OfficeArgs {
  /** What its guests have, but for their image and NICs. */
  guests: Omit<kvm.GuestArgs, "image" | "nics"> & { host: kvm.KvmHost };
  image: kvm.Image;
  /** Of each server, in order. */
  addresses: string[];
  network: string;
}

const file = (name: string) => readFileSync(`stacks/shop/office/${name}`, "utf8");

/** Fills the directory anew, as OpenLDAP's tool does while its server is stopped. */
const fill = `set -eu
systemctl stop slapd
rm -rf /var/lib/ldap/*
slapadd -q -f /etc/ldap/slapd.conf -l /etc/ldap/people.ldif
chown -R openldap:openldap /var/lib/ldap
systemctl start slapd`;

/** Servers with the directory and the mail of the shop, of which each can do without the others. */
export class Office extends pulumi.ComponentResource {
  private readonly servers: { name: string; address: string; ready: pulumi.Output<unknown> }[];

  constructor(name: string, { guests, image, addresses, network }: OfficeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("shop:Office", name, {}, opts);
    const parent = { parent: this };
    this.servers = addresses.map((address, at) => {
      const server = `${name}-${at + 1}`;
      const machine = new kvm.Guest(server, { ...guests, image, nics: [{ network, ipv4: address }] }, parent);
      const configured = (path: string, source: string) =>
        new kvm.File(`${server}-${source}`, { machine, path, content: file(source), overwrite: true }, parent);
      const choice = configured("/etc/default/slapd", "slapd.default");
      const settings = configured("/etc/ldap/slapd.conf", "slapd.conf");
      const people = configured("/etc/ldap/people.ldif", "people.ldif");
      const directory = new kvm.Command(
        `${server}-directory`,
        {
          machine,
          create: ["sh", "-c", fill],
          triggers: [choice, settings, people].map(({ revision }) => revision),
        },
        parent,
      );
      const main = configured("/etc/postfix/main.cf", "main.cf");
      const mail = new kvm.Service(
        `${server}-postfix`,
        { machine, name: "postfix", restartOn: [main.revision] },
        parent,
      );
      return { name: server, address, ready: pulumi.all([directory.id, mail.id]) };
    });
    this.registerOutputs({});
  }

  /** Its servers as a farm's, once they serve. */
  at(port: number): kvm.FarmMemberArgs[] {
    return this.servers.map(({ name, address, ready }) => ({ name, address: ready.apply(() => address), port }));
  }
}
