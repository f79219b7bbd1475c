import type { Connection } from "../../../providers/libvirt/connection";
import { ErrorCode, LibvirtError } from "../../../providers/libvirt/errors";

type Members = {
  [Member in keyof Connection]?: Connection[Member] extends (...args: infer Args) => unknown
    ? (...args: Args) => unknown
    : never;
};

/** A connection that answers the calls that the test scripts, and fails the test on every other. */
export function fakeConnection(members: Members, uri = "qemu+ssh://root@kvm1/system"): Connection {
  const fake: Connection = new Proxy({} as Connection, {
    get(_target, member: string) {
      if (member === "then") return undefined;
      if (member === "uri") return uri;
      if (member === "with") return () => fake;
      const scripted = members[member as keyof Connection] as ((...args: unknown[]) => unknown) | undefined;
      if (!scripted) throw new Error(`the test scripts no ${member}`);
      return async (...args: unknown[]) => scripted(...args);
    },
  });
  return fake;
}

/** What libvirt answers for an object that does not exist. */
export function missing(code: number = ErrorCode.NO_NETWORK): never {
  throw new LibvirtError("not found", { code });
}
