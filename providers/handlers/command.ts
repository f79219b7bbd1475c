import { randomUUID } from "node:crypto";
import type { Change, Context, Created, DiffTable, Handler } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import { displayArgv } from "../machine/shell-quote";
import type { Machine, RunResult } from "../machine/machine";
import { machineLabel, open } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { commandSchema, type CommandInputs } from "../schema/command";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";

export interface CommandState extends CommandInputs {
  stdout: string;
  stderr: string;
}

/** What of an output goes into the state. */
const kept = 1024 * 1024;
/** A value shorter than this is no secret worth blanking a whole error for. */
const shortestSecret = 6;

/** Commands of the operator's own. */
export class CommandHandler implements Handler<CommandInputs, CommandState> {
  readonly kind = "Command";
  readonly schema = commandSchema;
  /** What is undone on the old machine may be what the new one needs. */
  readonly deleteBeforeReplace = true;

  readonly fields: DiffTable<CommandInputs> = {
    machine: machineRule,
    create: "live",
    update: "live",
    delete: "live",
    check: "live",
    stdin: { disruption: "live", hidden: true },
    env: { disruption: "live", hidden: true },
    cwd: "live",
    triggers: { disruption: "live", hidden: true },
    timeout: "ignored",
  };

  constructor(private readonly machine: (spec: CommandInputs["machine"]) => Machine = open) {}

  describe({ create, machine }: CommandInputs): string {
    // Not all of it: what it runs is in every error anyway.
    return `command ${Array.isArray(create) ? displayArgv(create, 40) : ""} on ${machineLabel(machine)}`;
  }

  lock(_inputs: CommandInputs): string {
    // Commands have no name of their own, and none of them is kept from running beside the others.
    return `command ${randomUUID()}`;
  }

  deadline({ timeout }: CommandInputs): number {
    return 3 * milliseconds(timeout) + 60_000;
  }

  async create(inputs: CommandInputs, context: Context): Promise<Created<CommandState>> {
    const id = randomUUID();
    if (inputs.check && (await this.inPlace(inputs, context.signal)))
      return { id, state: { ...inputs, stdout: "", stderr: "" } };
    return { id, state: await this.execute(inputs, inputs.create, context.signal) };
  }

  read(_id: string, state: CommandState, context: Context): Promise<CommandState | undefined> {
    if (!state.check) return Promise.resolve(state);
    return lookOnMachine(state, context, async () => ((await this.inPlace(state, context.signal)) ? state : undefined));
  }

  async update(
    _id: string,
    olds: CommandState,
    news: CommandInputs,
    changes: Change[],
    context: Context,
  ): Promise<CommandState> {
    const again: string[] = ["create", "update", "stdin", "env", "cwd", "triggers"];
    if (!changes.some(({ field }) => again.includes(field)))
      return { ...news, stdout: olds.stdout, stderr: olds.stderr };
    return this.execute(news, news.update ?? news.create, context.signal);
  }

  async delete(_id: string, state: CommandState, context: Context): Promise<void> {
    const argv = state.delete;
    if (argv) await undoOnMachine(context, async () => void (await this.run(state, argv, context.signal)));
  }

  /** Runs it with its standard input, and makes sure that it took. */
  private async execute(inputs: CommandInputs, argv: string[], signal: AbortSignal): Promise<CommandState> {
    const { stdout, stderr } = await this.run(inputs, argv, signal, inputs.stdin);
    if (inputs.check && !(await this.inPlace(inputs, signal)))
      throw new OperatorError(`\`${displayArgv(argv)}\` succeeded, but \`${displayArgv(inputs.check)}\` still fails`, {
        fix: "make check tell what the command does",
      });
    return { ...inputs, stdout: stdout.slice(-kept), stderr: stderr.slice(-kept) };
  }

  private async inPlace(inputs: CommandInputs, signal: AbortSignal): Promise<boolean> {
    const every = Array.from({ length: 126 }, (_, code) => code);
    // 126 and 127 are the shell's, for a program that cannot be run: no answer to the question.
    return (await this.run(inputs, inputs.check!, signal, undefined, every)).exitCode === 0;
  }

  private async run(
    inputs: CommandInputs,
    argv: string[],
    signal: AbortSignal,
    stdin?: string,
    accept?: number[],
  ): Promise<RunResult> {
    const { env, cwd, timeout } = inputs;
    const options = { env, cwd, stdin, accept, signal, timeout: milliseconds(timeout) };
    try {
      return await this.machine(inputs.machine).run(argv, options);
    } catch (error) {
      throw error instanceof CommandError ? withoutSecrets(error, inputs) : error;
    }
  }
}

/** The error without what came in by the environment or standard input, should the command have repeated it. */
function withoutSecrets(error: CommandError, { env, stdin }: CommandInputs): Error {
  const values = Object.entries(env ?? {}).map(([name, value]): [string, string] => [value, `[env ${name}]`]);
  if (stdin !== undefined) values.push([stdin.trim(), "[stdin]"]);
  const hide = (text: string) =>
    values
      .filter(([value]) => value.length >= shortestSecret)
      .reduce((hidden, [value, name]) => hidden.replaceAll(value, name), text);
  const { argv, machine, exitCode, stopped } = error;
  return new CommandError({ argv, machine, exitCode, stopped, stdout: hide(error.stdout), stderr: hide(error.stderr) });
}
