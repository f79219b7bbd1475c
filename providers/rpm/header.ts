import { OperatorError } from "../dynamic/errors";

/**
 * Tags of RPM headers that are read here, by their names in rpm's documentation
 * (https://rpm-software-management.github.io/rpm/manual/tags.html).
 */
export const tag = {
  HeaderImmutable: 63,
  Sha256Header: 273,
  Size: 1000,
  LongSize: 270,
  Name: 1000,
  Version: 1001,
  Release: 1002,
  Arch: 1022,
  PreIn: 1023,
  PostIn: 1024,
  PreUn: 1025,
  PostUn: 1026,
  FileSizes: 1028,
  FileModes: 1030,
  FileRdevs: 1033,
  FileMtimes: 1034,
  FileDigests: 1035,
  FileLinkTos: 1036,
  FileFlags: 1037,
  FileUserName: 1039,
  FileGroupName: 1040,
  SourceRpm: 1044,
  ProvideName: 1047,
  RequireFlags: 1048,
  RequireName: 1049,
  TriggerScripts: 1065,
  PreInProg: 1085,
  PostInProg: 1086,
  PreUnProg: 1087,
  PostUnProg: 1088,
  FileDevices: 1095,
  FileInodes: 1096,
  DirIndexes: 1116,
  BaseNames: 1117,
  DirNames: 1118,
  PayloadFormat: 1124,
  PayloadCompressor: 1125,
  PreTrans: 1151,
  PostTrans: 1152,
  PreTransProg: 1153,
  PostTransProg: 1154,
  LongFileSizes: 5008,
  FileCaps: 5010,
  FileDigestAlgo: 5011,
  FileTriggerScripts: 5066,
  TransFileTriggerScripts: 5076,
  PayloadDigest: 5092,
  PayloadDigestAlgo: 5093,
} as const;

const magic = 0x8eade801;
/** What rpm itself reads at most of a header (lib/header.c: HEADER_DATA_MAX, HEADER_TAGS_MAX). */
const mostData = 256 * 2 ** 20;
const mostEntries = 0xffff;
const introLength = 16;
const entryLength = 16;

const types = { int16: 3, int32: 4, int64: 5, string: 6, bin: 7, strings: 8, i18n: 9 };
const widths: { [type: number]: number } = { 1: 1, 2: 1, [types.int16]: 2, [types.int32]: 4, [types.int64]: 8 };

interface Entry {
  type: number;
  offset: number;
  count: number;
}

/** How long the header is whose first 16 bytes are `intro`. */
export function headerLength(intro: Buffer): number {
  if (intro.length < introLength) throw damaged("it ends within a header");
  if (intro.readUInt32BE(0) !== magic) throw damaged("a header does not begin as headers do");
  const [entries, data] = [intro.readUInt32BE(8), intro.readUInt32BE(12)];
  if (entries < 1 || entries > mostEntries || data > mostData)
    throw damaged(`a header says that it has ${entries} entries and ${data} bytes`);
  return introLength + entries * entryLength + data;
}

/** A structure of tagged values, of which an RPM has two: its signatures, and what it tells of itself. */
export class Header {
  private readonly entries = new Map<number, Entry>();
  private readonly store: Buffer;
  private readonly first: { tag: number } & Entry;

  constructor(readonly bytes: Buffer) {
    if (bytes.length !== headerLength(bytes)) throw damaged("it ends within a header");
    const count = bytes.readUInt32BE(8);
    this.store = bytes.subarray(introLength + count * entryLength);
    for (let at = introLength; at < introLength + count * entryLength; at += entryLength) {
      const [type, offset, items] = [
        bytes.readUInt32BE(at + 4),
        bytes.readUInt32BE(at + 8),
        bytes.readUInt32BE(at + 12),
      ];
      if (offset > this.store.length || items > mostData) throw damaged("a header's entry lies outside of it");
      const key = bytes.readUInt32BE(at);
      if (!this.entries.has(key)) this.entries.set(key, { type, offset, count: items });
    }
    const [key] = this.entries.keys();
    this.first = { tag: key!, ...this.entries.get(key!)! };
  }

  /**
   * Whether all of it is what rpm's digests and signatures are made over: its first entry is the region that says so, and
   * spans every entry and every byte. What is beside a region could be added by anyone.
   */
  get sealed(): boolean {
    const { tag: own, type, offset, count } = this.first;
    if (own !== tag.HeaderImmutable || type !== types.bin || count !== entryLength) return false;
    if (offset + entryLength !== this.store.length) return false;
    const span = -this.store.readInt32BE(offset + 8);
    return this.store.readUInt32BE(offset) === own && span === this.bytes.readUInt32BE(8) * entryLength;
  }

  has(key: number): boolean {
    return this.entries.has(key);
  }

  string(key: number): string | undefined {
    return this.strings(key)?.[0];
  }

  strings(key: number): string[] | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    if (entry.type !== types.string && entry.type !== types.strings && entry.type !== types.i18n)
      throw damaged(`the header's entry ${key} is no text`);
    const found: string[] = [];
    let { offset } = entry;
    for (let left = entry.type === types.string ? 1 : entry.count; left > 0; left--) {
      const end = this.store.indexOf(0, offset);
      if (end < 0) throw damaged(`the header's entry ${key} lies outside of it`);
      // Names of files are bytes; latin1 keeps each as it is, and so does who writes them.
      found.push(this.store.toString("latin1", offset, end));
      offset = end + 1;
    }
    return found;
  }

  /** A number; of a list, the first. */
  number(key: number): number | undefined {
    return this.numbers(key)?.[0];
  }

  numbers(key: number): number[] | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    const width = widths[entry.type];
    if (width === undefined) throw damaged(`the header's entry ${key} is no number`);
    const { offset, count } = entry;
    if (offset + count * width > this.store.length) throw damaged(`the header's entry ${key} lies outside of it`);
    const at = (index: number) => offset + index * width;
    return Array.from({ length: count }, (_, index) =>
      width === 8 ? this.wide(at(index), key) : this.store.readUIntBE(at(index), width),
    );
  }

  private wide(at: number, key: number): number {
    const value = this.store.readBigUInt64BE(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(`the header's entry ${key} says ${value}`);
    return Number(value);
  }
}

export function damaged(what: string): OperatorError {
  return new OperatorError(`is damaged: ${what}`, { fix: "fetch it again" });
}
