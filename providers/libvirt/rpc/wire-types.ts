import type { Domain, DomainSnapshot, NWFilter, Network, StoragePool, StorageVol } from "../handles";
import { XdrError } from "./xdr-error";
import {
  type Xdr,
  array,
  double,
  fixedOpaque,
  hyper,
  int,
  mapped,
  optional,
  string,
  struct,
  uhyper,
  uint,
  union,
} from "./xdr";

/** REMOTE_STRING_MAX */
export const text: Xdr<string> = string(4194304);
export const optionalText: Xdr<string | null> = optional(text);
/** The bound of most of libvirt's lists of objects. */
export const LIST_MAX = 16384;

/** 16 bytes, seen as canonical text. */
export const uuid: Xdr<string> = mapped(fixedOpaque(16), uuidBytes, uuidText);

export const domain: Xdr<Domain> = struct({ name: text, uuid, id: int });
export const network: Xdr<Network> = struct({ name: text, uuid });
export const nwfilter: Xdr<NWFilter> = struct({ name: text, uuid });
export const storagePool: Xdr<StoragePool> = struct({ name: text, uuid });
export const storageVol: Xdr<StorageVol> = struct({ pool: text, name: text, key: text });
export const domainSnapshot: Xdr<DomainSnapshot> = struct({ name: text, dom: domain });

/** virNetMessageError */
export const remoteError = struct({
  code: int,
  domain: int,
  message: optionalText,
  level: int,
  dom: optional(domain),
  str1: optionalText,
  str2: optionalText,
  str3: optionalText,
  int1: int,
  int2: int,
  net: optional(network),
});

/** virTypedParameter; `type` is one of VIR_TYPED_PARAM_*. */
export const typedParam = struct({
  field: text,
  value: union({ 1: int, 2: uint, 3: hyper, 4: uhyper, 5: double, 6: int, 7: text }),
});

export function typedParams(max: number) {
  return array(typedParam, max);
}

function uuidBytes(value: string): Uint8Array {
  const digits = typeof value === "string" ? value.replaceAll("-", "") : "";
  if (!/^[0-9a-fA-F]{32}$/.test(digits)) {
    throw new XdrError("", `a UUID of 32 hexadecimal digits is needed, got ${JSON.stringify(value)}`);
  }
  return Buffer.from(digits, "hex");
}

function uuidText(bytes: Uint8Array): string {
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return [8, 12, 16, 20].reduceRight((all, place) => `${all.slice(0, place)}-${all.slice(place)}`, digits);
}
