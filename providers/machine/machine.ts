/** Where commands run and files live, as plain data that travels in resource inputs. */
export type MachineSpec =
  | { kind: "local" }
  | {
      kind: "ssh";
      /** Host name, address, or alias from ~/.ssh/config. */
      host: string;
      user?: string;
      port?: number;
      /** Extra `-o` options by OpenSSH's names, e.g. { ProxyJump: "bastion" }. */
      options?: { [name: string]: string };
    }
  | { kind: "agent"; uri: string; domain: string }
  | { kind: "lxc"; uri: string; domain: string };

export interface RunOptions {
  /** Written to the command's standard input, which is then closed. */
  stdin?: string | Buffer;
  /** Variables added to the machine's own environment. Never secrets where another user could read /proc. */
  env?: { [name: string]: string };
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
}

export interface WriteOptions {
  /** Permission bits, e.g. 0o644 (the default). */
  mode?: number;
  owner?: string;
  group?: string;
}

export interface FileStatus {
  type: "file" | "directory" | "other";
  mode: number;
  owner: string;
  group: string;
  size: number;
}

/** One place to work on: this machine, another over ssh, a guest through its agent, or a container. */
export interface Machine {
  /** How errors name it: "guest web-1", "ssh root@kvm1", "this machine". */
  readonly label: string;
  /** Runs argv without a shell. Rejects with CommandError on an exit code outside `accept`, on a signal or timeout. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Rejects with a NotFoundError when the file is missing. */
  read(path: string): Promise<Buffer>;
  /** Atomic: a temporary file beside the target, fsync, rename. */
  write(path: string, data: Buffer | string, options?: WriteOptions): Promise<void>;
  /** Undefined when the path is missing. Does not follow a final symlink. */
  status(path: string): Promise<FileStatus | undefined>;
  /** Removes a file, or a folder with all in it; missing is success. Never follows symlinks. */
  remove(path: string): Promise<void>;
}
