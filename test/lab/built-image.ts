import { mkdir } from "node:fs/promises";
import * as v from "valibot";
import { ImageBuilder } from "../../providers/image/image-builder";
import { recipeOf } from "../../providers/image/recipe";
import { LocalMachine } from "../../providers/machine/local-machine";
import { bootstrapImageSchema } from "../../providers/schema/bootstrap-image";
import { skip } from "../skip";

/**
 * A Debian image on this machine, built once and kept; returns what its files begin with. The suite is skipped where it
 * cannot be built.
 */
export async function builtImageOr(
  context: Mocha.Context,
  directory: string,
  shape: { format?: "directory"; packages: string[] },
  guests: string,
): Promise<string> {
  const recipe = recipeOf(v.parse(bootstrapImageSchema, { machine: { kind: "local" }, directory, ...shape }));
  try {
    await mkdir(directory, { recursive: true });
    await new ImageBuilder(new LocalMachine()).build(recipe, directory, { progress() {} });
  } catch (error) {
    skip(context, `no image for ${guests} can be built: ${(error as Error).message.split("\n")[0]}`);
  }
  return `${directory}/${recipe.name}`;
}
