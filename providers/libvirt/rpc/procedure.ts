import { type Fields, type StructOf, type Xdr, struct } from "./xdr";

/** A set of procedures with numbers of their own. */
export interface Program {
  number: number;
  version: number;
}

export const REMOTE: Program = { number: 0x20008086, version: 1 };
export const QEMU: Program = { number: 0x20008087, version: 1 };
export const KEEPALIVE: Program = { number: 0x6b656570, version: 1 };

/** What a call does to the world, and so what a lost connection means for it. */
export type Effect =
  /** Changes nothing: is sent again after the connection was lost. */
  | "read"
  /** Changes something: is never sent twice. */
  | "write"
  /** As "write", and may rightly take longer than any ordinary call. */
  | "slow";

/** One remote call: its number and how its arguments and its result look. */
export interface Procedure<Args, Result> {
  readonly name: string;
  readonly program: Program;
  readonly number: number;
  readonly effect: Effect;
  readonly args: Xdr<Args>;
  readonly result: Xdr<Result>;
}

type Shape<Args, Result> = Omit<Procedure<Args, Result>, "name" | "program">;

function shape(effect: Effect) {
  return <A extends Fields = {}, R extends Fields = {}>(
    number: number,
    args: A = {} as A,
    result: R = {} as R,
  ): Shape<StructOf<A>, StructOf<R>> => ({ number, effect, args: struct(args), result: struct(result) });
}

export const read = shape("read");
export const write = shape("write");
export const slow = shape("slow");

/** Gives every procedure of a table its name and its program. */
export function procedures<Table extends { readonly [name: string]: Shape<any, any> }>(
  program: Program,
  table: Table,
): { readonly [Name in keyof Table]: Table[Name] extends Shape<infer A, infer R> ? Procedure<A, R> : never } {
  const named = Object.entries(table).map(([name, entry]) => [name, { name, program, ...entry }]);
  return Object.fromEntries(named);
}
