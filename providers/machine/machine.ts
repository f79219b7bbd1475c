import type { Input } from "./feed";

/** Where commands run and files live, as plain data that travels in resource inputs. */
export type MachineSpec =
  | { kind: "local" }
  | {
      kind: "ssh";
      /** Host name, address, or alias from ~/.ssh/config. */
      host: string;
      user?: string;
      port?: number;
      /** Run everything through `sudo -n` on that host, for a user who is not root. Default false. */
      sudo?: boolean;
      /** Extra `-o` options by OpenSSH's names, e.g. { ProxyJump: "bastion" }. They win over ours. */
      options?: { [name: string]: string };
    }
  | ({ kind: "agent" } & OfDomain)
  | ({
      kind: "lxc";
      /** Where its host's commands run. Default: what the URI points at. */
      host?: MachineSpec;
    } & OfDomain);

interface OfDomain {
  /** libvirt URI of the host: "qemu:///system", "lxc+ssh://root@kvm1/system". */
  uri: string;
  /** The domain's name or UUID. */
  domain: string;
  /** How messages call it. Default: `domain`. */
  name?: string;
}

export interface RunOptions {
  /**
   * Written to the command's standard input, which is then closed. A `Feed` that fails, or ends before its length, stops
   * the command; its error is the `cause`.
   */
  stdin?: Input;
  /** Variables added to the machine's own environment. They travel inside the connection, never in an argv. */
  env?: { [name: string]: string };
  /** Absolute folder to run in. Default: where the machine's own login or agent starts. */
  cwd?: string;
  /** Milliseconds until the command and its children are killed. Default 10 minutes. */
  timeout?: number;
  signal?: AbortSignal;
  /** Called with each piece of output as it comes (the guest agent delivers it at the end). */
  onOutput?(stream: "stdout" | "stderr", data: Buffer): void;
  /** Exit codes that are not an error. Default [0]. */
  accept?: number[];
}

export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** True when more than 8 MiB came on a stream: only its last 8 MiB are kept. */
  truncated: boolean;
}

export interface WriteOptions {
  /** Permission bits, e.g. 0o644 (the default). */
  mode?: number;
  /** User name or number. Default: the user the machine works as. */
  owner?: string;
  /** Group name or number. Default: that user's group. */
  group?: string;
  timeout?: number;
  signal?: AbortSignal;
}

export interface StatusOptions {
  /** Also compute the content's hash, on the machine, where the path is a file. Default false. */
  digest?: boolean;
  signal?: AbortSignal;
}

export interface FileStatus {
  type: "file" | "directory" | "symlink" | "other";
  /** Permission bits, including setuid, setgid and sticky. */
  mode: number;
  /** Name, or the number where it has no name. */
  owner: string;
  group: string;
  uid: number;
  gid: number;
  size: number;
  /** Hex; only with `digest`, only of files. */
  sha256?: string;
}

/** One place to work on: this machine, another over ssh, a guest through its agent, or a container. */
export interface Machine {
  /** How errors name it: "guest web-1", "ssh root@kvm1", "this machine", "container c1". */
  readonly label: string;
  /**
   * Runs argv without a shell. Rejects with CommandError on an exit code outside `accept` or a timeout, when the
   * command and its children have been killed; with UnreachableError when the machine cannot be reached.
   */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** The file's bytes; follows symlinks. Rejects with a NotFoundError when the file is missing. */
  read(path: string, options?: { signal?: AbortSignal }): Promise<Buffer>;
  /** Atomic: a temporary file beside the target, fsync, rename. A symlink at `path` is replaced, not followed. */
  write(path: string, data: Buffer | string, options?: WriteOptions): Promise<void>;
  /** Undefined when the path is missing. Does not follow a final symlink. */
  status(path: string, options?: StatusOptions): Promise<FileStatus | undefined>;
  /** Removes a file, or a folder with all in it; missing is success. Never follows symlinks. */
  remove(path: string, options?: { signal?: AbortSignal }): Promise<void>;
}
