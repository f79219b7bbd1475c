import * as pulumi from "@pulumi/pulumi";

/** The environments of this project: one file each, loaded only for its own stack. */
const environments: { [name: string]: () => Promise<object> } = {
  dev: () => import("./dev"),
  datacenter: () => import("./datacenter"),
  "datacenter-pair": () => import("./datacenter-pair"),
  shop: () => import("./shop"),
};

/**
 * The Pulumi program. The stack's name picks the environment; a stack of another name (`dev-alice`, `staging`) says which
 * one it is with `pulumi config set environment dev`.
 */
export = async (): Promise<object> => {
  const name = new pulumi.Config().get("environment") ?? pulumi.getStack();
  const load = environments[name];
  if (!load)
    throw new pulumi.RunError(
      `there is no environment ${JSON.stringify(name)}. Allowed: ${Object.keys(environments).join(", ")}. ` +
        "Fix: name the stack after one of them, or run `pulumi config set environment NAME`",
    );
  // A plain object: the namespace object of a module is not one that Pulumi takes for outputs.
  return { ...(await load()) };
};
