import * as pulumi from "@pulumi/pulumi";
import * as kvm from "../components";
import { built, guestsOf, password, reach } from "./datacenter/site";
import { Office } from "./shop/office";

const config = new pulumi.Config("shop");

/**
 * A shop on one host: a pair of load balancers on the WAN with one address, and behind them, on a network of their own, web
 * servers that hand requests on to application servers with their database, and servers for the directory and mail.
 */
const host = new kvm.KvmHost("kvm1", {
  ...reach(config, "kvm1"),
  bridges: { br1: { uplink: config.get("wan") ?? "eth1", addresses: [] } },
  networks: { shop: { mode: "isolated", ipv4: "10.157.0.0/24", ipv6: "fd00:157::/64" } },
});

const { kind, format, ready } = guestsOf(config);
const guests = { host, kind, image: built(config, "kvm1"), guest: { ready } };

const databasePassword = password(config, "database-password");

const db = new kvm.PostgresServer("db", {
  ...guests,
  memory: "256MiB",
  standbys: 1,
  nics: (number) => [{ network: "shop", ipv4: `10.157.0.${30 + number}` }],
  users: { shop: { password: databasePassword } },
  databases: { shop: { owner: "shop" } },
  allow: ["10.157.0.0/24"],
  replicationPassword: databasePassword,
});

const tables = new kvm.Command(
  "db-tables",
  {
    machine: db.servers[0]!.machine,
    create: ["runuser", "-u", "postgres", "--", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "shop"],
    stdin: "set role shop; create table if not exists visit (at timestamptz not null default now());",
  },
  { dependsOn: db },
);

new kvm.BackupJob("db-backup", {
  database: db,
  target: "/var/backup",
  compress: "gzip",
  install: false,
  keep: { days: 14 },
});

const app = new kvm.AppTier(
  "app",
  {
    ...guests,
    memory: "512MiB",
    nics: (number) => [{ network: "shop", ipv4: `10.157.0.${20 + number}` }],
    applications: { "/shop": "stacks/shop/shop" },
    dataSources: { "jdbc/shop": { url: db.jdbcUrl("shop"), username: "shop", password: databasePassword } },
  },
  { dependsOn: tables },
);

const portal = new kvm.PortalTier("portal", {
  ...guests,
  memory: "512MiB",
  nics: (number) => [{ network: "shop", ipv4: `10.157.0.${50 + number}` }],
  users: { alice: { password: password(config, "portal-password"), roles: ["staff"] } },
  portlets: { news: "stacks/shop/news" },
  pages: { Home: { portlets: ["news"], roles: ["staff"] } },
});

const web = new kvm.WebTier("web", {
  ...guests,
  memory: "256MiB",
  server: ["nginx", "apache"],
  defaultSite: "www.shop.test",
  nics: (number) => [{ network: "shop", ipv4: `10.157.0.${10 + number}` }],
  sites: {
    "www.shop.test": {
      root: "stacks/shop/site",
      redirects: { "/old/*": "/" },
      // A server that is gone without a word is not waited for longer: another one is asked.
      proxy: { "/shop": { to: app, timeout: "10s" } },
      cache: { size: "16MiB" },
    },
    "portal.shop.test": { proxy: { "/": { to: portal, timeout: "10s" } } },
  },
});

const office = new Office("office", {
  guests: { host, kind, memory: "256MiB", ready },
  image: new kvm.BootstrapImage("office", {
    host,
    ...built(config, "kvm1"),
    format,
    packages: ["ldap-utils", "postfix", "slapd"],
  }),
  network: "shop",
  addresses: ["10.157.0.41", "10.157.0.42"],
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
  farms: {
    www: { port: 80, members: web, check: { type: "http", path: "/.health" } },
    ldap: { mode: "tcp", port: 389, members: office.at(389), check: { type: "ldap" } },
    smtp: { mode: "tcp", port: 25, members: office.at(25), check: { type: "smtp" } },
  },
});

export const url = balancers.url;
export const urls = balancers.urls;
export const health = { web: web.health, app: app.health, portal: portal.health, db: db.members };
