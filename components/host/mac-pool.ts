import * as pulumi from "@pulumi/pulumi";

/** The beginning of MAC addresses, 3 to 5 bytes: "52:54:00:1a". */
export function checkedPool(subject: string, pool: string | undefined): string | undefined {
  if (pool === undefined) return undefined;
  const example = 'Allowed: the first 3 to 5 bytes, an even one first, e.g. "52:54:00:1a"';
  if (typeof pool !== "string" || !/^[0-9a-f]{2}(:[0-9a-f]{2}){2,4}$/i.test(pool))
    throw new pulumi.RunError(`${subject}: macPool: got ${JSON.stringify(pool)}. ${example}`);
  if ((parseInt(pool, 16) & 1) === 1)
    throw new pulumi.RunError(`${subject}: macPool: ${pool} begins addresses of groups. ${example}`);
  return pool.toLowerCase();
}
