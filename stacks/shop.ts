import * as pulumi from "@pulumi/pulumi";
import * as kvm from "../components";
import { built, guestsOf, reach } from "./datacenter/site";

const config = new pulumi.Config("shop");

/**
 * A shop on one host: a pair of load balancers on the WAN with one address, and behind them, on a network of their own, web
 * servers that hand requests on to application servers.
 */
const host = new kvm.KvmHost("kvm1", {
  ...reach(config, "kvm1"),
  bridges: { br1: { uplink: config.get("wan") ?? "eth1", addresses: [] } },
  networks: { shop: { mode: "isolated", ipv4: "10.157.0.0/24", ipv6: "fd00:157::/64" } },
});

const { kind, ready } = guestsOf(config);
const guests = { host, kind, image: built(config, "kvm1"), guest: { ready } };

const app = new kvm.AppTier("app", {
  ...guests,
  memory: "512MiB",
  nics: (number) => [{ network: "shop", ipv4: `10.157.0.${20 + number}` }],
  applications: { "/shop": "stacks/shop/shop" },
});

const web = new kvm.WebTier("web", {
  ...guests,
  memory: "256MiB",
  nics: (number) => [{ network: "shop", ipv4: `10.157.0.${10 + number}` }],
  sites: {
    "www.shop.test": {
      root: "stacks/shop/site",
      redirects: { "/old/*": "/" },
      proxy: { "/shop": app },
    },
  },
});

const balancers = new kvm.LoadBalancerPair("lb", {
  ...guests,
  memory: "256MiB",
  nics: (number) => [
    {
      bridge: "br1",
      addresses: [`203.0.113.${80 + number}/24`, `2001:db8:203::${80 + number}/64`],
      gateway: ["203.0.113.1", "2001:db8:203::1"],
    },
    { network: "shop", ipv4: `10.157.0.${number + 1}` },
  ],
  vip: { www: { addresses: ["203.0.113.80/24", "2001:db8:203::80/64"] } },
  farms: { www: { port: 80, members: web, check: { type: "http", path: "/.health" } } },
});

export const url = balancers.url;
export const health = { web: web.health, app: app.health };
