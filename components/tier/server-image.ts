import * as pulumi from "@pulumi/pulumi";
import type { KvmHost } from "../host/kvm-host";
import { BootstrapImage, type BootstrapImageArgs } from "../image/bootstrap-image";
import type { Image } from "../image/image";

/** How a tier makes its image: see `BootstrapImage`. The server's own packages need not be named. */
export type ServerImageArgs = Omit<BootstrapImageArgs, "host" | "format">;

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
  if (pulumi.Output.isInstance(more) || more instanceof Promise || !(more as unknown[]).every(isText))
    throw new pulumi.RunError("image.packages: a tier has to know them at once. Fix: name them as plain strings");
  const wanted = [...new Set([...packages, ...(more as string[])])].sort();
  const images = made.get(host) ?? new Map<string, BootstrapImage>();
  made.set(host, images);
  const key = JSON.stringify([format, wanted, shape]);
  const image =
    images.get(key) ??
    // It is the host's, not a tier's: it stays when the tier that asked first goes.
    new BootstrapImage(
      [host.name, format, ...wanted].join("-"),
      { ...shape, host, format, packages: wanted },
      { parent: host },
    );
  images.set(key, image);
  return image;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
