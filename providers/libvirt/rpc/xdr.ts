import { XdrError } from "./xdr-error";
import { XdrReader } from "./xdr-reader";
import { XdrWriter } from "./xdr-writer";

/** How values of `T` look on the wire (RFC 4506). Every type has bounds, so that no packet can ask for unbounded memory. */
export interface Xdr<T> {
  encode(writer: XdrWriter, value: T): void;
  decode(reader: XdrReader): T;
}

/** The TypeScript type that an XDR type carries. */
export type Carried<X> = X extends Xdr<infer T> ? T : never;

/** Whole message in one go. */
export function encode<T>(type: Xdr<T>, value: T): Buffer {
  const writer = new XdrWriter();
  type.encode(writer, value);
  return writer.result();
}

/** Whole message in one go; left-over bytes are an error. */
export function decode<T>(type: Xdr<T>, bytes: Buffer): T {
  const reader = new XdrReader(bytes);
  const value = type.decode(reader);
  reader.end();
  return value;
}

function whole(value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new XdrError("", `a whole number from ${low} to ${high} is needed, got ${String(value)}`);
  }
  return value;
}

function big(value: number | bigint, low: bigint, high: bigint): bigint {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new XdrError("", `a whole number is needed, got ${String(value)}; use a bigint above 2^53`);
  }
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new XdrError("", `a whole number is needed, got ${typeof value}`);
  }
  const exact = BigInt(value);
  if (exact < low || exact > high) throw new XdrError("", `a number from ${low} to ${high} is needed, got ${exact}`);
  return exact;
}

export const int: Xdr<number> = {
  encode: (writer, value) => writer.int32(whole(value, -0x80000000, 0x7fffffff)),
  decode: (reader) => reader.int32(),
};

export const uint: Xdr<number> = {
  encode: (writer, value) => writer.uint32(whole(value, 0, 0xffffffff)),
  decode: (reader) => reader.uint32(),
};

/** Bits or-ed together. JavaScript's `|` makes bit 31 negative; here it is taken as the bit it is. */
export const flags: Xdr<number> = {
  encode: (writer, value) => writer.uint32(whole(value, -0x80000000, 0xffffffff) >>> 0),
  decode: (reader) => reader.uint32(),
};

/** libvirt's C booleans: an int of 0 or 1. */
export const bool: Xdr<boolean> = {
  encode: (writer, value) => writer.int32(value ? 1 : 0),
  decode: (reader) => reader.int32() !== 0,
};

export const hyper: Xdr<bigint> = {
  encode: (writer, value: number | bigint) => writer.int64(big(value, -(2n ** 63n), 2n ** 63n - 1n)),
  decode: (reader) => reader.int64(),
};

export const uhyper: Xdr<bigint> = {
  encode: (writer, value: number | bigint) => writer.uint64(big(value, 0n, 2n ** 64n - 1n)),
  decode: (reader) => reader.uint64(),
};

/** An unsigned hyper that counts bytes, KiB or the like, as a number: exact up to 2^53, above that rounded. */
export const size: Xdr<number> = {
  encode: (writer, value: number | bigint) => writer.uint64(big(value, 0n, 2n ** 64n - 1n)),
  decode: (reader) => Number(reader.uint64()),
};

export const double: Xdr<number> = {
  encode: (writer, value) => writer.float64(value),
  decode: (reader) => reader.float64(),
};

export const nothing: Xdr<void> = { encode: () => {}, decode: () => {} };

/** UTF-8 text of at most `max` bytes, without NUL: libvirt would cut it there. */
export function string(max: number): Xdr<string> {
  return {
    encode(writer, value) {
      if (typeof value !== "string")
        throw new XdrError("", `text is needed, got ${value === null ? "null" : typeof value}`);
      if (value.includes("\0")) throw new XdrError("", "text must not contain a NUL character");
      const length = Buffer.byteLength(value);
      if (length > max) throw new XdrError("", `text of ${length} bytes is over the limit of ${max}`);
      writer.text(value, length);
    },
    decode: (reader) => reader.padded(count(reader, max, "text", 1)).toString("utf8"),
  };
}

/** At most `max` bytes of anything. Decoded bytes are a view of the packet. */
export function opaque(max: number): Xdr<Uint8Array> {
  return {
    encode(writer, value) {
      if (value.length > max) throw new XdrError("", `${value.length} bytes are over the limit of ${max}`);
      writer.uint32(value.length);
      writer.padded(value);
    },
    decode: (reader) => reader.padded(count(reader, max, "data", 1)),
  };
}

