import { mkdir } from "node:fs/promises";
import * as v from "valibot";
import { ImageBuilder } from "../../providers/image/image-builder";
import { recipeOf } from "../../providers/image/recipe";
import { LocalMachine } from "../../providers/machine/local-machine";
import { bootstrapImageSchema } from "../../providers/schema/bootstrap-image";
import { skip } from "../skip";

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
  const declared = { machine: { kind: "local" }, directory, packages };
  const recipe = recipeOf(v.parse(bootstrapImageSchema, declared));
  try {
    await mkdir(directory, { recursive: true });
    await new ImageBuilder(new LocalMachine()).build(recipe, directory, { progress() {} });
  } catch (error) {
    skip(context, `no image for virtual machines can be built: ${(error as Error).message.split("\n")[0]}`);
  }
  const file = (ending: string) => `${directory}/${recipe.name}${ending}`;
  return {
    path: file(".qcow2"),
    kernel: file("-vmlinuz"),
    initrd: file("-initrd"),
    cmdline: "root=/dev/vda rw console=ttyS0 net.ifnames=0",
  };
}
