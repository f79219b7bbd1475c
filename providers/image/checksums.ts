import { OperatorError } from "../dynamic/errors";
import { parseDigest } from "../schema/cloud-image";

/** How a file is recognised: the program is `${algorithm}sum`. */
export interface Digest {
  algorithm: string;
  digest: string;
}

/**
 * Finds a file's digest in a checksums file: GNU's "HEX  name" and "HEX *name", BSD's "SHA256 (name) = HEX" (also inside
 * an OpenPGP clear-signed text), or a file with nothing but one digest. The strongest wins where a name has several.
 *
 * @throws OperatorError that says which names the file has, when the name is not among them
 */
export function findDigest(sums: string, name: string): Digest {
  const entries = sums.split(/\r?\n/).flatMap((line) => entry(line));
  const alone = sums.trim();
  if (entries.length === 0 && parseDigest(alone)) return parseDigest(alone)!;
  const matching = entries.filter((each) => each.name === name).sort((a, b) => b.digest.length - a.digest.length);
  if (matching[0]) return { algorithm: matching[0].algorithm, digest: matching[0].digest };
  const names = [...new Set(entries.map((each) => each.name))];
  throw new OperatorError(
    names.length > 0
      ? `the checksums file has no line for ${name}, only for ${names.slice(0, 8).join(", ")}${names.length > 8 ? " and others" : ""}`
      : "the checksums file has no SHA-256, SHA-384 or SHA-512 checksum",
    { fix: 'check both URLs, or give the checksum itself: "sha256:..."' },
  );
}

function entry(line: string): (Digest & { name: string })[] {
  const [, gnu, path] = /^\\?([0-9a-f]{64,128}) [ *](.+)$/i.exec(line) ?? [];
  const [, label, inner, bsd] = /^(SHA(?:256|384|512)) \((.+)\) = ([0-9a-f]+)$/i.exec(line) ?? [];
  const parsed = parseDigest(gnu ?? (bsd === undefined ? "" : `${label!.toLowerCase()}:${bsd}`));
  return parsed ? [{ ...parsed, name: (path ?? inner)!.trim().replace(/^.*\//, "") }] : [];
}
