import * as pulumi from "@pulumi/pulumi";
import { run, type Registered } from "../components/mocks";
import stacks from "../../stacks";

export type Outputs = { [name: string]: pulumi.Output<unknown> };

/** What one of the environments registers with a configuration, and its outputs. */
export async function environment(
  name: string,
  config: { [name: string]: string },
): Promise<{ made: Registered[]; outputs: Outputs }> {
  pulumi.runtime.setAllConfig({ ...config, "pulumi-kvm:environment": name });
  // A program is its module: it runs once where it is not forgotten.
  delete require.cache[require.resolve(`../../stacks/${name}`)];
  let outputs!: Outputs;
  const program = stacks as () => Promise<Outputs>;
  const made = await run(async () => (outputs = await program()));
  return { made, outputs };
}
