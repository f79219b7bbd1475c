import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import { missingPrograms } from "./build-error";

type Remedy = (status: number) => string | undefined;

/** What to do about the exit codes of curl (https://curl.se/docs/manpage.html#EXIT). */
const remedies: { [code: number]: Remedy } = {
  5: () => "check the proxy in the host's environment",
  6: () => "check the URL, and the host's DNS",
  7: () => "check that the server runs, and the host's network and proxy",
  18: () => "try again: the server ended the transfer early",
  22: (status) => (status === 401 || status === 403 ? "check the credentials that it needs" : "check the URL"),
  28: () => "check the host's network: the server sent nothing",
  35: () => "check that the server speaks https",
  37: () => "check the path on the host",
  60: () => "install the server's certificate authority on the host",
};

/** The URL without what may be secret in it. */
export function displayUrl(url: string): string {
  const shown = new URL(url);
  shown.username = shown.password = "";
  if (shown.search) shown.search = "?...";
  return shown.toString();
}

/** A failed download in words that say what to do. Never holds the URL's secrets. */
export function explainDownload(error: unknown, url: string, machine: string): unknown {
  if (!(error instanceof CommandError)) return error;
  const subject = `${displayUrl(url)}`;
  const fail = (problem: string, fix?: string) => new OperatorError(problem, { fix });
  if (error.stopped)
    return fail(`the download of ${subject} was stopped: ${error.message.split(": ").at(-1)!.split("\n")[0]}`);
  const said = /kvm-image: (\w+): (.*)/.exec(error.stderr);
  const [, what, detail = ""] = said ?? [];
  switch (what) {
    case "missing": {
      const { problem, fix } = missingPrograms([detail], machine);
      return fail(problem, fix);
    }
    case "folder":
      return fail(detail, "declare the pool that the image goes into, or name another folder");
    case "checksum":
      return fail(
        `${subject} is not what the checksum says: ${detail}`,
        "check that url and checksum belong together; where both are right, the server or the line corrupts it",
      );
    case "refused":
      return fail(
        `${subject} is refused: ${detail}`,
        "give the URL of a qcow2 or raw disk image, packed with xz, zstd, gzip or bzip2 or not at all",
      );
    case "unpack":
      return fail(`${subject} is damaged: ${detail}`, "check the URL, or ask the publisher");
  }
  if (/No space left on device/.test(error.stderr) || /curl: \(23\)/.test(error.stderr))
    return fail(`no space is left on ${machine} for ${subject}`, "free some in the image's folder");
  const code = what === "download" ? Number(detail.split(" ")[0]) : (error.exitCode ?? 0);
  const message = /curl: \(\d+\) (.*)/.exec(error.stderr)?.[1]?.replaceAll(url, subject);
  const status = Number(/error: (\d+)/.exec(message ?? "")?.[1] ?? 0);
  return fail(`cannot download ${subject}: ${message ?? `curl ended with ${code}`}`, remedies[code]?.(status));
}
