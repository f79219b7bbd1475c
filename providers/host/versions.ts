/** libvirt's way of writing versions, 1,000,000 * major + 1,000 * minor + release, as text: 9000000 is "9.0.0". */
export function formatVersion(version: number): string {
  return [Math.floor(version / 1_000_000), Math.floor(version / 1000) % 1000, version % 1000].join(".");
}

/** "9.0.0" or "9.0" as libvirt's number. */
export function parseVersion(text: string): number {
  const [major = 0, minor = 0, release = 0] = text.split(".").map(Number);
  return major * 1_000_000 + minor * 1000 + release;
}
