import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";

/** An RPM that is downloaded, a file with a digest that it must have, or a package of a repository. */
export interface RpmSourceArgs {
  /** A file on the machine that runs pulumi, from the project's folder when relative. */
  path?: pulumi.Input<string>;
  /** http, https or file. The machine that runs pulumi downloads it with curl, and keeps it in ~/.cache/pulumi-kvm/rpm. */
  url?: pulumi.Input<string>;
  /** SHA-256 in hex. Required with `url`. */
  sha256?: pulumi.Input<string>;
  /** What the `repositories` have: "nginx", or as much of "nginx-1:1.24.0-1.x86_64" as is to be said. */
  name?: pulumi.Input<string>;
}

/** A repository of packages, in dnf.conf(5)'s words. It has the metadata that createrepo_c makes, with SHA-256. */
export interface RpmRepositoryArgs {
  /** The folder that holds repodata/: http, https, or file with a path on the machine that runs pulumi. */
  baseurl: pulumi.Input<string>;
  /**
   * OpenPGP public keys, as text or as paths on the machine that runs pulumi. Required unless both checks are off. It is not
   * fetched from a URL: who answers there would choose whom to trust.
   */
  gpgkey?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Whether its packages must be signed by one of `gpgkey`. Default true. */
  gpgcheck?: pulumi.Input<boolean>;
  /** Whether its repomd.xml must be, in repomd.xml.asc. Default true, unlike dnf's; many distributions sign packages alone. */
  repo_gpgcheck?: pulumi.Input<boolean>;
}

export interface RpmImageArgs {
  /** Where it is kept: the host itself, as root. */
  machine: pulumi.Input<MachineSpec>;
  /** The folder for its files. A disk's must exist. */
  directory: pulumi.Input<string>;
  /**
   * "directory" (default) is a folder with the tree, which containers are copied from; "tar" is an archive of it; "qcow2"
   * a disk with an ext4 file system, without partitions and boot loader.
   */
  format?: pulumi.Input<"directory" | "qcow2" | "tar">;
  /**
   * RPMs in the order in which they are unpacked: paths, URLs with their digests, or what `repositories` have. A text with a
   * "/" in it or ".rpm" at its end is a path, another one a name. Nothing is added that they depend on.
   *
   * A name means the newest package of all repositories, as rpm orders versions. It is looked up when the image is made, and
   * stays what it was then; a change of packages, repositories, architecture or `serial`, and any other that makes a new
   * image, looks up all names again.
   */
  packages: pulumi.Input<pulumi.Input<string | RpmSourceArgs>[]>;
  /** Where packages given by name are, by names of their own: { base: { baseurl: "https://...", gpgkey: "./KEY" } }. */
  repositories?: pulumi.Input<{ [name: string]: pulumi.Input<RpmRepositoryArgs> }>;
  /** What packages given by name are for, as rpm names it: "x86_64". Default: the machine's. */
  architecture?: pulumi.Input<string>;
  /**
   * OpenPGP public keys, as text or as paths on the machine that runs pulumi: every package given as file or URL must be
   * signed by one of them; those of repositories have `gpgkey`. rpmkeys there looks. Default: signatures do not count; the digests in the packages do in any case.
   */
  keys?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * A file that two packages have, with another content, mode or owner: "error" (default) refuses it, "last" takes that of
   * the package given last, and lists it in `overridden`. A folder and a file of the same path are always refused.
   */
  conflicts?: pulumi.Input<"error" | "last">;
  /** Whether device nodes are made. Default false: a package that has some is refused. */
  devices?: pulumi.Input<boolean>;
  /** Whether setuid and setgid bits and capabilities of files are kept. Default true. */
  setuid?: pulumi.Input<boolean>;
  /** Numbers of the users, by name, that files belong to; packages have names alone. root is 0. */
  users?: pulumi.Input<{ [name: string]: pulumi.Input<number> }>;
  /** Numbers of the groups, by name. root is 0. */
  groups?: pulumi.Input<{ [name: string]: pulumi.Input<number> }>;
  /** Virtual size of a disk; the file is sparse. Default "4GiB". */
  size?: pulumi.Input<string | number>;
  /** The most that the packages may unpack to, where each place counts for 4 KiB at least. Default "16GiB". */
  maxSize?: pulumi.Input<string | number>;
  /** Any text. A new one makes a new image, for which names are looked up again. */
  serial?: pulumi.Input<string>;
  /**
   * Whether deleting the resource deletes the files: "delete" (default) does unless a disk or a container on the host uses
   * the image, "keep" leaves them for the next time.
   */
  retain?: pulumi.Input<"delete" | "keep">;
}

