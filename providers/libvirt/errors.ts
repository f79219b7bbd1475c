import { ErrorCode } from "./error-codes";

export { ErrorCode, ErrorDomain } from "./error-codes";

/** What libvirt answered instead of a result. Match `code`, never the message. */
export class LibvirtError extends Error {
  /** One of ErrorCode. */
  readonly code: number;
  /** One of ErrorDomain. */
  readonly domain: number;
  /** 1 warning, 2 error. */
  readonly level: number;
  /** The call that failed, e.g. "domainCreateWithFlags". */
  readonly call?: string;
  /** The error's further texts, as its code defines them. */
  readonly details: readonly string[];

  constructor(
    message: string,
    facts: { code: number; domain?: number; level?: number; call?: string; details?: readonly string[] },
  ) {
    super(message);
    this.name = "LibvirtError";
    this.code = facts.code;
    this.domain = facts.domain ?? 0;
    this.level = facts.level ?? 2;
    this.call = facts.call;
    this.details = facts.details ?? [];
  }

  /** True for one of `codes`: `error.is(ErrorCode.NO_DOMAIN)`. */
  is(...codes: number[]): boolean {
    return codes.includes(this.code);
  }
}

/** True for a LibvirtError with one of `codes`; for catch blocks. */
export function isLibvirtError(error: unknown, ...codes: number[]): error is LibvirtError {
  return error instanceof LibvirtError && (codes.length === 0 || error.is(...codes));
}

/** True when the object that was asked for does not exist: no such domain, network, filter, pool, volume or snapshot. */
export function isMissing(error: unknown): error is LibvirtError {
  return isLibvirtError(
    error,
    ErrorCode.NO_DOMAIN,
    ErrorCode.NO_NETWORK,
    ErrorCode.NO_NWFILTER,
    ErrorCode.NO_STORAGE_POOL,
    ErrorCode.NO_STORAGE_VOL,
    ErrorCode.NO_DOMAIN_SNAPSHOT,
    ErrorCode.NO_DOMAIN_CHECKPOINT,
    ErrorCode.NO_DOMAIN_METADATA,
  );
}

/** No connection could be made. `fix` says what the operator can do; it is part of the message. */
export class ConnectError extends Error {
  constructor(
    readonly uri: string,
    readonly problem: string,
    readonly fix?: string,
    cause?: unknown,
  ) {
    super(`cannot connect to ${uri}: ${problem}${fix ? `. Fix: ${fix}` : ""}`, { cause });
    this.name = "ConnectError";
  }
}

/** The connection broke. Calls that only read have been tried once more before this is thrown. */
export class ConnectionLost extends Error {
  constructor(problem: string, cause?: unknown) {
    super(`connection to libvirt lost: ${problem}`, cause === undefined ? undefined : { cause });
    this.name = "ConnectionLost";
  }
}

/** The peer sent what no libvirt sends. The connection is closed. */
export class ProtocolError extends Error {
  constructor(problem: string, cause?: unknown) {
    super(`libvirt protocol error: ${problem}`, cause === undefined ? undefined : { cause });
    this.name = "ProtocolError";
  }
}

/** A call that changes something was sent, and its answer never came: it may have happened or not. Read, then decide. */
export class OutcomeUnknown extends Error {
  constructor(
    /** libvirt's name of the call, e.g. "domainCreateWithFlags". */
    readonly call: string,
    cause: Error,
  ) {
    super(
      `${call} was sent, but whether it happened is unknown: ${cause.message}. Fix: read the object's state, then try again`,
      {
        cause,
      },
    );
    this.name = "OutcomeUnknown";
  }
}

/** No answer within the time a call may take. libvirt may still be working on it. */
export class CallTimeout extends Error {
  constructor(
    readonly call: string,
    readonly milliseconds: number,
  ) {
    super(
      `${call} was not answered within ${milliseconds / 1000} s. Fix: see whether libvirtd hangs, or allow more time`,
    );
    this.name = "CallTimeout";
  }
}
