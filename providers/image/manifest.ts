/** What an image consists of, as its manifest tells: the kernel's release, the system's name, and all packages. */
export interface Manifest {
  /** Undefined where it has no kernel. */
  kernelRelease?: string;
  os: string;
  packages: { [name: string]: string };
}

/** Reads `kernel RELEASE`, `os NAME`, then `package version` a line. */
export function parseManifest(content: Buffer | string): Manifest {
  const [kernel = "", os = "", ...rest] = content.toString().split("\n");
  const packages = rest.filter((line) => line.includes(" ")).map((line) => line.split(" ", 2) as [string, string]);
  return {
    kernelRelease: kernel.replace(/^kernel ?/, "") || undefined,
    os: os.replace(/^os /, ""),
    packages: Object.fromEntries(packages),
  };
}
