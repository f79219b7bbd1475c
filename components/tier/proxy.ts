import * as pulumi from "@pulumi/pulumi";
import type { ProxyArgs, ProxyMemberArgs, ProxySettingsArgs } from "../../providers/resources/web-site-args";
import { isUpstream, type Upstream, type UpstreamMember } from "./upstream";

/** What requests are handed on to: a tier, a URL, or several URLs: "http://192.0.2.1:8080". */
export type ProxyTarget = Upstream | string | string[];

/** What requests below a path are handed on to, and how. */
export interface TierProxyArgs extends ProxySettingsArgs {
  to: ProxyTarget;
}

/** A path's proxy in the words of the resource. */
export function proxyArgs(subject: string, given: ProxyTarget | TierProxyArgs): ProxyArgs {
  const whole = typeof given === "string" || Array.isArray(given) || isUpstream(given) ? { to: given } : given;
  const { to, ...settings } = whole;
  if (isUpstream(to)) return { ...settings, to: to.members.apply((members) => members.map(handedTo)) };
  const places = [to].flat().map((url) => place(subject, url));
  const bases = [...new Set(places.map(({ base }) => base))];
  if (bases.length > 1)
    throw new pulumi.RunError(
      `${subject}: the URLs have different paths, ${bases.map((base) => `"${base}"`).join(" and ")}. Allowed: the same`,
    );
  const [base] = bases;
  return {
    ...(base !== undefined && base !== "/" && { path: base }),
    ...settings,
    to: places.map(({ member }) => member),
  };
}

function handedTo({ name, address, port, protocol }: UpstreamMember): ProxyMemberArgs {
  return { name, address, port, protocol: protocol as "http" | "https" };
}

function place(subject: string, url: string): { member: ProxyMemberArgs; base: string } {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
  const problem = !parsed
    ? "is not a URL"
    : !/^https?:$/.test(parsed.protocol)
      ? `has the scheme ${parsed.protocol.slice(0, -1)}`
      : parsed.search || parsed.hash || parsed.username
        ? "has more than a server and a path"
        : undefined;
  if (!parsed || problem !== undefined)
    throw new pulumi.RunError(
      `${subject}: ${JSON.stringify(url)} ${problem}. Allowed: a tier, or URLs such as "http://192.0.2.1:8080"`,
    );
  const protocol = parsed.protocol === "https:" ? "https" : "http";
  const address = parsed.hostname.replace(/^\[|\]$/g, "");
  const port = Number(parsed.port) || (protocol === "https" ? 443 : 80);
  const name = `${address}-${port}`.replace(/[^A-Za-z0-9.-]/g, "_");
  return { member: { name, address, port, protocol }, base: parsed.pathname };
}
