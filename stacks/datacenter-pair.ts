import * as pulumi from "@pulumi/pulumi";
import * as kvm from "../components";
import { built, guestsOf, reach } from "./datacenter/site";

const config = new pulumi.Config("datacenter");
const { format, ...shape } = guestsOf(config);

/** Two hosts whose br0 are one LAN: a guest of one and a guest of the other are neighbours. */
const pages = ["kvm1", "kvm2"].map((name, at) => {
  const host = new kvm.KvmHost(name, {
    ...reach(config, name),
    bridges: {
      br0: {
        uplink: config.get("lan") ?? "eth0",
        addresses: [`192.168.155.${32 + at}/24`, `fd00:155::${32 + at}/64`],
        gateway: ["192.168.155.1", "fd00:155::1"],
      },
    },
  });
  const image = new kvm.BootstrapImage(`${name}-debian`, {
    host,
    ...built(config, name),
    format,
    packages: ["nginx-light", "curl", "iputils-ping"],
  });
  const address = `192.168.155.${50 + at}`;
  const guest = new kvm.Guest(`${name}-web`, {
    host,
    image,
    ...shape,
    nics: [{ bridge: "br0", addresses: [`${address}/24`, `fd00:155::${50 + at}/64`], gateway: "192.168.155.1" }],
  });
  const page = new kvm.File(`${name}-page`, {
    machine: guest,
    path: "/var/www/html/index.html",
    content: `<!doctype html><title>${name}</title><h1>${name}</h1>\n`,
  });
  const nginx = new kvm.Service(`${name}-nginx`, { machine: guest, name: "nginx" }, { dependsOn: page });
  return nginx.id.apply(() => `http://${address}/`);
});

/** The pages of both, on the LAN. */
export const urls = pages;
