import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import type { HostNetwork } from "./lab-layout";

const folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const programs = [
  ...["unshare", "nsenter", "setpriv", "flock", "pivot_root", "ip", "sysctl", "ping", "curl", "busybox", "dnsmasq"],
  ...["libvirtd", "virtlogd", "sshd", "ssh", "ssh-keygen", "nc"],
];
const managers: { [Network in HostNetwork]: string[] } = {
  ifupdown: ["/usr/sbin/ifup"],
  networkd: ["/lib/systemd/systemd-networkd", "/usr/bin/dbus-daemon"],
  networkmanager: ["/usr/sbin/NetworkManager", "/usr/bin/dbus-daemon"],
  none: [],
};

/** Why there can be no lab here whose hosts have this kind of network; undefined when there can. */
export function labObstacle(network: HostNetwork): string | undefined {
  if (process.getuid?.() !== 0) return "needs root, for namespaces";
  const missing = [
    ...programs.filter((name) => !folders.some((folder) => existsSync(path.join(folder, name)))),
    ...managers[network].filter((file) => !existsSync(file)).map((file) => path.basename(file)),
  ];
  if (missing.length > 0) return `needs ${missing.join(", ")}`;
  return overlays() ? undefined : "needs the kernel's overlayfs";
}

function overlays(): boolean {
  const known = () => /\boverlay$/m.test(readFileSync("/proc/filesystems", "utf8"));
  if (known()) return true;
  try {
    execFileSync("modprobe", ["overlay"], { stdio: "ignore" });
  } catch {
    // Then it shows below.
  }
  return known();
}
