import type * as pulumi from "@pulumi/pulumi";

/** One server that requests are handed on to. */
export interface UpstreamMember {
  name: string;
  /** IPv4 or IPv6, without brackets. */
  address: string;
  port: number;
  protocol: string;
}

/** What requests can be handed on to: every tier is one. */
export interface Upstream {
  readonly members: pulumi.Output<readonly UpstreamMember[]>;
}

/** Whether it is a tier, not a URL or settings. */
export function isUpstream(value: unknown): value is Upstream {
  return typeof value === "object" && value !== null && "members" in value;
}

/** An address as URLs and configuration files have it before a port: "192.0.2.1", "[2001:db8::1]". */
export function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
