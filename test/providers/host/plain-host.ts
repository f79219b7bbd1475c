import type { Connection } from "../../../providers/libvirt/connection";
import type { Acceleration } from "../../../providers/libvirt/accelerator";
import type { Check, Inspection } from "../../../providers/host/inspection";
import type { LibvirtReport } from "../../../providers/host/libvirt-report";
import type { Folder, Interface, Route, Survey } from "../../../providers/host/survey";
import type { Target } from "../../../providers/host/target";
import type { Machine, RunResult } from "../../../providers/machine/machine";
import { parsePrefix, prefix } from "../../../providers/schema/address";

/** An interface by its addresses: `iface("eth0", "192.168.155.32/24")`. */
export function iface(name: string, ...addresses: string[]): Interface {
  return { name, addresses: addresses.map((text) => ({ text, prefix: prefix(text) })) };
}

export function bridge(name: string, ...addresses: string[]): Interface {
  return { ...iface(name, ...addresses), kind: "bridge" };
}

export function route(text: string, device: string, more: Partial<Route> = {}): Route {
  return { text, destination: parsePrefix(text), device, type: "unicast", ...more };
}

/** A folder of which every part is root's and open to all, but for those named in `modes`. */
export function folder(path: string, modes: { [path: string]: string } = {}): Folder {
  const parts = path.split("/").filter(Boolean);
  const paths = ["/", ...parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`)];
  return {
    path,
    steps: paths.map((at) => ({ path: at, mode: modes[at] ?? "drwxr-xr-x", uid: 0, gid: 0 })),
    size: 100 * 2 ** 30,
    available: 50 * 2 ** 30,
  };
}

interface Differences {
  target?: Partial<Target>;
  report?: Partial<LibvirtReport>;
  survey?: Partial<Survey>;
  acceleration?: Acceleration;
  files?: { [path: string]: string };
  /** What further commands answer. */
  run?(argv: readonly string[]): Partial<RunResult>;
}

/** A plain Debian 12 host, worked on as root, in which no check finds anything; and what is different. */
export function plainHost({ target, report, survey, acceleration, files = {}, run }: Differences = {}): Inspection {
  const machine = {
    label: "this machine",
    run: async (argv: readonly string[]) => {
      if (!run) throw new Error(`nothing was expected to be run: ${argv.join(" ")}`);
      return { exitCode: 0, stdout: "", stderr: "", truncated: false, ...run(argv) };
    },
  } as Machine;
  return {
    target: {
      connection: "qemu:///system",
      machine: { kind: "local" },
      subnets: [],
      needs: {},
      directories: ["/var/lib/libvirt/images"],
      ...target,
    },
    libvirt: {
      connection: {} as Connection,
      report: {
        hostname: "kvm1",
        libvirtVersion: 9_000_000,
        hypervisorVersion: 7_002_022,
        architecture: "x86_64",
        cpus: 8,
        memory: 16 * 2 ** 30,
        cpuFeatures: new Set(["vmx"]),
        emulated: ["i686", "x86_64"],
        securityModels: [{ name: "apparmor" }, { name: "dac", baseLabel: "+64055:+64055" }],
        networks: [{ name: "default", active: false, bridge: "virbr0", mode: "nat" }],
        ...report,
      },
      acceleration: acceleration ?? { accelerator: "kvm", reason: "a guest ran under KVM" },
    },
    machine: {
      machine,
      survey: {
        root: true,
        qemuUser: { name: "libvirt-qemu", uid: 64055, groups: [107, 64055] },
        kvm: { path: "/dev/kvm", mode: "crw-rw----", uid: 0, gid: 107 },
        interfaces: [iface("lo", "127.0.0.1/8", "::1/128"), iface("eth0", "192.168.155.32/24", "2001:db8:1::32/64")],
        routes: [
          { text: "default", device: "eth0", gateway: "192.168.155.1", type: "unicast" },
          route("192.168.155.0/24", "eth0", { protocol: "kernel" }),
          route("2001:db8:1::/64", "eth0", { protocol: "kernel" }),
          route("fe80::/64", "eth0", { protocol: "kernel" }),
        ],
        programs: new Set(["qemu-img", "dnsmasq", "iptables", "nft", "mmdebstrap", "mke2fs", "setfacl"]),
        files: new Map(
          Object.entries({
            "/proc/sys/net/ipv4/ip_forward": "0",
            "/proc/sys/net/ipv6/conf/all/forwarding": "0",
            "/proc/sys/net/ipv6/conf/all/accept_ra": "1",
            "/proc/sys/net/ipv6/conf/eth0/accept_ra": "1",
            "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian',
            ...files,
          }),
        ),
        chains: ["ip", "ip6"].flatMap((family) => [
          { family, table: "filter", name: "INPUT", hook: "input", policy: "accept" },
          { family, table: "filter", name: "FORWARD", hook: "forward", policy: "accept" },
        ]),
        forwardingWritable: true,
        folders: [folder("/var/lib/libvirt/images")],
        ...survey,
      },
    },
  };
}

/** A network of the program and its subnets, for a target. */
export function declares(...subnets: string[]): Partial<Target> {
  return { subnets: subnets.map((subnet) => ({ name: "lab", subnet })) };
}

/** What a check finds, as "level field: problem => fix". */
export async function found(check: Check, inspection: Inspection): Promise<string[]> {
  const outcome = await check.look(inspection);
  if ("skipped" in outcome) return [`skipped: ${outcome.skipped}`];
  return outcome.map(({ level, field, problem, fix }) => `${level} ${field}: ${problem} => ${fix}`);
}
