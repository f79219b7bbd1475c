import { createHash, createPrivateKey, createPublicKey } from "node:crypto";

/** The thumbprint of an account's key, RFC 7638: with a challenge's token before it, the answer that an ACME server asks for. */
export function thumbprint(key: string): string {
  const { e, kty, n } = createPublicKey(createPrivateKey(key)).export({ format: "jwk" });
  return createHash("sha256").update(JSON.stringify({ e, kty, n })).digest("base64url");
}

/** What is wrong with an account's key; undefined when nothing is. It is never shown. */
export function accountKeyProblem(key: string): string | undefined {
  const allowed = "Allowed: PEM, an RSA key of 2048 bits or more, not encrypted";
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(key);
    if (asymmetricKeyType !== "rsa") return `is a key of type ${asymmetricKeyType}. ${allowed}`;
    const bits = asymmetricKeyDetails?.modulusLength ?? 0;
    return bits < 2048 ? `is an RSA key of ${bits} bits. ${allowed}` : undefined;
  } catch {
    return `is not a key. ${allowed}`;
  }
}
