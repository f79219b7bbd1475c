import * as pulumi from "@pulumi/pulumi";
import type { TierMember } from "./members";
import { bracketed, type UpstreamMember } from "./upstream";

/** One server of a tier. */
export interface TierServer extends UpstreamMember {
  ipv4?: string;
  ipv6?: string;
}

/** A member with its server. */
export interface Served<Server extends pulumi.CustomResource> {
  member: TierMember;
  server: Server;
}

/** The members that others may ask at a port, which they are only once they serve. */
export function serversOf(
  made: readonly Served<pulumi.CustomResource>[],
  port: pulumi.Input<number>,
): pulumi.Output<TierServer[]> {
  const serving = ({ member, server }: Served<pulumi.CustomResource>) =>
    pulumi
      // Its id is known while it changes: what has it as upstream does not change with it.
      .all([member.address, member.ipv4, member.ipv6, port, server.id])
      .apply(([address, ipv4, ipv6, at]) => ({
        name: member.name,
        address,
        port: at,
        protocol: "http",
        ...(ipv4 !== undefined && { ipv4 }),
        ...(ipv6 !== undefined && { ipv6 }),
      }));
  return pulumi.all(made.map(serving)).apply((members) => members);
}

/** What each server said last, by the names of the members. */
export function healthOf<Health>(
  made: readonly Served<pulumi.CustomResource & { readonly health: pulumi.Output<Health> }>[],
): pulumi.Output<{ [name: string]: Health }> {
  const named = made.map(({ member, server }) => server.health.apply((health) => [member.name, health] as const));
  return pulumi.all(named).apply((pairs) => Object.fromEntries(pairs) as { [name: string]: Health });
}

const usual = { http: 80, https: 443, tcp: undefined };

/** Where a server is found, without the port that its scheme has anyway. */
export function urlOf(address: string, scheme: keyof typeof usual, port: number): string {
  const host = `${scheme}://${bracketed(address)}${port === usual[scheme] ? "" : `:${port}`}`;
  return scheme === "tcp" ? host : `${host}/`;
}
