import { createHash } from "node:crypto";
import type { BootstrapImageInputs } from "../schema/bootstrap-image";
import { bytes } from "../schema/size";
import { archive, type ArchiveEntry } from "./archive";
import { buildScript, CUSTOMIZE, EXTRACT, SETUP } from "./build-script";
import { customise } from "./customise-script";
import { GUEST_INIT, INITRD_MODULES } from "./guest-initrd";
import { ENABLED_UNITS, GUEST_FILES, LATE_UNITS, MASKED_GENERATORS, MASKED_UNITS } from "./guest-system";

/** What one image is built from: everything that determines its content, and the name that follows from that. */
export interface Recipe {
  /** File name without its ending: "debian-bookworm-1f2e3d4c5b6a". */
  name: string;
  /** The first 12 hex digits of the SHA-256 over all that determines the content. */
  hash: string;
  format: BootstrapImageInputs["format"];
  /** Virtual size in bytes; 0 for a folder. */
  size: number;
  /** What the build script reads from standard input. */
  archive: Buffer;
}

/** What every guest has; patterns where a release may not have the package as one of its own. */
const base = [
  "systemd",
  "systemd-sysv",
  "dbus",
  "passwd",
  "netbase",
  "iproute2",
  "procps",
  "ca-certificates",
  "?exact-name(systemd-resolved)",
];

/** What a virtual machine has beside: devices, a clock, and its agent. */
const machine = ["udev", "kmod", "qemu-guest-agent", "busybox-static", "?exact-name(systemd-timesyncd)"];

const aptOptions = `Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
APT::Install-Recommends "false";
Dpkg::Use-Pty "false";
`;

const dpkgOptions = `path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/info/*
path-exclude=/usr/share/lintian/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
`;

const bootPackage = `Package: guest-boot
Version: 1
Architecture: all
Maintainer: root <root@localhost>
Provides: linux-initramfs-tool
Description: boots a kernel that the host hands over
`;

/** What a disk is booted with. */
const boot: ArchiveEntry[] = [
  { name: "control", content: bootPackage },
  { name: "init", content: GUEST_INIT },
  { name: "modules", content: INITRD_MODULES.map((name) => `${name}\n`).join("") },
];

/** The recipe of the image that these inputs declare. The host and the folder do not matter for its content. */
export function recipeOf(inputs: BootstrapImageInputs): Recipe {
  const entries = members(inputs);
  const { format } = inputs;
  const size = inputs.size === undefined ? 0 : bytes(inputs.size);
  const digest = createHash("sha256")
    .update(buildScript(format))
    .update(String(size))
    .update(inputs.serial ?? "");
  for (const { name, content } of entries) digest.update(`\0${name}\0`).update(content);
  const hash = digest.digest("hex").slice(0, 12);
  const name = `${inputs.distribution}-${inputs.suite}-${hash}`;
  return { name, hash, format, size, archive: archive(entries) };
}

function members(inputs: BootstrapImageInputs): ArchiveEntry[] {
  const files = Object.entries(bakedFiles(inputs)).sort(([a], [b]) => (a < b ? -1 : 1));
  const services = Object.entries(inputs.services ?? {});
  const only = (wanted: boolean) => services.filter(([, enabled]) => enabled === wanted).map(([unit]) => unit);
  return [
    { name: "release", content: `${inputs.distribution} ${inputs.suite} ${inputs.components.join(",")}\n` },
    { name: "architecture", content: lines(inputs.architecture ? [inputs.architecture] : []) },
    { name: "sources", content: lines(sources(inputs)) },
    { name: "packages", content: lines(packagesOf(inputs)) },
    { name: "kernel", content: lines(inputs.kernelPackage ? [inputs.kernelPackage] : []) },
    { name: "apt", content: aptOptions },
    { name: "dpkg", content: dpkgOptions },
    { name: "setup", content: SETUP },
    { name: "extract", content: EXTRACT },
    { name: "customize", content: CUSTOMIZE },
    { name: "customise", content: customise(inputs.format) },
    ...(inputs.format === "qcow2" ? boot : []),
    { name: "masks", content: lines(MASKED_UNITS) },
    { name: "generators", content: lines(MASKED_GENERATORS) },
    { name: "late", content: lines(LATE_UNITS) },
    { name: "enable", content: lines([...ENABLED_UNITS[inputs.format], ...only(true)]) },
    { name: "disable", content: lines(only(false)) },
    { name: "files", content: lines(files.map(([path, { mode }], number) => `${number} ${mode} ${path}`)) },
    ...files.map(([, { content }], number) => ({ name: `files.${number}`, content })),
  ];
}

function bakedFiles(inputs: BootstrapImageInputs) {
  const own = Object.fromEntries(
    Object.entries(GUEST_FILES[inputs.format]).map(([path, content]) => [path, { content, mode: "0644" }]),
  );
  const keys = inputs.sshAuthorizedKeys ?? [];
  const authorized = keys.length > 0 && { "/root/.ssh/authorized_keys": { content: lines(keys), mode: "0600" } };
  return { ...own, ...authorized, ...inputs.files };
}

function packagesOf(inputs: BootstrapImageInputs): string[] {
  const disk = inputs.format === "qcow2";
  const wanted = [...base, ...(disk ? machine : []), ...inputs.packages];
  // Its kernel modules are compressed with it.
  if (disk && inputs.distribution === "ubuntu") wanted.push("zstd");
  if (inputs.sshAuthorizedKeys?.length) wanted.push("openssh-server");
  return [...new Set(wanted)];
}

function sources({ mirror = [], suite, components }: BootstrapImageInputs): string[] {
  return mirror.map((each) => (each.startsWith("deb ") ? each : `deb ${each} ${suite} ${components.join(" ")}`));
}

function lines(list: readonly string[]): string {
  return list.map((line) => `${line}\n`).join("");
}
