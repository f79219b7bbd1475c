/** What rpm orders the packages of one name by. */
export interface Evr {
  /** "0" where none is given. */
  epoch: string;
  version: string;
  release: string;
}

/** Below zero where `a` is older than `b`. Source: rpm-version(7). */
export function compareEvr(a: Evr, b: Evr): number {
  return (
    compareVersions(a.epoch, b.epoch) || compareVersions(a.version, b.version) || compareVersions(a.release, b.release)
  );
}

/**
 * Two versions, or two releases, as rpm orders them: piece by piece, numbers before letters in rank and by their value,
 * letters by their codes. "~" is older than the end ("1.0~rc1" comes before "1.0"), "^" newer than the end and older than
 * whatever else goes on ("1.0" comes before "1.0^git1", that before "1.0.1"). Other characters only separate.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [pieces(a), pieces(b)];
  for (let index = 0; ; index++) {
    const [one, other] = [left[index], right[index]];
    if (one === undefined && other === undefined) return 0;
    const order = rank(one) - rank(other) || (one === undefined ? 0 : comparePieces(one, other!));
    if (order !== 0) return order;
  }
}

function pieces(version: string): string[] {
  return version.match(/[0-9]+|[A-Za-z]+|~|\^/g) ?? [];
}

function rank(piece: string | undefined): number {
  if (piece === undefined) return 1;
  if (piece === "~") return 0;
  if (piece === "^") return 2;
  return /^[0-9]/.test(piece) ? 4 : 3;
}

function comparePieces(a: string, b: string): number {
  const [one, other] = [a, b].map((piece) => piece.replace(/^0+(?=[0-9])/, "")) as [string, string];
  if (/^[0-9]/.test(one) && one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : one > other ? 1 : 0;
}
