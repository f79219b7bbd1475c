import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../dynamic/errors";
import { lastLines } from "../machine/command-error";
import { LocalMachine } from "../machine/local-machine";
import type { RunResult } from "../machine/machine";
import type { RpmPackage } from "./package-file";

const any = Array.from({ length: 256 }, (_, code) => code);

/**
 * Refuses packages that are not signed by one of the keys. rpm's own rpmkeys(8) looks, with a key ring of its own: neither
 * the machine's rpm database nor anybody's settings of rpm count.
 *
 * @param keys - OpenPGP public keys as text
 * @param words - what messages call the keys, and how they can be done without
 */
export async function checkSignatures(
  packages: readonly Pick<RpmPackage, "path" | "label">[],
  keys: readonly string[],
  signal?: AbortSignal,
  words = { keys: "keys", without: "leave keys out" },
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "pulumi-kvm-keys-"));
  const rpmkeys = (...args: string[]) =>
    new LocalMachine().run(["rpmkeys", "--dbpath", join(scratch, "db"), "--define", "_pkgverify_level all", ...args], {
      env: { LC_ALL: "C", HOME: scratch },
      accept: any,
      signal,
    });
  try {
    await mkdir(join(scratch, "db"));
    for (const [index, key] of keys.entries()) {
      const file = join(scratch, `key${index}`);
      await writeFile(file, key);
      const imported = await rpmkeys("--import", file);
      refuseMissing(imported, words);
      if (imported.exitCode !== 0)
        throw new OperatorError(`${words.keys}.${index} is no key that rpm takes: ${complaint(imported, file)}`, {
          fix: 'give an OpenPGP public key, as "gpg --armor --export" writes it',
        });
    }
    for (const { path, label } of packages)
      refuseUnsigned(label, words, await rpmkeys("--checksig", "--verbose", path));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Words = { keys: string; without: string };

function refuseMissing({ exitCode }: RunResult, { without }: Words): void {
  if (exitCode !== 126 && exitCode !== 127) return;
  throw new OperatorError(
    "signatures are checked with rpmkeys, which is not installed on the machine that runs pulumi",
    {
      fix: `install rpm there (Debian: apt-get install rpm), or ${without}`,
    },
  );
}

/** The lines are rpm's, untranslated: "    Header V4 RSA/SHA512 Signature, key ID dcd652bc: OK". */
function refuseUnsigned(label: string, { keys, without }: Words, result: RunResult): void {
  const lines = result.stdout.split("\n").map((line) => line.trim());
  const signatures = lines.flatMap((line) => {
    const [, key, verdict] = /^(?:Header )?V\d .* Signature, key ID ([0-9a-f]+): (\w+)/.exec(line) ?? [];
    return key === undefined ? [] : [{ key, verdict: verdict! }];
  });
  const failed = lines.filter((line) => /: BAD\b/.test(line));
  if (failed.length > 0)
    throw new OperatorError(`${label} is not what was signed: ${failed[0]!.replace(/ \(Expected.*/, "")}`, {
      fix: "fetch it again from its publisher",
    });
  if (signatures.length === 0)
    throw new OperatorError(`${label} is not signed, and ${keys} are given`, {
      fix: `give a signed package, or ${without}`,
    });
  const untrusted = signatures.find(({ verdict }) => verdict !== "OK");
  if (untrusted?.verdict === "NOKEY")
    throw new OperatorError(`${label} is signed with the key ${untrusted.key}, which is none of ${keys}`, {
      fix: "add its publisher's key, if you trust it",
    });
  if (untrusted || result.exitCode !== 0)
    throw new OperatorError(`the signature of ${label} does not hold: ${complaint(result, label)}`, {
      fix: "see what rpmkeys --checksig --verbose says",
    });
}

function complaint({ stdout, stderr }: RunResult, file: string): string {
  const text = lastLines(stderr) || lastLines(stdout);
  return text
    .replaceAll(`${file}: `, "")
    .replace(/^\s*error: /gm, "")
    .replace(/\s*\n\s*/g, "; ")
    .trim();
}
