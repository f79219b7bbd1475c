import * as pulumi from "@pulumi/pulumi";
import { secretFieldsProperty } from "./secret-fields";
import { shell } from "./shell";

/**
 * What every resource class extends. It registers with Pulumi's dynamic provider as `pulumi.dynamic.Resource` does, but
 * with a constant shell in the place of a serialised closure: that class loads the TypeScript compiler in every run to
 * serialise its handler, and stores the handler's source in the state of every resource.
 */
export abstract class Resource extends pulumi.CustomResource {
  /**
   * @param kind the name under which handlers/index.ts registers the handler
   * @param outputs names of the properties that the handler computes and the program cannot set
   * @param secrets names of the properties that are always encrypted in the state
   */
  protected constructor(
    kind: string,
    name: string,
    args: object,
    outputs: readonly string[],
    opts?: pulumi.CustomResourceOptions,
    secrets: readonly string[] = [],
  ) {
    const computed = Object.fromEntries(outputs.map((output) => [output, undefined]));
    const additionalSecretOutputs = [...(opts?.additionalSecretOutputs ?? []), ...secrets];
    super(
      `pulumi-nodejs:dynamic/kvm:${kind}`,
      name,
      { ...computed, ...args, [secretFieldsProperty]: namesOfSecrets(args), __provider: shell(kind) },
      additionalSecretOutputs.length > 0 ? { ...opts, additionalSecretOutputs } : opts,
    );
  }
}

/** The fields that hold a secret, at any depth; undefined where none does. */
async function namesOfSecrets(args: object): Promise<string[] | undefined> {
  const fields = await Promise.all(
    Object.entries(args).map(async ([field, value]) => ((await holdsSecret(value)) ? [field] : [])),
  );
  const secret = fields.flat();
  return secret.length > 0 ? secret : undefined;
}

async function holdsSecret(value: unknown): Promise<boolean> {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Promise) return holdsSecret(await value);
  if (pulumi.Output.isInstance(value)) return pulumi.isSecret(value);
  if (pulumi.Resource.isInstance(value)) return false;
  return (await Promise.all(Object.values(value).map(holdsSecret))).some(Boolean);
}
