/** One file of an archive. */
export interface TarFile {
  path: string;
  /** Octal: "644". */
  mode: string;
  bytes: Buffer;
}

/** What an archive says of one member. */
export interface TarMember {
  /** As bytes, for names that are no UTF-8. A folder's ends in "/". */
  name: Buffer;
  type: "file" | "link" | "symlink" | "character" | "block" | "directory" | "fifo";
  mode: number;
  size: number;
  uid?: number;
  gid?: number;
  /** Seconds since 1970. */
  mtime?: number;
  /** Where a link leads. */
  target?: Buffer;
  device?: { major: number; minor: number };
  /** Extended attributes by name. */
  attributes?: { [name: string]: Buffer };
}

const block = 512;
/** Bytes of a name that every tar reads. */
export const longestName = 100;
const flags = { file: "0", link: "1", symlink: "2", character: "3", block: "4", directory: "5", fifo: "6" };

/** What ends an archive. */
export const tarEnd = Buffer.alloc(2 * block);

/** An archive (POSIX ustar; longer names as GNU tar has them) of regular files. */
export function tar(files: readonly TarFile[]): Buffer {
  const parts = files.flatMap(({ path, mode, bytes }) => [
    tarHeader({ name: Buffer.from(path), type: "file", mode: parseInt(mode, 8), size: bytes.length }),
    padded(bytes),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}

/** How many bytes of nothing follow a content of this size. */
export function tarPadding(size: number): number {
  return (block - (size % block)) % block;
}

/** What stands before a member's content: POSIX ustar; long names and large numbers as GNU tar has them. */
export function tarHeader(member: TarMember): Buffer {
  const { name, target = Buffer.alloc(0), attributes } = member;
  return Buffer.concat([
    ...(attributes ? extended(attributes) : []),
    ...(target.length > longestName ? long("K", target) : []),
    ...(name.length > longestName ? long("L", name) : []),
    header(member, name, target, flags[member.type], member.size),
  ]);
}

function long(type: string, text: Buffer): Buffer[] {
  const whole = Buffer.concat([text, Buffer.alloc(1)]);
  return [header({ mode: 0o644 }, Buffer.from("././@LongLink"), Buffer.alloc(0), type, whole.length), padded(whole)];
}

/** Extended attributes as star and GNU tar have them in records of POSIX.1-2001: "LENGTH KEY=VALUE\n". */
function extended(attributes: { [name: string]: Buffer }): Buffer[] {
  const records = Object.entries(attributes).map(([name, value]) => {
    const key = Buffer.from(` SCHILY.xattr.${name}=`);
    const rest = key.length + value.length + 1;
    // The length counts its own digits.
    let digits = 1;
    while (String(rest + digits).length > digits) digits++;
    return Buffer.concat([Buffer.from(String(rest + digits)), key, value, Buffer.from("\n")]);
  });
  const whole = Buffer.concat(records);
  return [header({ mode: 0o644 }, Buffer.from("././@PaxHeader"), Buffer.alloc(0), "x", whole.length), padded(whole)];
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(tarPadding(bytes.length))]);
}

function header(
  { mode, uid = 0, gid = 0, mtime = 0, device }: Pick<TarMember, "mode" | "uid" | "gid" | "mtime" | "device">,
  name: Buffer,
  target: Buffer,
  type: string,
  size: number,
): Buffer {
  const made = Buffer.alloc(block);
  name.copy(made, 0, 0, longestName);
  number(made, 100, 8, mode);
  number(made, 108, 8, uid);
  number(made, 116, 8, gid);
  number(made, 124, 12, size);
  number(made, 136, 12, mtime);
  made.write(" ".repeat(8), 148);
  made.write(type, 156);
  target.copy(made, 157, 0, longestName);
  made.write("ustar\0", 257);
  made.write("00", 263);
  if (device) {
    number(made, 329, 8, device.major);
    number(made, 337, 8, device.minor);
  }
  const sum = made.reduce((total, byte) => total + byte, 0);
  made.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return made;
}

/** In octal digits and a zero; what does not fit in binary, marked by its first bit. */
function number(made: Buffer, offset: number, width: number, value: number): void {
  const text = value.toString(8).padStart(width - 1, "0");
  if (text.length < width) {
    made.write(`${text}\0`, offset);
    return;
  }
  made.writeUIntBE(value, offset + width - 6, 6);
  made[offset] = 0x80;
}
