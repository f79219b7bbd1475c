import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";

export interface SelfSignedCertificateArgs {
  /** The hosts that it is for: "www.example.org", "*.example.org". */
  names: pulumi.Input<pulumi.Input<string>[]>;
  /** How long it is valid. A refresh in its last third finds it gone, and `up` makes another one. Default "365d". */
  validity?: pulumi.Input<string>;
}

/**
 * A certificate that nobody vouches for, with its key, for labs and for the inside of a network: made by OpenSSL on the
 * machine that runs pulumi, and kept in the state.
 *
 * @example
 * const made = new SelfSignedCertificate("www", { names: ["www.example.org"] });
 * export const trust = made.certificate;
 */
export class SelfSignedCertificate extends Resource {
  declare readonly names: pulumi.Output<string[]>;
  /** PEM. Clients that are given it trust it. */
  declare readonly certificate: pulumi.Output<string>;
  /** PEM, ECDSA P-256. A secret. */
  declare readonly key: pulumi.Output<string>;
  /** When it ends, ISO 8601. */
  declare readonly expires: pulumi.Output<string>;

  constructor(name: string, args: SelfSignedCertificateArgs, opts?: pulumi.CustomResourceOptions) {
    super("SelfSignedCertificate", name, args, ["certificate", "key", "expires"], opts, ["key"]);
  }
}
