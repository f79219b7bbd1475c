import { builtImageOr } from "./built-image";

/** Where the machine keeps it between runs. */
const directory = "/var/cache/pulumi-kvm-machines";

/** What a virtual machine boots from, on this machine. */
export interface MachineImage {
  path: string;
  kernel: string;
  initrd: string;
  cmdline: string;
}

/**
 * The disk of a Debian system for virtual machines: built once and kept. The suite is skipped where it cannot be built.
 */
export async function machineImageOr(context: Mocha.Context, packages: string[] = []): Promise<MachineImage> {
  const image = await builtImageOr(context, directory, { packages }, "virtual machines");
  return {
    path: `${image}.qcow2`,
    kernel: `${image}-vmlinuz`,
    initrd: `${image}-initrd`,
    cmdline: "root=/dev/vda rw console=ttyS0 net.ifnames=0",
  };
}
