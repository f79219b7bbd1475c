import { X509Certificate } from "node:crypto";
import type { Context, Created, DiffTable, Handler } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { open } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { selfSignedCertificateSchema, type SelfSignedCertificateInputs } from "../schema/self-signed-certificate";

export interface SelfSignedCertificateState extends SelfSignedCertificateInputs {
  certificate: string;
  key: string;
  expires: string;
}

/** Key and certificate go to standard output, never to a file. By way of a pipe: OpenSSL opens no socket. */
const MAKE = `
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days "$1" -subj "/CN=$2" \\
  -addext "subjectAltName=$3" -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=serverAuth \\
  -keyout /dev/stdout -out /dev/stdout 2>&3 3>&- | cat`;

/** Certificates that are made on the machine that runs pulumi. */
export class SelfSignedCertificateHandler implements Handler<SelfSignedCertificateInputs, SelfSignedCertificateState> {
  readonly kind = "SelfSignedCertificate";
  readonly schema = selfSignedCertificateSchema;
  /** Who uses the old one goes on with it until the new one is there. */
  readonly deleteBeforeReplace = false;

  readonly fields: DiffTable<SelfSignedCertificateInputs> = { names: "replace", validity: "replace" };

  constructor(
    private readonly machine: () => Machine = () => open({ kind: "local" }),
    private readonly now = () => new Date(),
  ) {}

  describe({ names }: SelfSignedCertificateInputs): string {
    return `certificate for ${Array.isArray(names) ? names.join(", ") : ""}`;
  }

  lock({ names }: SelfSignedCertificateInputs): string {
    return `certificate ${String(names)}`;
  }

  async create(inputs: SelfSignedCertificateInputs, { signal }: Context): Promise<Created<SelfSignedCertificateState>> {
    const [first] = inputs.names;
    // A common name has 64 characters at most; nobody reads it beside the alternative names.
    const args = [String(days(inputs)), first!.slice(0, 64), inputs.names.map((name) => `DNS:${name}`).join(",")];
    const said = await this.machine()
      .run(["sh", "-c", `{ ${MAKE}; } 3>&2`, "sh", ...args], { signal })
      .catch((cause: unknown) => {
        if (!(cause instanceof CommandError)) throw cause;
        throw new OperatorError("OpenSSL could not make it", { fix: "install openssl on this machine", cause });
      });
    const part = (kind: string) =>
      new RegExp(`-----BEGIN ${kind}-----[^]*?-----END ${kind}-----\\n`).exec(said.stdout)?.[0];
    const certificate = part("CERTIFICATE");
    const key = part("PRIVATE KEY");
    if (certificate === undefined || key === undefined)
      throw new OperatorError(`OpenSSL made none: ${said.stderr.trim().split("\n").at(-1)}`, {
        fix: "install OpenSSL 1.1.1 or newer on this machine",
      });
    const parsed = new X509Certificate(certificate);
    const expires = new Date(parsed.validTo).toISOString();
    return { id: parsed.fingerprint256, state: { ...inputs, certificate, key, expires } };
  }

  async read(_id: string, state: SelfSignedCertificateState): Promise<SelfSignedCertificateState | undefined> {
    const left = new Date(state.expires).getTime() - this.now().getTime();
    return left < milliseconds(state.validity) / 3 ? undefined : state;
  }

  async update(_id: string, olds: SelfSignedCertificateState): Promise<SelfSignedCertificateState> {
    return olds;
  }

  async delete(): Promise<void> {}
}

function days({ validity }: SelfSignedCertificateInputs): number {
  return Math.ceil(milliseconds(validity) / milliseconds("1d"));
}
