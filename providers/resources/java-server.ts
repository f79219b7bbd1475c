import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { isFromMaven } from "../content/archive";
import { readWar } from "../content/war";

/** A web application with settings. */
interface Settings {
  war: pulumi.Input<string>;
  sha256?: string;
}

/** With a digest of each WAR, which tells of a new content. */
export function applicationsWithDigests(
  subject: string,
  applications: { [path: string]: pulumi.Input<string> | Settings },
): object {
  const withDigest = (path: string, war: string, settings: Omit<Settings, "war">) => ({
    ...settings,
    war,
    sha256: isFromMaven(war) ? settings.sha256 : archiveDigest(subject, path, war),
  });
  return Object.fromEntries(
    Object.entries(applications).map(([path, given]) => {
      const { war, ...rest } = isSettings(given) ? given : { war: given };
      // A file that is missing is told at once where its path is known at once.
      if (typeof war === "string") return [path, withDigest(path, war, rest)];
      return [path, pulumi.output(war).apply((known) => withDigest(path, known, rest))];
    }),
  );
}

/** Passwords in a field of their own: what is in a secret field is struck out of all that is said. */
export function withoutPasswords(
  dataSources: { [name: string]: { password?: pulumi.Input<string> } } | undefined,
): object {
  if (dataSources === undefined) return {};
  const [plain, passwords]: [{ [name: string]: object }, { [name: string]: pulumi.Input<string> }] = [{}, {}];
  for (const [name, { password, ...source }] of Object.entries(dataSources)) {
    plain[name] = source;
    if (password !== undefined) passwords[name] = password;
  }
  return { dataSources: plain, ...(Object.keys(passwords).length > 0 && { passwords }) };
}

function isSettings(given: pulumi.Input<string> | Settings): given is Settings {
  return typeof given === "object" && !pulumi.Output.isInstance(given) && !(given instanceof Promise);
}

/** The digest of an archive beside the program. */
export function archiveDigest(subject: string, path: string, war: string): string {
  try {
    return createHash("sha256").update(readWar(war)).digest("hex");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : (error as Error).message;
    throw new Error(`${subject}: ${war} of ${path} ${reason} (looked in ${process.cwd()})`, { cause: error });
  }
}
