/**
 * The program text that Pulumi stores with every resource of a kind and runs in its dynamic provider process.
 *
 * It names the kind and nothing else: no path, no version, no logic, so that it is the same in every project, stays a
 * few bytes in the state, and never shows as a change when the product is updated. `createRequire` resolves the package
 * from the project's folder: in a user's project through node_modules, in this repository as a self-reference.
 */
export function shell(kind: string): string {
  return `exports.handler=()=>require("module").createRequire(process.cwd()+"/")("pulumi-kvm/plugin").provider(${JSON.stringify(kind)})`;
}
