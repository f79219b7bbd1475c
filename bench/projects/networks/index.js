"use strict";
const { count, connection, machine } = JSON.parse(process.env.BENCH);
if (count > 0) {
  const { Network, PortForward } = require("pulumi-kvm");
  for (let at = 1; at <= count; at++) {
    const network = new Network(`bench-${at}`, { connection, ipv4: `10.209.${at}.0/24`, ipv6: `fd00:209:${at}::/64` });
    new PortForward(
      `bench-${at}`,
      { host: { connection, machine }, to: `10.209.${at}.10`, ports: [{ host: 20000 + at, guest: 80 }] },
      { dependsOn: network },
    );
  }
}
