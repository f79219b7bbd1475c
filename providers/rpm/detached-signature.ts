import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../dynamic/errors";
import { lastLines } from "../machine/command-error";
import { LocalMachine } from "../machine/local-machine";

const any = Array.from({ length: 256 }, (_, code) => code);

/**
 * Refuses a file whose detached signature is by none of the keys, has expired or was made with a key that has. gpg(1) of
 * the machine that runs pulumi looks, with a key ring of its own.
 *
 * @param name - how messages call the file
 * @param keys - OpenPGP public keys as text
 * @throws OperatorError without a subject: "is not what was signed"
 */
export async function checkDetachedSignature(
  name: string,
  content: Buffer,
  signature: Buffer,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "pulumi-kvm-keys-"));
  const options = ["--homedir", scratch, "--batch", "--no-tty", "--no-autostart", "--status-fd", "1"];
  const gpg = async (...args: string[]) => {
    const env = { LC_ALL: "C", GNUPGHOME: scratch };
    const done = await new LocalMachine().run(["gpg", ...options, ...args], { env, accept: any, signal });
    if (done.exitCode !== 126 && done.exitCode !== 127) return done;
    throw new OperatorError(`has a signed ${name}, and gpg is not installed on the machine that runs pulumi`, {
      fix: "install gpg there (Debian: apt-get install gpg)",
    });
  };
  const file = async (name: string, data: Buffer | string) => {
    await writeFile(join(scratch, name), data);
    return join(scratch, name);
  };
  try {
    for (const [index, key] of keys.entries()) {
      const { stdout, stderr } = await gpg("--import", await file(`key${index}`, key));
      if (!/^\[GNUPG:\] IMPORT_OK /m.test(stdout))
        throw new OperatorError(`has a gpgkey.${index} that is no key that gpg takes: ${lastLines(stderr).trim()}`, {
          fix: 'give an OpenPGP public key, as "gpg --armor --export" writes it',
        });
    }
    const { stdout } = await gpg("--verify", await file("signature", signature), await file("content", content));
    refuse(name, stdout);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** One of these words stands for each signature (gnupg's doc/DETAILS). One that holds is enough, beside none that is bad. */
function refuse(name: string, status: string): void {
  const verdicts = [...status.matchAll(/^\[GNUPG:\] (GOOD|BAD|ERR|EXP|EXPKEY|REVKEY)SIG ([0-9A-F]+)/gm)];
  const by = (verdict: string) =>
    verdicts
      .find(([, word]) => word === verdict)?.[2]
      ?.slice(-16)
      .toLowerCase();
  if (by("BAD") !== undefined)
    throw new OperatorError(`has a ${name} that is not what was signed`, {
      fix: "try again later: a mirror may be in the middle of an update; else do not use this one",
    });
  if (by("GOOD") !== undefined) return;
  const [key, expired] = [by("ERR"), by("EXPKEY") ?? by("REVKEY") ?? by("EXP")];
  if (expired !== undefined)
    throw new OperatorError(`has a ${name} whose signature, or its key ${expired}, has expired or was revoked`, {
      fix: "get the publisher's present key",
    });
  if (key !== undefined)
    throw new OperatorError(`has a ${name} that is signed with the key ${key}, which is none of gpgkey`, {
      fix: "add its publisher's key, if you trust it",
    });
  throw new OperatorError(`has a ${name}.asc that is no detached signature`, { fix: "ask who keeps the repository" });
}
