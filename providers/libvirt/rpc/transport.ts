import type { Duplex } from "node:stream";

/** A connected byte stream to a libvirt daemon. */
export interface Transport {
  readonly stream: Duplex;
  /** What the carrier itself said about its end, e.g. the last lines of ssh's standard error. */
  reason(): string | undefined;
  /** Keeps the process alive, or lets it go. */
  ref(): void;
  unref(): void;
}
