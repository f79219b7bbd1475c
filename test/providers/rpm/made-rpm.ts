import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** A file of an RPM that no rpmbuild would make. What the payload says may differ from what the header says. */
export interface MadeFile {
  path: string;
  /** With the kind's bits. Default: a plain file, 0o100644. */
  mode?: number;
  content?: string;
  target?: string;
  user?: string;
  /** In the header alone. */
  size?: number;
  digest?: string;
  /** In the payload alone. */
  payloadName?: string;
  payloadContent?: string;
  payloadSize?: number;
  payloadNameSize?: number;
  /** Left out of the payload. */
  absent?: boolean;
}

export interface MadeRpm {
  files?: MadeFile[];
  /** The payload's last bytes that are cut off. */
  cut?: number;
  scripts?: boolean;
  source?: boolean;
  architecture?: string;
  headerDigest?: string;
  compressor?: string;
  /** In the place of the packed files. */
  payload?: Buffer;
  noPayloadDigest?: boolean;
}

type Value = { type: 3 | 4 | 6 | 7 | 8; values: (string | number | Buffer)[] };

const strings = (...values: string[]): Value => ({ type: 8, values });
const string = (value: string): Value => ({ type: 6, values: [value] });
const int32 = (...values: number[]): Value => ({ type: 4, values });
const int16 = (...values: number[]): Value => ({ type: 3, values });

function header(region: number, entries: { [tag: number]: Value | undefined }): Buffer {
  const index: Buffer[] = [];
  const store: Buffer[] = [];
  let length = 0;
  const add = (bytes: Buffer) => {
    store.push(bytes);
    length += bytes.length;
  };
  const tags = Object.entries(entries).filter((each): each is [string, Value] => each[1] !== undefined);
  for (const [tag, { type, values }] of tags) {
    const width = { 3: 2, 4: 4 }[type as 3 | 4] ?? 1;
    if (length % width) add(Buffer.alloc(width - (length % width)));
    index.push(entry(Number(tag), type, length, type === 7 ? (values[0] as Buffer).length : values.length));
    for (const value of values)
      add(
        typeof value === "string"
          ? Buffer.from(`${value}\0`, "latin1")
          : Buffer.isBuffer(value)
            ? value
            : Buffer.from(value.toString(16).padStart(width * 2, "0"), "hex"),
      );
  }
  index.unshift(entry(region, 7, length, 16));
  add(entry(region, 7, 2 ** 32 - index.length * 16, 16));
  const intro = Buffer.alloc(16);
  intro.writeUInt32BE(0x8eade801, 0);
  intro.writeUInt32BE(index.length, 8);
  intro.writeUInt32BE(length, 12);
  return Buffer.concat([intro, ...index, ...store]);
}

function entry(...fields: number[]): Buffer {
  const made = Buffer.alloc(16);
  fields.forEach((field, at) => made.writeUInt32BE(field, at * 4));
  return made;
}

/** An archive of the files, as payloads are. */
export function cpio(files: MadeFile[]): Buffer {
  const parts: Buffer[] = [];
  const add = (name: string, mode: number, content: Buffer, size = content.length, nameSize?: number) => {
    const fields = [1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, nameSize ?? Buffer.byteLength(name) + 1, 0];
    const head = Buffer.from(`070701${fields.map((each) => each.toString(16).padStart(8, "0")).join("")}${name}\0`);
    for (const bytes of [head, content]) parts.push(bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4));
  };
  for (const { path, mode = 0o100644, content = "", target, absent, ...payload } of files) {
    const bytes = Buffer.from(payload.payloadContent ?? target ?? content);
    if (!absent) add(payload.payloadName ?? `.${path}`, mode, bytes, payload.payloadSize, payload.payloadNameSize);
  }
  add("TRAILER!!!", 0, Buffer.alloc(0));
  return Buffer.concat(parts);
}

/** Writes an RPM byte by byte: what it says of itself is only as true as the test wants. */
export function madeRpm(path: string, made: MadeRpm = {}): string {
  const { files = [{ path: "/etc/made", content: "made\n" }], cut = 0, compressor = "gzip" } = made;
  const whole = gzipSync(cpio(files));
  const payload = made.payload ?? whole.subarray(0, whole.length - cut);
  const digest = (file: MadeFile) =>
    file.digest ??
    ((file.mode ?? 0o100000) >> 12 === 0o10
      ? createHash("sha256")
          .update(file.content ?? "")
          .digest("hex")
      : "");
  const main = header(63, {
    1000: string("made"),
    1001: string("1.0"),
    1002: string("1"),
    1022: string(made.architecture ?? "noarch"),
    ...(made.scripts && { 1024: string("touch /tmp/run") }),
    1028: int32(...files.map((each) => each.size ?? (each.target ?? each.content ?? "").length)),
    1030: int16(...files.map((each) => each.mode ?? 0o100644)),
    1033: int16(...files.map(() => 0)),
    1034: int32(...files.map(() => 1_700_000_000)),
    1035: strings(...files.map(digest)),
    1036: strings(...files.map((each) => each.target ?? "")),
    1037: int32(...files.map(() => 0)),
    1039: strings(...files.map((each) => each.user ?? "root")),
    1040: strings(...files.map(() => "root")),
    ...(!made.source && { 1044: string("made-1.0-1.src.rpm") }),
    1116: int32(...files.map((_, index) => index)),
    1117: strings(...files.map(({ path: each }) => each.slice(each.lastIndexOf("/") + 1))),
    1118: strings(...files.map(({ path: each }) => each.slice(0, each.lastIndexOf("/") + 1))),
    1124: string("cpio"),
    1125: string(compressor),
    5011: int32(8),
    ...(!made.noPayloadDigest && { 5092: strings(createHash("sha256").update(payload).digest("hex")), 5093: int32(8) }),
  });
  const signatures = header(62, {
    273: string(made.headerDigest ?? createHash("sha256").update(main).digest("hex")),
    1000: int32(main.length + payload.length),
  });
  const lead = Buffer.alloc(96);
  lead.writeUInt32BE(0xedabeedb, 0);
  lead[4] = 3;
  const gap = Buffer.alloc((8 - (signatures.length % 8)) % 8);
  writeFileSync(path, Buffer.concat([lead, signatures, gap, main, payload]));
  return path;
}
