import type { Context } from "../dynamic/contract";
import type { ImageFiles } from "../image/image-files";
import { UnreachableError } from "../machine/unreachable-error";
import { sayUnreachable } from "./reachable";

/** What the host says, or undefined where it cannot be reached: a preview then asks it nothing. */
export async function reachableHost<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    sayUnreachable(error);
    return undefined;
  }
}

/** Removes an image's files, or tells whose disks they are under. */
export async function discardImage(files: ImageFiles, path: string, { signal, progress }: Context): Promise<void> {
  const users = await files.discard(signal);
  if (users.length > 0) progress(`${path} is kept: disks are overlays of it: ${users.join(", ")}`);
}