/** Exactly `length` bytes. */
export function fixedOpaque(length: number): Xdr<Uint8Array> {
  return {
    encode(writer, value) {
      if (value.length !== length) throw new XdrError("", `exactly ${length} bytes are needed, got ${value.length}`);
      writer.padded(value);
    },
    decode: (reader) => reader.padded(length),
  };
}

/** At most `max` elements. */
export function array<T>(element: Xdr<T>, max: number): Xdr<T[]> {
  return {
    encode(writer, value) {
      if (value.length > max) throw new XdrError("", `${value.length} elements are over the limit of ${max}`);
      writer.uint32(value.length);
      value.forEach((item, index) => at(`[${index}]`, () => element.encode(writer, item)));
    },
    decode(reader) {
      const length = count(reader, max, "elements", 4);
      const items: T[] = [];
      for (let index = 0; index < length; index++) items.push(at(`[${index}]`, () => element.decode(reader)));
      return items;
    },
  };
}

/** A C string in an array of `char`: XDR spends four bytes on each. `length` fixes the count; `max` bounds a counted one. */
export function chars(bound: { length: number } | { max: number }): Xdr<string> {
  const fixed = "length" in bound;
  const limit = fixed ? bound.length : bound.max;
  return {
    encode(writer, value) {
      const bytes = Buffer.from(value, "utf8");
      if (bytes.length > limit) throw new XdrError("", `text of ${bytes.length} bytes is over the limit of ${limit}`);
      if (!fixed) writer.uint32(bytes.length);
      for (let index = 0; index < (fixed ? limit : bytes.length); index++) writer.int32(bytes[index] ?? 0);
    },
    decode(reader) {
      const length = fixed ? limit : count(reader, limit, "characters", 4);
      const bytes = Buffer.alloc(length);
      for (let index = 0; index < length; index++) bytes[index] = reader.int32() & 0xff;
      const end = bytes.indexOf(0);
      return bytes.toString("utf8", 0, end < 0 ? length : end);
    },
  };
}

/** A pointer: null, or the value. */
export function optional<T>(type: Xdr<T>): Xdr<T | null> {
  return {
    encode(writer, value) {
      writer.uint32(value === null || value === undefined ? 0 : 1);
      if (value !== null && value !== undefined) type.encode(writer, value);
    },
    decode(reader) {
      const present = reader.uint32();
      if (present > 1) throw new XdrError("", `a presence mark of 0 or 1 is needed, got ${present}`);
      return present === 1 ? type.decode(reader) : null;
    },
  };
}

export type Fields = { readonly [name: string]: Xdr<any> };
export type StructOf<F extends Fields> = { -readonly [Name in keyof F]: Carried<F[Name]> };

/** Fields in the order they are written down. */
export function struct<F extends Fields>(fields: F): Xdr<StructOf<F>> {
  const entries = Object.entries(fields);
  return {
    encode(writer, value) {
      for (const [name, type] of entries) at(name, () => type.encode(writer, value[name as keyof F]));
    },
    decode(reader) {
      const value: { [name: string]: unknown } = {};
      for (const [name, type] of entries) value[name] = at(name, () => type.decode(reader));
      return value as StructOf<F>;
    },
  };
}

/** A discriminated union: the int `type`, then what that arm carries. */
export function union<Arms extends { readonly [type: number]: Xdr<any> }>(
  arms: Arms,
): Xdr<{ [Type in keyof Arms & number]: { type: Type; value: Carried<Arms[Type]> } }[keyof Arms & number]> {
  function arm(type: number): Xdr<any> {
    const found = arms[type];
    if (!found) throw new XdrError("", `union arm ${type} is unknown; known are ${Object.keys(arms).join(", ")}`);
    return found;
  }
  return {
    encode(writer, value) {
      const type = arm(value.type);
      writer.int32(value.type);
      at("value", () => type.encode(writer, value.value));
    },
    decode(reader) {
      const type = reader.int32();
      const found = arm(type);
      return { type, value: at("value", () => found.decode(reader)) } as never;
    },
  };
}

/** One type seen as another, e.g. 16 bytes as a UUID's text. */
export function mapped<Wire, T>(type: Xdr<Wire>, out: (value: T) => Wire, into: (wire: Wire) => T): Xdr<T> {
  return {
    encode: (writer, value) => type.encode(writer, out(value)),
    decode: (reader) => into(type.decode(reader)),
  };
}

function count(reader: XdrReader, max: number, what: string, unit: number): number {
  const length = reader.uint32();
  if (length > max) throw new XdrError("", `${length} ${what} are over the limit of ${max}`);
  if (length * unit > reader.remaining) {
    throw new XdrError("", `${length} ${what} are announced, but only ${reader.remaining} bytes are left`);
  }
  return length;
}

function at<T>(step: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof XdrError ? error.within(step) : error;
  }
}
