import * as v from "valibot";
import { ImageBuilder } from "../../providers/image/image-builder";
import { recipeOf } from "../../providers/image/recipe";
import { LocalMachine } from "../../providers/machine/local-machine";
import { bootstrapImageSchema } from "../../providers/schema/bootstrap-image";
import { skip } from "../skip";

/** Where the machine keeps it between runs; lab hosts see it under the same path. */
const directory = "/var/cache/pulumi-kvm-containers";

/**
 * The folder of a Debian system with these packages, for containers: built once and kept. The suite is skipped where it cannot be
 * built.
 */
export async function containerImageOr(context: Mocha.Context, packages: string[] = ["nginx-light"]): Promise<string> {
  const declared = { machine: { kind: "local" }, directory, format: "directory", packages };
  const recipe = recipeOf(v.parse(bootstrapImageSchema, declared));
  try {
    await new ImageBuilder(new LocalMachine()).build(recipe, directory, { progress() {} });
  } catch (error) {
    skip(context, `no image for containers can be built: ${(error as Error).message.split("\n")[0]}`);
  }
  return `${directory}/${recipe.name}.root`;
}
