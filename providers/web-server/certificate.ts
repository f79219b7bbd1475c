import { createPrivateKey, X509Certificate } from "node:crypto";

/** What is wrong with a site's certificate and key; empty when nothing is. No key is ever shown. */
export function certificateProblems(
  names: readonly string[],
  certificate: string,
  key: string | undefined,
  now = new Date(),
): string[] {
  const parsed = parse(certificate);
  if (!parsed) return ["certificate is not one. Allowed: PEM, -----BEGIN CERTIFICATE-----, with its chain after it"];
  const until = new Date(parsed.validTo);
  const from = new Date(parsed.validFrom);
  const uncovered = names.filter((name) => !parsed.checkHost(name.replace(/^\*\./, "any.")));
  return [
    ...(until <= now ? [`certificate expired on ${until.toISOString().slice(0, 10)}. Fix: renew it`] : []),
    ...(from > now
      ? [`certificate is not valid before ${from.toISOString().slice(0, 10)}. Fix: wait, or set the clock`]
      : []),
    ...(uncovered.length > 0
      ? [
          `certificate is not for ${uncovered.join(", ")}, but for ${parsed.subjectAltName ?? parsed.subject}. Fix: have it issued for all names of the site`,
        ]
      : []),
    ...keyProblems(parsed, key),
  ];
}

function keyProblems(certificate: X509Certificate, key: string | undefined): string[] {
  if (!key) return ["key is required. Allowed: PEM, the private key of the certificate, not encrypted"];
  try {
    if (certificate.checkPrivateKey(createPrivateKey(key))) return [];
  } catch {
    return ["key is not one. Allowed: PEM, the private key of the certificate, not encrypted"];
  }
  return ["key is not the certificate's. Fix: give the key that the certificate was requested with"];
}

function parse(certificate: string): X509Certificate | undefined {
  try {
    return new X509Certificate(certificate);
  } catch {
    return undefined;
  }
}
