import { createHash } from "node:crypto";

const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const rounds = 5000;

/** The bytes of a digest in the order in which they are written, three at a time. */
const order = Array.from({ length: 21 }, (_, at) =>
  [at, at + 21, at + 42].map((_one, part) => ((part + at) % 3) * 21 + at),
);

function digest(...parts: (string | Buffer)[]): Buffer {
  const hash = createHash("sha512");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** `length` bytes of a block that repeats. */
function repeated(block: Buffer, length: number): Buffer {
  return Buffer.concat(Array<Buffer>(Math.ceil(length / block.length)).fill(block)).subarray(0, length);
}

/**
 * A password as crypt(5) keeps it with SHA-512, which nginx and Apache check by the machine's crypt(3)
 * (https://www.akkadia.org/drepper/SHA-crypt.txt).
 */
export function sha512Crypt(password: string, salt: string): string {
  const key = Buffer.from(password);
  const second = digest(key, salt, key);
  const bits = Array.from(
    { length: key.length === 0 ? 0 : 32 - Math.clz32(key.length) },
    (_, bit) => (key.length >> bit) & 1,
  );
  let sum = digest(key, salt, repeated(second, key.length), ...bits.map((bit) => (bit ? second : key)));
  const keys = repeated(digest(...Array<Buffer>(key.length).fill(key)), key.length);
  const salts = repeated(digest(...Array<string>(16 + sum[0]!).fill(salt)), Buffer.byteLength(salt));
  for (let round = 0; round < rounds; round++)
    sum = digest(round % 2 ? keys : sum, round % 3 ? salts : "", round % 7 ? keys : "", round % 2 ? sum : keys);
  const words = order.map(([a, b, c]) => written((sum[a!]! << 16) | (sum[b!]! << 8) | sum[c!]!, 4));
  return `$6$${salt}$${words.join("")}${written(sum[63]!, 2)}`;
}

function written(word: number, characters: number): string {
  return Array.from({ length: characters }, (_, at) => alphabet[(word >> (6 * at)) & 63]).join("");
}

/** A salt that stays the same for the same password, so that nothing is written anew without need. */
export function saltOf(...parts: string[]): string {
  const bytes = createHash("sha256").update(JSON.stringify(parts)).digest();
  return Array.from(bytes.subarray(0, 16), (byte) => alphabet[byte & 63]).join("");
}
