import { createHash } from "node:crypto";
import type { PublishedPort } from "../../schema/port-forward";

/** One port forward as its host keeps it. */
export interface Forward {
  /** The name of its file, and the comment of its rules. */
  id: string;
  /** What the program calls it. */
  name: string;
  /** Who declares it, see `ownerOf`. */
  owner?: string;
  to: Target[];
  ports: PublishedPort[];
}

/** A guest's address and the network of the host's own that it is in. */
export interface Target {
  address: string;
  /** CIDR notation. */
  subnet: string;
}

/** The id of the forward that `owner` declares as `name`: the same in every run, another one for every owner. */
export function forwardId(name: string, owner = ""): string {
  return `${name}-${createHash("sha256").update(owner).digest("hex").slice(0, 8)}`;
}

/** Who declares it, in words: "project/stack", from "project/stack/name of host:/folder". */
export function stackOf(owner: string | undefined): string | undefined {
  const [, project, stack, place] = /^([^/]*)\/([^/]*)\/.*? of (.*)$/s.exec(owner ?? "") ?? [];
  return project === undefined ? undefined : `${project}/${stack} of ${place}`;
}
