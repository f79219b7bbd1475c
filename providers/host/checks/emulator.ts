import { ofLibvirt } from "../inspection";
import { install } from "../privileged";
import { driverOf } from "../target";

/** Debian's packages of QEMU's system emulators. */
const debian: { [architecture: string]: string } = {
  x86_64: "qemu-system-x86",
  i686: "qemu-system-x86",
  aarch64: "qemu-system-arm",
  armv7l: "qemu-system-arm",
  ppc64le: "qemu-system-ppc",
  s390x: "qemu-system-misc",
  riscv64: "qemu-system-misc",
};

/** QEMU can run machines of the host's own architecture. */
export const emulator = ofLibvirt("QEMU", ({ report }, { target, machine }) => {
  const { architecture, emulated } = report;
  if (driverOf(target.connection) !== "qemu") return { skipped: "the connection is not QEMU's" };
  if (emulated.includes(architecture)) return [];
  const packages = {
    debian: debian[architecture] ?? "qemu-system",
    redhat: "qemu-kvm",
    suse: "qemu-kvm",
    arch: "qemu-base",
  };
  return [
    {
      level: "error",
      field: "connection",
      problem: `libvirt finds no QEMU for ${architecture}, only for ${emulated.join(", ") || "nothing"}`,
      fix:
        machine === undefined || machine instanceof Error
          ? `install ${packages.debian} (Debian) or qemu-kvm (Fedora, RHEL)`
          : install(machine.survey, [packages]),
    },
  ];
});
