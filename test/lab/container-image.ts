import { builtImageOr } from "./built-image";

/** Where the machine keeps it between runs; lab hosts see it under the same path. */
const directory = "/var/cache/pulumi-kvm-containers";

/**
 * The folder of a Debian system with these packages, for containers: built once and kept. The suite is skipped where it cannot be
 * built.
 */
export async function containerImageOr(context: Mocha.Context, packages: string[] = ["nginx-light"]): Promise<string> {
  return `${await builtImageOr(context, directory, { format: "directory", packages }, "containers")}.root`;
}
