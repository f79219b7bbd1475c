import { posix } from "node:path";
import type { Machine } from "../machine/machine";

/** Bytes that travel at once: what is read and written by machines passes through this process's memory. */
const chunk = 32 * 1024 * 1024;

/** Copies a file from one machine to another, in pieces; folders above it are made. */
export async function relay(
  from: Machine,
  path: string,
  to: Machine,
  target: string,
  size: number,
  signal: AbortSignal,
): Promise<void> {
  await to.run(["mkdir", "-p", "--", posix.dirname(target)], { signal });
  if (size <= chunk) return to.write(target, await from.read(path, { signal }), { mode: 0o600, signal });
  const piece = (await from.run(["mktemp"], { signal })).stdout.trim();
  try {
    for (let at = 0; at < size; at += chunk) {
      const position = [`skip=${at / chunk}`, "count=1", `bs=${chunk}`, "iflag=fullblock"];
      await from.run(["dd", `if=${path}`, `of=${piece}`, ...position], { signal });
      await to.write(`${target}.piece`, await from.read(piece, { signal }), { mode: 0o600, signal });
      await to.run(["sh", "-c", 'cat -- "$1" >>"$2" && rm -f -- "$1"', "sh", `${target}.piece`, target], { signal });
    }
  } finally {
    await from.remove(piece).catch(() => {});
  }
}
