import { createHash } from "node:crypto";
import type { Files } from "./files";
import { networkFiles } from "./network-files";
import { type HostNetwork, type NodePlan, lanGateways } from "./lab-layout";

/** What every node has from its first boot. */
export function commonFiles(plan: NodePlan, all: readonly NodePlan[]): Files {
  return {
    "etc/hostname": `${plan.name}\n`,
    "etc/hosts": `127.0.0.1 localhost\n::1 localhost ip6-localhost\n${hostLines(all)}`,
    "etc/machine-id": `${identity(plan.name).replaceAll("-", "")}\n`,
    "etc/resolv.conf": `search lab\nnameserver ${lanGateways[0]}\n`,
    "etc/lab/addresses": addressBatch(plan),
  };
}

/** Lines of /etc/hosts; the LAN's addresses where a node has several. */
export function hostLines(nodes: readonly NodePlan[]): string {
  const lines = nodes.flatMap(({ name, nics }) =>
    nics[0]!.addresses.map((address) => `${bare(address)} ${name} ${name}.lab\n`),
  );
  return lines.join("");
}

function bare(address: string): string {
  return address.split("/")[0]!;
}

/** A UUID that is the node's in every lab of this machine and at every boot. */
function identity(name: string): string {
  const digest = createHash("sha256").update(`pulumi-kvm lab ${name}`).digest("hex");
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `4${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join("-");
}

/** For `ip -batch`: what a node without a network configuration of its own sets at boot. */
function addressBatch({ nics, gateways }: NodePlan): string {
  const addresses = nics.flatMap(({ name, addresses }) => [
    ...addresses.map((address) => `addr add ${address} dev ${name}${address.includes(":") ? " nodad" : ""}`),
    `link set ${name} up`,
  ]);
  const routes = gateways.map((gateway) => `route replace default via ${gateway} dev ${nics[0]!.name}`);
  return [...addresses, ...routes, ""].join("\n");
}

/** The host's network configuration, sshd and libvirt. */
export function hostFiles(plan: NodePlan, network: HostNetwork, keys: { host: string; authorized: string }): Files {
  return {
    ...networkFiles(plan, network),
    "etc/ssh/sshd_config": sshd,
    "etc/ssh/ssh_host_ed25519_key": { content: keys.host, mode: 0o600 },
    "root/.ssh/authorized_keys": { content: keys.authorized, mode: 0o600 },
    "etc/libvirt/libvirtd.conf": [
      'auth_unix_ro = "none"',
      'auth_unix_rw = "none"',
      `host_uuid = "${identity(plan.name)}"`,
      "",
    ].join("\n"),
    "etc/libvirt/qemu.conf": 'security_driver = "none"\n',
    "etc/libvirt/lxc.conf": 'security_driver = "none"\n',
  };
}

const sshd = [
  "Port 22",
  "HostKey /etc/ssh/ssh_host_ed25519_key",
  "PidFile /run/sshd.pid",
  "UsePAM no",
  "PasswordAuthentication no",
  "PermitRootLogin prohibit-password",
  "MaxStartups 100",
  "UseDNS no",
  "",
].join("\n");

export interface DnsmasqOptions {
  /** Also hands out addresses on the LAN: DHCP, and router advertisements for fd00:155::/64. */
  dhcp: boolean;
}

/** The router's dnsmasq: the lab's names and, asked for, addresses. */
export function dnsmasqConfig({ dhcp }: DnsmasqOptions): string {
  return [
    "no-resolv",
    "domain=lab",
    "local=/lab/",
    "pid-file=/run/dnsmasq.pid",
    "interface=eth0",
    "bind-interfaces",
    "user=root",
    ...(dhcp
      ? [
          "dhcp-range=192.168.155.100,192.168.155.199,255.255.255.0,1h",
          `dhcp-option=option:router,${lanGateways[0]}`,
          "dhcp-range=fd00:155::,ra-stateless,64,1h",
          "enable-ra",
          "dhcp-leasefile=/run/dnsmasq.leases",
          "dhcp-authoritative",
        ]
      : []),
    "",
  ].join("\n");
}

/** The server in the internet: its one page is the client's address. */
export const addressPage: Files = {
  "srv/lab/cgi-bin/index.cgi": {
    content: [
      "#!/bin/sh",
      "address=${REMOTE_ADDR#[}",
      "address=${address%]}",
      "printf 'Content-Type: text/plain\\r\\n\\r\\n%s\\n' \"${address#::ffff:}\"",
      "",
    ].join("\n"),
    mode: 0o755,
  },
};
