import { createHash } from "node:crypto";
import type { KvmHost } from "../host/kvm-host";
import { BootstrapImage, type BootstrapImageArgs } from "../image/bootstrap-image";
import type { Image } from "../image/image";

/** How a tier makes its image: see `BootstrapImage`. The server's own packages need not be named. */
export interface ServerImageArgs extends Omit<BootstrapImageArgs, "host" | "format" | "packages" | "services"> {
  /** Packages beside those of the server. */
  packages?: string[];
  /** systemd units to enable (true) or disable (false). */
  services?: { [unit: string]: boolean };
}

const made = new WeakMap<KvmHost, Map<string, BootstrapImage>>();

export function isImage(image: Image | ServerImageArgs | undefined): image is Image {
  return image !== undefined && "path" in image;
}

/** The host's image with these packages: one, also where several tiers ask for it. */
export function serverImage(
  host: KvmHost,
  kind: "qemu" | "lxc",
  packages: readonly string[],
  args: ServerImageArgs = {},
): BootstrapImage {
  const format = kind === "lxc" ? "directory" : "qcow2";
  const { packages: more = [], ...shape } = args;
  const wanted = [...new Set([...packages, ...more])].sort();
  const images = made.get(host) ?? new Map<string, BootstrapImage>();
  made.set(host, images);
  const key = JSON.stringify([format, wanted, shape]);
  const image =
    images.get(key) ??
    // It is the host's, not a tier's: it stays when the tier that asked first goes.
    new BootstrapImage(
      [host.name, format, ...wanted, ...(Object.keys(shape).length > 0 ? [digest(key)] : [])].join("-"),
      { ...shape, host, format, packages: wanted },
      { parent: host },
    );
  images.set(key, image);
  return image;
}

/** Of images with the same packages that differ otherwise, each has a name of its own. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
