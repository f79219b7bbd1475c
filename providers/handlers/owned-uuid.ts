import { createHash } from "node:crypto";

/**
 * The UUID of what a resource makes, the same whenever it makes it: an interrupted `create` finds its own again. `variant`
 * tells apart what was made in different ways.
 */
export function ownedUuid(
  { owner, connection, name }: { owner?: string; connection: string; name: string },
  ...variant: string[]
): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([owner ?? name, connection, ...variant]))
    .digest();
  // Version 8 and variant 10 of RFC 9562: a UUID by the application's own rule.
  digest[6] = (digest[6]! & 0x0f) | 0x80;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  return digest.toString("hex", 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
