import type { Finding } from "../finding";
import { ofBoth, ofMachine } from "../inspection";
import { privileged } from "../privileged";

const ipv4Knob = "/proc/sys/net/ipv4/ip_forward";
const ipv6Knob = "/proc/sys/net/ipv6/conf/all/forwarding";

/**
 * Packets are forwarded where a network needs it. libvirt switches forwarding on when it starts such a network, so it
 * matters only where it cannot, or where somebody switched it off since.
 */
export const forwarding = ofMachine("IP forwarding", ({ survey }, libvirt, { target }) => {
  const wanted = target.subnets.filter(({ mode = "nat" }) => mode !== "isolated");
  const running = libvirt?.report.networks.filter(
    ({ active, mode }) => active && ["nat", "route", "open"].includes(mode),
  );
  return [
    { knob: ipv4Knob, sysctl: "net.ipv4.ip_forward", six: false },
    { knob: ipv6Knob, sysctl: "net.ipv6.conf.all.forwarding", six: true },
  ].flatMap(({ knob, sysctl, six }): Finding[] => {
    if (survey.files.get(knob) !== "0") return [];
    const network = wanted.find(({ subnet }) => subnet.includes(":") === six);
    if (network && survey.root && !survey.forwardingWritable)
      return [
        {
          level: "error",
          field: "subnets",
          problem: `${sysctl} is 0 and cannot be set: network ${network.name} cannot forward ${network.subnet}`,
          fix: `make ${knob} writable (a container needs --privileged), or set ${sysctl}=1 from outside`,
        },
      ];
    const broken = running?.find((one) => !six || one.ipv6 !== undefined);
    if (!broken) return [];
    return [
      {
        level: "warning",
        field: "subnets",
        problem: `${sysctl} is 0 although network ${broken.name} runs: its guests reach nobody beyond the host`,
        fix: privileged(survey, `sysctl -w ${sysctl}=1`),
      },
    ];
  });
});

/**
 * libvirt starts no forwarding IPv6 network while the kernel itself holds routes from router advertisements: with
 * forwarding on it would drop them (virNetDevIPCheckIPv6Forwarding; accept_ra in the kernel's ip-sysctl.rst).
 */
export const routerAdvertisements = ofBoth("IPv6 routes from advertisements", ({ survey }, { report }, { target }) => {
  const wanted = target.subnets.find(
    ({ name, subnet, mode = "nat" }) =>
      subnet.includes(":") &&
      mode !== "isolated" &&
      !report.networks.some((network) => network.name === name && network.active && network.ipv6 !== undefined),
  );
  if (!wanted) return [];
  const acceptRa = (device: string) => survey.files.get(`/proc/sys/net/ipv6/conf/${device}/accept_ra`);
  if (acceptRa("all") === "2") return [];
  const devices = (survey.routes ?? []).flatMap(({ protocol, device }) => (protocol === "ra" ? (device ?? []) : []));
  return [...new Set(devices)]
    .filter((device) => acceptRa(device) === "1")
    .map((device) => ({
      level: "error",
      field: "subnets",
      problem: `network ${wanted.name} (${wanted.subnet}) cannot start: ${device} has routes from router advertisements, which the kernel drops when it forwards IPv6 while accept_ra of ${device} is 1. Allowed: 2`,
      fix: privileged(survey, `sysctl -w net/ipv6/conf/${device}/accept_ra=2`),
    }));
});
