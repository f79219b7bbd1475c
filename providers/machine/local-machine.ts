import { BOOTSTRAP, pack } from "./envelope";
import { launch } from "./launch";
import { PosixMachine, type Executed, type Execution } from "./posix-machine";
import { SUPERVISE } from "./supervise";
import { UnreachableError } from "./unreachable-error";

/** The machine that `pulumi` runs on. Commands die with this process, however it ends. */
export class LocalMachine extends PosixMachine {
  constructor() {
    super("this machine");
  }

  async execute(argv: readonly string[], execution: Execution): Promise<Executed> {
    const envelope = pack(argv, execution, SUPERVISE);
    const done = await launch(["sh", "-c", BOOTSTRAP], envelope, { ...execution, killGroup: true });
    if (done.exitCode !== undefined || done.stopped) return done;
    const { error, signal, exitCode } = done.launcher;
    const reason = error ? "cannot start sh" : `the shell ended early (${signal ?? `exit code ${exitCode}`})`;
    throw new UnreachableError(this.label, reason, {
      output: done.stderr.toString(),
      mayHaveRun: !error,
      cause: error,
    });
  }
}
