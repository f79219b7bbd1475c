"use strict";
const { count, connection, machine } = JSON.parse(process.env.BENCH);
if (count > 0) {
  const { KvmHost, WebTier } = require("pulumi-kvm");
  const host = new KvmHost("kvm1", {
    connection: { uri: connection },
    machine,
    networks: { bench: { ipv4: "10.209.1.0/24" } },
  });
  new WebTier("web", {
    host,
    count,
    kind: "lxc",
    image: { retain: "keep", shared: { machine: { kind: "local" }, directory: "/var/cache/pulumi-kvm-containers" } },
    network: "bench",
    memory: "64MiB",
    maxUnavailable: count,
    sites: { "www.example.org": { root: "./site" } },
  });
}
