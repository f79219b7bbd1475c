import { skip } from "../skip";
import { tinyGuest, type TinyGuest } from "./tiny-guest";

/** The tiny guest; the suite is skipped where it cannot be built. */
export async function tinyGuestOr(context: Mocha.Context): Promise<TinyGuest> {
  try {
    return await tinyGuest();
  } catch (error) {
    return skip(context, `no tiny guest can be built: ${(error as Error).message.split("\n")[0]}`);
  }
}
