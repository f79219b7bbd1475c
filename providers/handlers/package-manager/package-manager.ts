/** One package as the program names it: "nginx", or "nginx=1.22*" with a version that may have wildcards. */
export interface PackageName {
  name: string;
  version?: string;
}

export function parsePackage(text: string): PackageName {
  const at = text.indexOf("=");
  return at < 0 ? { name: text } : { name: text.slice(0, at), version: text.slice(at + 1) };
}

/** Whether an installed version is the one that was asked for; for rpm with or without its release. */
export function fits(installed: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const escaped = wanted
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${escaped}(-[^-]*)?$`).test(installed) || new RegExp(`^${escaped}$`).test(installed);
}

export interface PackageContext {
  signal: AbortSignal;
  progress(message: string): void;
}

/** What installs and removes packages on a machine, several in one transaction. */
export interface PackageManager {
  /** "apt" or "dnf". */
  readonly name: string;
  /** The versions of those that are installed. */
  installed(names: readonly string[], context: PackageContext): Promise<{ [name: string]: string }>;
  /** Installs, upgrades or downgrades to what is asked for. */
  install(packages: readonly PackageName[], context: PackageContext): Promise<void>;
  /** Removes these and no others; what only they needed stays, too. */
  remove(names: readonly string[], context: PackageContext): Promise<void>;
  /** Why each of the packages must not be removed: the system or another package needs it. Those that may are left out. */
  needed(names: readonly string[], context: PackageContext): Promise<{ [name: string]: string }>;
}

/** A transaction downloads and runs installation scripts: slow on a slow line, or in an emulated guest. */
export const transactionTimeout = 25 * 60_000;