/**
 * The files of RPMs, unpacked in the order given as `rpm2cpio | cpio -idm` would, with owners, modes, times and hard links
 * as their headers say. It is kept under a name that follows from the packages and options. Nothing leaves the image,
 * whatever a package holds; every file is compared with its digest; scripts of packages are not run.
 *
 * @example
 * const tree = new RpmImage("appliance", {
 *   machine: { kind: "local" },
 *   directory: "/var/lib/libvirt/filesystems",
 *   packages: ["./base.rpm", { url: "https://example.org/nginx.rpm", sha256: "..." }],
 *   keys: ["./RPM-GPG-KEY"],
 * });
 */
export class RpmImage extends Resource {
  /** The folder, the disk image or the archive, on the host. */
  declare readonly path: pulumi.Output<string>;
  declare readonly format: pulumi.Output<"directory" | "qcow2" | "tar">;
  /** What its name ends in: 12 hex digits over all that determines the content. */
  declare readonly hash: pulumi.Output<string>;
  /** Name, version, release and architecture of each package: "nginx-1.24.0-1.x86_64". */
  declare readonly contents: pulumi.Output<string[]>;
  /** The scripts that packages have and that were not run: "nginx-1.24.0-1.x86_64: %pre, %post". */
  declare readonly scriptlets: pulumi.Output<string[]>;
  /** What packages need and none of them has, as far as names tell: "nginx-1.24.0-1.x86_64: libc.so.6()(64bit)". */
  declare readonly unmet: pulumi.Output<string[]>;
  /** Paths that were taken from the package given last of those that have them. */
  declare readonly overridden: pulumi.Output<string[]>;

  constructor(name: string, args: RpmImageArgs, opts?: pulumi.CustomResourceOptions) {
    const packages = pulumi
      .output(args.packages)
      .apply((list) => Promise.all(list.map((each) => withDigest(name, each as string | Source))));
    const keys = pulumi.output(args.keys).apply((list) => list?.map((key) => keyText(name, key)));
    const repositories = pulumi
      .output(args.repositories)
      .apply((all) => all && Object.fromEntries(Object.entries(all).map(([id, each]) => [id, withKeys(name, each)])));
    const outputs = ["path", "format", "hash", "contents", "scriptlets", "unmet", "overridden"];
    const given = {
      ...args,
      packages,
      ...(args.keys !== undefined && { keys }),
      ...(args.repositories !== undefined && { repositories }),
    };
    super("RpmImage", name, given, outputs, opts);
  }
}

type Source = { path?: string; url?: string; sha256?: string; name?: string };

/** A file's digest is computed here, so that another content of it is a change. */
async function withDigest(name: string, given: string | Source): Promise<Source> {
  const source = typeof given === "string" ? (/\/|\.rpm$/.test(given) ? { path: given } : { name: given }) : given;
  if (typeof source?.path !== "string" || source.sha256 !== undefined) return source;
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(source.path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  } catch (error) {
    throw unreadable(name, "package", source.path, error as NodeJS.ErrnoException);
  }
  return { ...source, sha256: hash.digest("hex") };
}

function withKeys(name: string, repository: { gpgkey?: string | string[] }) {
  const { gpgkey } = repository;
  return gpgkey === undefined
    ? repository
    : { ...repository, gpgkey: [gpgkey].flat().map((key) => keyText(name, key)) };
}

function keyText(name: string, key: string): string {
  // The schema refuses a URL.
  if (key.includes("-----BEGIN") || /^https?:/.test(key)) return key;
  try {
    return readFileSync(key, "utf8");
  } catch (error) {
    throw unreadable(name, "key", key, error as NodeJS.ErrnoException);
  }
}

function unreadable(name: string, what: string, path: string, cause: NodeJS.ErrnoException): Error {
  const reason = cause.code === "ENOENT" ? "does not exist" : cause.message;
  return new pulumi.RunError(`RpmImage ${name}: ${what} ${path} ${reason} (looked in ${process.cwd()})`);
}
