import type * as pulumi from "@pulumi/pulumi";
import type { MachineSpec } from "../machine/machine";
import { Resource } from "../dynamic/resource";
import { onMachine, type MachineArg } from "./on-machine";

export interface AcmeClientArgs {
  /** Where the web server is. dehydrated, openssl, curl and flock have to be there. */
  machine: MachineArg;
  /** The name of the `WebServer`, whose sites say `tls: { acme }`. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** PEM, RSA: an `AcmeAccount`'s. Its owner agrees to the authority's terms of service. Always a secret in the state. */
  accountKey: pulumi.Input<string>;
  /** The hosts of each certificate, by the name of the site. */
  certificates: pulumi.Input<{ [site: string]: pulumi.Input<pulumi.Input<string>[]> }>;
  /**
   * "letsencrypt" (default), "letsencrypt-staging", whose certificates no browser trusts and whose limits are wide, or the URL of
   * an ACME directory (RFC 8555, 7.1.1).
   */
  directory?: pulumi.Input<string>;
  /** Where the authority may write to. */
  email?: pulumi.Input<string>;
  /** PEM of who vouches for the directory itself. Default: those that the machine trusts. */
  authority?: pulumi.Input<string>;
  /** How long before its end a certificate is renewed, in whole days. Default "30d". */
  renewBefore?: pulumi.Input<string>;
  /** How often it is looked whether one is due, by the machine's own clock. Default "hourly". */
  schedule?: pulumi.Input<string>;
  /** How much later that may begin, by chance. Default "15m". */
  jitter?: pulumi.Input<string>;
  /** The command that has the web server read new certificates: ["nginx", "-s", "reload"]. Default: none. */
  reload?: pulumi.Input<string[]>;
  /** Changes when the machine's disk becomes another one, and with it all that was on it. */
  disk?: pulumi.Input<string>;
}

/**
 * What obtains and renews certificates by ACME (RFC 8555) on a web server's machine, by its own schedule: dehydrated, with the
 * challenge HTTP-01. Keys are made on the machine, and never leave it. While an authority does not issue one, the server goes on
 * with what it has, and every preview says so.
 *
 * @example
 * const account = new AcmeAccount("letsencrypt");
 * const server = new WebServer("www", { machine, sites: { "www.example.org": { tls: { acme: account.thumbprint } } } });
 * new AcmeClient("www", {
 *   machine, accountKey: account.key, certificates: { "www.example.org": ["www.example.org"] }, reload: ["nginx", "-s", "reload"],
 * }, { dependsOn: server });
 */
export class AcmeClient extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  /** "ok", or why certificates are not there. Read by refresh, as what follows. */
  declare readonly health: pulumi.Output<string>;
  /** When each certificate ends, ISO 8601, by the name of the site. */
  declare readonly expires: pulumi.Output<{ [site: string]: string }>;

  constructor(name: string, args: AcmeClientArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    super(
      "AcmeClient",
      name,
      { ...args, machine: place.machine, name: args.name ?? name },
      ["scheduler", "health", "expires", "files"],
      place.opts,
      ["accountKey"],
    );
  }
}
