import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync, openSync, renameSync, writeFileSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";

const large = 150_000_000;

/** Half noise, half words: what compresses to about two thirds. */
function content(size: number, words: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let left = size; left > 0;) {
    const piece = Math.min(left, randomInt(1000, 200_000));
    const at = randomInt(words.length - piece);
    pieces.push(randomInt(2) ? randomBytes(piece) : words.subarray(at, at + piece));
    left -= piece;
  }
  return Buffer.concat(pieces);
}

/** A tree of `count` files and about `size` bytes; one of them has 150 MB. */
export function makeSource(root: string, count: number, size: number): void {
  const vocabulary = Array.from({ length: 4000 }, () => randomBytes(randomInt(2, 5)).toString("hex"));
  const words = Buffer.from(Array.from({ length: 400_000 }, () => vocabulary[randomInt(4000)]).join(" "));
  const weights = Array.from({ length: count - 1 }, () => Math.exp(randomInt(0, 6000) / 1000));
  const unit = Math.max(0, size - large) / weights.reduce((sum, weight) => sum + weight);
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, "large.img"), content(Math.min(large, size), words));
  for (const [i, weight] of weights.entries()) {
    const folder = join(root, `folder-${i % 20}`, `inner-${Math.floor(i / 20) % 10}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${i}`), content(Math.ceil(unit * weight), words));
  }
}

/** A day's work: 1 MB inside the large file, some new contents, a folder with another name. */
export function changeSource(root: string, files: number, day: number): void {
  const image = openSync(join(root, "large.img"), "r+");
  writeSync(image, randomBytes(1_000_000), 0, 1_000_000, randomInt(large - 1_000_000));
  closeSync(image);
  for (let i = 0; i < files; i++)
    writeFileSync(join(root, "folder-1", `inner-${i % 10}`, `new-${day}-${i}`), randomBytes(5000));
  renameSync(join(root, day === 1 ? "folder-2" : `moved-${day - 1}`), join(root, `moved-${day}`));
}
