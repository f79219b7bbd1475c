import type * as pulumi from "@pulumi/pulumi";

/** One server of a farm. */
export interface FarmMemberArgs {
  /** How the statistics page, the metrics and the cookies call it. */
  name: pulumi.Input<string>;
  /** IPv4, IPv6 or a host name. */
  address: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** "https" has it asked in TLS; everything else in the clear. Default "tcp". */
  protocol?: pulumi.Input<string>;
  /** Its share beside the others, 1 to 256. Default 1. Told to the running HAProxy without a reload. */
  weight?: pulumi.Input<number>;
  /** It is asked only while none of the others is well. Default false. */
  backup?: pulumi.Input<boolean>;
  /** How many connections it has at once; the rest waits in the queue. Default: all. */
  maxConnections?: pulumi.Input<number>;
  /**
   * "drain": nobody new, those with a session or a connection stay; "maintenance": nobody. Told to the running HAProxy
   * without a reload, and kept over reloads and restarts. Default "ready".
   */
  state?: pulumi.Input<"ready" | "drain" | "maintenance">;
}

/** How members are asked whether they are well. */
export interface FarmCheckArgs {
  /**
   * "tcp" (default): a connection; "http": a page; "ldap": an anonymous bind; "smtp": a greeting and EHLO; "imap", "pop3": a
   * greeting; "none": not at all.
   */
  type?: pulumi.Input<"tcp" | "http" | "ldap" | "smtp" | "imap" | "pop3" | "none">;
  /** Of "http". Default "/". */
  path?: pulumi.Input<string>;
  /** Of "http": the Host header. Default "balancer". */
  host?: pulumi.Input<string>;
  /** Of "http": "200", or a range. Default "200-399". */
  status?: pulumi.Input<string>;
  /** Default: the member's. */
  port?: pulumi.Input<number>;
  /** Default "500ms"; a fifth of it while a member is on its way up or down. */
  interval?: pulumi.Input<string>;
  /** Default "1s". */
  timeout?: pulumi.Input<string>;
  /** How many good answers bring a member back. Default 2. */
  rise?: pulumi.Input<number>;
  /** How many bad ones take it out. Default 2. */
  fall?: pulumi.Input<number>;
}

/** Which requests go to another farm. */
export interface FarmRuleArgs {
  /** "www.example.org", "*.example.org". Default: all. */
  hosts?: pulumi.Input<string[]>;
  /** A path and all below it: "/shop". Default: all. */
  path?: pulumi.Input<string>;
  /** Its name. */
  farm: pulumi.Input<string>;
}

export interface FarmTlsArgs {
  /** PEM, with the chain after it. */
  certificate: pulumi.Input<string>;
  /** PEM, not encrypted. It is kept as a secret and lies on the machine for root alone. */
  key: pulumi.Input<string>;
  /** A port whose requests are sent to this one by a redirect: 80. */
  redirect?: pulumi.Input<number>;
  /** How long browsers keep to https: "180d". Default: not said. */
  hsts?: pulumi.Input<string>;
}

/** What does not depend on who the members are. */
export interface FarmSettingsArgs {
  /** "http" looks into requests; "tcp" hands bytes on (LDAP, mail, anything). Default "http". */
  mode?: pulumi.Input<"http" | "tcp">;
  /** Where it listens. A farm without one is for the rules of others. */
  port?: pulumi.Input<number>;
  /** Listened on, also while another balancer has them. Default: all, IPv4 and IPv6. */
  addresses?: pulumi.Input<string[]>;
  /** Of "http": requests that other farms take, the first rule that matches. */
  rules?: FarmRuleArgs[];
  /** "sticky" is "roundrobin" with a cookie; "source" keeps to the client's address, on both balancers the same. Default "roundrobin". */
  balance?: pulumi.Input<"roundrobin" | "leastconn" | "source" | "sticky">;
  /** The name of that cookie. Default "kvmmember". */
  cookie?: pulumi.Input<string>;
  check?: FarmCheckArgs;
  /** TLS ends here. */
  tls?: FarmTlsArgs;
  /** PEM: who has to have signed the certificates of members whose protocol is "https". Default: they are not looked at. */
  ca?: pulumi.Input<string>;
  /** The PROXY protocol, which tells who the client is: from a balancer before this one, and to members that want it. */
  proxyProtocol?: { accept?: pulumi.Input<boolean>; send?: pulumi.Input<"v1" | "v2"> };
  /** Addresses and subnets of those who may come. Default: everybody. */
  allow?: pulumi.Input<string[]>;
  /** How many connections it takes at once; the others wait for it to take them. Default: HAProxy's limit. */
  maxConnections?: pulumi.Input<number>;
  /** How long a request waits for a member that has all that it may have; then 503. Default "5s". */
  queue?: pulumi.Input<string>;
  /**
   * How often a connection is tried, the last time with another member. In "http", requests that may be repeated (GET,
   * HEAD, PUT, DELETE, ...; RFC 9110) are also when a member ends without an answer. Default 3.
   */
  retries?: pulumi.Input<number>;
  /** How long a member may take to accept. Default "500ms". */
  connectTimeout?: pulumi.Input<string>;
  /** How long client and member may be silent. Default "60s". */
  timeout?: pulumi.Input<string>;
}

/** Servers that do the same, and how requests are spread over them. */
export interface FarmArgs extends FarmSettingsArgs {
  /** Default: none, where rules lead elsewhere. */
  members?: pulumi.Input<pulumi.Input<FarmMemberArgs>[]>;
}
