import { firewallBackend, firewallProgram } from "../firewall";
import { ofMachine, type LibvirtSide, type MachineSide } from "../inspection";
import { install } from "../privileged";
import { driverOf, type Target } from "../target";

const packages = {
  "qemu-img": { debian: "qemu-utils", redhat: "qemu-img", suse: "qemu-img", arch: "qemu-img" },
  dnsmasq: { debian: "dnsmasq-base", redhat: "dnsmasq", suse: "dnsmasq", arch: "dnsmasq" },
  iptables: { debian: "iptables", redhat: "iptables-nft", suse: "iptables", arch: "iptables" },
  ebtables: { debian: "iptables", redhat: "iptables-nft", suse: "ebtables", arch: "iptables" },
  nft: { debian: "nftables", redhat: "nftables", suse: "nftables", arch: "nftables" },
  mmdebstrap: { debian: "mmdebstrap", redhat: "mmdebstrap", suse: "mmdebstrap", arch: "mmdebstrap" },
  mke2fs: { debian: "e2fsprogs", redhat: "e2fsprogs", suse: "e2fsprogs", arch: "e2fsprogs" },
};

type Program = keyof typeof packages;

/** The programs that libvirt and image builds call are installed on the host. */
export const programs = ofMachine("programs", (machine, libvirt, { target }) => {
  const needed = neededPrograms(target, machine, libvirt);
  const missing = [...needed].filter(([program]) => !machine.survey.programs.has(program));
  if (missing.length === 0) return [];
  return [
    {
      level: "error",
      field: "needs",
      problem: `not installed: ${missing.map(([program, use]) => `${program} (${use})`).join(", ")}`,
      fix: install(
        machine.survey,
        missing.map(([program]) => packages[program]),
      ),
    },
  ];
});

function neededPrograms(target: Target, machine: MachineSide, libvirt?: LibvirtSide): Map<Program, string> {
  const needed = new Map<Program, string>();
  if (driverOf(target.connection) === "qemu" && target.directories.length > 0) needed.set("qemu-img", "makes volumes");
  if (target.subnets.length > 0) {
    needed.set("dnsmasq", "serves DHCP and DNS");
    const backend = firewallBackend(machine.survey, libvirt?.report);
    const has = (program: Program) => machine.survey.programs.has(program);
    // Where the backend is not known, either will do.
    const program = backend ? firewallProgram[backend] : has("iptables") ? "iptables" : "nft";
    needed.set(program, "guards and translates the networks");
  }
  if (target.needs.networkFilters) needed.set("ebtables", "keeps guests from speaking as others");
  if (target.needs.images) {
    needed.set("mmdebstrap", "builds images");
    needed.set("mke2fs", "builds images");
    needed.set("qemu-img", "builds images");
  }
  return needed;
}
