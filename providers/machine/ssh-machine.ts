import { createHash } from "node:crypto";
import { BOOTSTRAP, pack } from "./envelope";
import { launch, type Launched } from "./launch";
import { Limiter } from "./limiter";
import type { MachineSpec } from "./machine";
import { PosixMachine, type Executed, type Execution } from "./posix-machine";
import { runtimeFolder } from "./runtime-folder";
import { shellQuote } from "./shell-quote";
import { SUPERVISE } from "./supervise";
import { UnreachableError } from "./unreachable-error";

export type SshSpec = Extract<MachineSpec, { kind: "ssh" }>;

/** sshd's MaxSessions is 10 by default; the rest wait here. */
const sessions = 8;

/**
 * Another host through the operator's own OpenSSH: ~/.ssh/config, agents, keys, jump hosts and known_hosts all count.
 * Nothing is ever asked (BatchMode), an unknown host key is an error. One connection is shared by all commands and
 * closes 30 s after the last. Commands die with their connection and with this process.
 */
export class SshMachine extends PosixMachine {
  private readonly limiter = new Limiter(sessions);
  private connected?: Promise<void>;
  private everConnected = false;

  constructor(
    private readonly spec: SshSpec,
    /** The ssh program and its first arguments. */
    private readonly program: readonly string[] = ["ssh"],
  ) {
    super(sshLabel(spec));
  }

  async execute(argv: readonly string[], execution: Execution): Promise<Executed> {
    await this.connect(execution.signal);
    return this.limiter.run(() => this.session(argv, execution));
  }

  /** The first command opens the shared connection alone; those that come meanwhile wait for it. */
  private connect(signal?: AbortSignal): Promise<void> {
    this.connected ??= this.session(["true"], { timeout: 60_000, limit: 65_536, signal }).then(
      () => {
        this.everConnected = true;
      },
      (error) => {
        this.connected = undefined;
        throw error;
      },
    );
    return this.connected;
  }

  private async session(argv: readonly string[], execution: Execution): Promise<Executed> {
    const envelope = pack(argv, execution, SUPERVISE);
    const done = await launch([...this.program, ...sshArgs(this.spec)], envelope, { ...execution, killGroup: false });
    if (done.exitCode !== undefined || done.stopped) return done;
    throw this.unreachable(done);
  }

  private unreachable({ launcher, stderr }: Launched): UnreachableError {
    const output = stderr.toString();
    if (launcher.error)
      return new UnreachableError(this.label, `cannot run ${this.program[0]}: ${launcher.error.message}`, {
        fix: "install the OpenSSH client on the machine that runs pulumi",
        cause: launcher.error,
      });
    const ending = launcher.signal ?? `exit code ${launcher.exitCode}`;
    const mayHaveRun = this.everConnected;
    if (launcher.exitCode !== 255)
      return new UnreachableError(this.label, `the remote shell ended early (${ending})`, { output, mayHaveRun });
    return new UnreachableError(this.label, "the ssh connection failed", { output, mayHaveRun, fix: this.fix(output) });
  }

  /** A hint only, by OpenSSH's untranslated messages; what they do not match still shows in full. */
  private fix(output: string): string {
    const login = `ssh ${sshDestination(this.spec).join(" ")}`;
    if (/Host key verification failed|REMOTE HOST IDENTIFICATION/.test(output))
      return `log in once by hand (\`${login}\`) and compare the host key with the host's own before accepting it`;
    if (/Permission denied/.test(output))
      return `make \`${login}\` work without a password: load the key into ssh-agent, or name it in ~/.ssh/config`;
    if (/sudo:/.test(output)) return "allow that user sudo without a password, or connect as root";
    return `see what \`${login}\` says`;
  }
}

/** "ssh root@kvm1". */
export function sshLabel(spec: SshSpec): string {
  return `ssh ${spec.user ? `${spec.user}@` : ""}${spec.host}${spec.port ? `:${spec.port}` : ""}`;
}

function sshDestination(spec: SshSpec): string[] {
  return [...(spec.port ? ["-p", String(spec.port)] : []), ...(spec.user ? ["-l", spec.user] : []), "--", spec.host];
}

/** ssh takes the first value it meets of each option, so the operator's own come first. */
function sshArgs(spec: SshSpec): string[] {
  const options = [
    ...Object.entries(spec.options ?? {}),
    ["BatchMode", "yes"],
    ["ControlMaster", "auto"],
    [
      "ControlPath",
      `${runtimeFolder()}/${createHash("sha256").update(JSON.stringify(spec)).digest("hex").slice(0, 16)}`,
    ],
    ["ControlPersist", "30"],
    ["ConnectTimeout", "15"],
    ["ServerAliveInterval", "15"],
    ["ServerAliveCountMax", "4"],
    ["ClearAllForwardings", "yes"],
    ["ForwardAgent", "no"],
    ["ForwardX11", "no"],
    ["PermitLocalCommand", "no"],
    ["RemoteCommand", "none"],
    ["RequestTTY", "no"],
    ["LogLevel", "ERROR"],
  ];
  const shell = `exec ${spec.sudo ? "sudo -n -- " : ""}sh -c ${shellQuote(BOOTSTRAP)}`;
  return [...options.flatMap(([name, value]) => ["-o", `${name}=${value}`]), ...sshDestination(spec), shell];
}
