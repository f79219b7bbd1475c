import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";

export interface AcmeAccountArgs {
  /** Of its RSA key. Default 2048. */
  bits?: pulumi.Input<2048 | 3072 | 4096>;
}

/**
 * The key of an account at a certificate authority that speaks ACME (RFC 8555). Who has it answers the authority's challenges
 * for all servers of the account, whichever of them is asked. The account is registered when it is used first.
 *
 * @example
 * const account = new AcmeAccount("letsencrypt");
 */
export class AcmeAccount extends Resource {
  /** PEM. A secret. */
  declare readonly key: pulumi.Output<string>;
  /** Of the key, RFC 7638. What follows a challenge's token in the answer to it. */
  declare readonly thumbprint: pulumi.Output<string>;

  constructor(name: string, args: AcmeAccountArgs = {}, opts?: pulumi.CustomResourceOptions) {
    super("AcmeAccount", name, args, ["key", "thumbprint"], opts, ["key"]);
  }
}
