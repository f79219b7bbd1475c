import type { Context } from "../dynamic/contract";
import type { ImageFiles } from "../image/image-files";
import { UnreachableError } from "../machine/unreachable-error";
import { lookOnMachine } from "./on-machine";
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

interface KeptImage {
  path: string;
  retain: string;
}

/** Gone when any of its files is: what is left of it is of no use. */
export function readImage<State extends KeptImage>(
  state: State,
  files: ImageFiles,
  context: Context,
): Promise<State | undefined> {
  return lookOnMachine(state, context, async () => {
    const { whole } = await files.inspect(context.signal);
    return whole ? state : undefined;
  });
}

/** Removes an image's files, unless it is to be kept; or tells whose disks they are under. */
export async function deleteImage({ path, retain }: KeptImage, files: ImageFiles, context: Context): Promise<void> {
  if (retain === "keep") return context.progress(`${path} is kept, as retain says`);
  const users = await files.discard(context.signal);
  if (users.length > 0) context.progress(`${path} is kept: disks are overlays of it: ${users.join(", ")}`);
}
