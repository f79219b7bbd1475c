import { generateKeyPair, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { thumbprint } from "../acme/account";
import type { Created, DiffTable, Handler } from "../dynamic/contract";
import { acmeAccountSchema, type AcmeAccountInputs } from "../schema/acme-account";

export interface AcmeAccountState extends AcmeAccountInputs {
  key: string;
  thumbprint: string;
}

/** Keys of accounts at ACME authorities, made by the process that runs here and kept in the state. */
export class AcmeAccountHandler implements Handler<AcmeAccountInputs, AcmeAccountState> {
  readonly kind = "AcmeAccount";
  readonly schema = acmeAccountSchema;
  /** Who uses the old one goes on with it until the new one is there. */
  readonly deleteBeforeReplace = false;

  readonly fields: DiffTable<AcmeAccountInputs> = { bits: "replace" };

  describe(): string {
    return "ACME account";
  }

  lock(): string {
    return "ACME account";
  }

  async create(inputs: AcmeAccountInputs): Promise<Created<AcmeAccountState>> {
    const { privateKey: key } = await promisify(generateKeyPair)("rsa", {
      modulusLength: inputs.bits,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
    });
    return { id: randomUUID(), state: { ...inputs, key, thumbprint: thumbprint(key) } };
  }

  async read(_id: string, state: AcmeAccountState): Promise<AcmeAccountState> {
    return state;
  }

  async update(_id: string, olds: AcmeAccountState): Promise<AcmeAccountState> {
    return olds;
  }

  async delete(): Promise<void> {}
}
