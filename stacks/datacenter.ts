import * as pulumi from "@pulumi/pulumi";
import * as kvm from "../components";
import { built, guestsOf, reach } from "./datacenter/site";

const config = new pulumi.Config("datacenter");

/** The server room: a LAN on eth0 and a WAN on eth1, guests on either side, on both, behind NAT, and in the back. */
const host = new kvm.KvmHost("kvm1", {
  ...reach(config, "kvm1"),
  bridges: {
    br0: {
      uplink: config.get("lan") ?? "eth0",
      addresses: ["192.168.155.32/24", "fd00:155::32/64"],
      gateway: ["192.168.155.1", "fd00:155::1"],
    },
    br1: { uplink: config.get("wan") ?? "eth1", addresses: [] },
  },
  networks: {
    default: { adopt: "default", ipv4: "192.168.122.0/24", ipv6: "fd00:122::/64" },
    backend: { mode: "isolated", ipv4: "10.155.0.0/24", ipv6: "fd00:155:b::/64" },
  },
});

const { format, ...shape } = guestsOf(config);
const image = new kvm.BootstrapImage("debian", {
  host,
  ...built(config, "kvm1"),
  format,
  packages: ["nginx-light", "curl", "iputils-ping"],
});

/** Every guest keeps its backups for itself; gzip, because their image has no zstd. */
const backup = { target: "/var/backup", compress: "gzip", install: false, keep: { days: 14 } } as const;

/** A guest that shows a page with its name. */
function server(name: string, nics: kvm.GuestNicArgs[], more: Partial<kvm.GuestArgs> = {}): kvm.Guest {
  const guest = new kvm.Guest(name, { host, image, ...shape, nics, ...more });
  const page = new kvm.File(`${name}-page`, {
    machine: guest,
    path: "/var/www/html/index.html",
    content: `<!doctype html><title>${name}</title><h1>${name}</h1>\n`,
  });
  new kvm.Service(`${name}-nginx`, { machine: guest, name: "nginx" }, { dependsOn: page });
  new kvm.BackupJob(`${name}-pages`, { machine: guest, paths: ["/etc/nginx", "/var/www"], ...backup });
  return guest;
}

const lan = (last: number): kvm.GuestNicArgs => ({
  bridge: "br0",
  addresses: [`192.168.155.${last}/24`, `fd00:155::${last}/64`],
});
const wan = (last: number): kvm.GuestNicArgs => ({
  bridge: "br1",
  addresses: [`203.0.113.${last}/24`, `2001:db8:203::${last}/64`],
  gateway: ["203.0.113.1", "2001:db8:203::1"],
});

const intranet = server("intranet", [{ ...lan(40), gateway: ["192.168.155.1", "fd00:155::1"] }]);
const portal = server("portal", [wan(40)]);
const edge = server("edge", [wan(41), lan(41), { network: "backend" }]);
const office = server("office", [{ network: "default", ipv4: "192.168.122.10", ipv6: "fd00:122::10" }], {
  publish: [{ host: 8080, guest: 80 }],
});
const store = server("store", [{ network: "backend", ipv4: "10.155.0.20", ipv6: "fd00:155:b::20" }]);

/** Where each guest shows its page, and to whom. */
export const pages = {
  LAN: pulumi.interpolate`http://192.168.155.40/, http://192.168.155.41/`,
  WAN: pulumi.interpolate`http://203.0.113.40/, http://203.0.113.41/`,
  published: "http://192.168.155.32:8080/",
};
export const addresses = Object.fromEntries(
  [intranet, portal, edge, office, store].map((guest) => [guest.name, guest.addresses]),
);
