import * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

type Argv = pulumi.Input<pulumi.Input<string>[]>;

export interface CommandArgs {
  /** Where: a guest, a host, or `{ kind: "local" }`. What is in a guest goes with it when the guest is deleted. */
  machine: MachineArg;
  /**
   * Makes it so: a program and its arguments, no shell line. Where a shell is wanted: `["sh", "-c", "..."]`. Arguments are
   * seen in process lists and errors: pass secrets by `env` or `stdin`.
   */
  create: Argv;
  /** Runs when `create`, `update`, `stdin`, `env`, `cwd` or `triggers` change. Default: `create` again. */
  update?: Argv;
  /** Undoes it. Default: nothing is undone. */
  delete?: Argv;
  /**
   * Exit code 0 means that it is in place: `create` is left out then, and refresh finds it gone when this fails. Has to
   * succeed after `create` and `update`. Default: it is in place once `create` succeeded.
   */
  check?: Argv;
  /** Standard input of `create` and `update`. A secret stays encrypted in the state. */
  stdin?: pulumi.Input<string>;
  /** Variables of all commands, beside the machine's own. Secrets stay encrypted in the state. */
  env?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** Absolute folder to run in. */
  cwd?: pulumi.Input<string>;
  /** Any values; when one changes, `update` runs. */
  triggers?: pulumi.Input<pulumi.Input<unknown>[]>;
  /** How long each command may take until it and its children are killed. Default "10m". */
  timeout?: pulumi.Input<string>;
}

/**
 * A command on a machine, for what has no resource of its own.
 *
 * @example
 * new Command("schema", {
 *   machine: db,
 *   check: ["test", "-e", "/var/lib/app/schema-1"],
 *   create: ["/usr/local/bin/migrate", "--to", "1"],
 *   env: { DB_PASSWORD: config.requireSecret("dbPassword") },
 * });
 */
export class Command extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  /** Of the last `create` or `update`, its last MiB. Name it in `additionalSecretOutputs` where it holds a secret. */
  declare readonly stdout: pulumi.Output<string>;
  declare readonly stderr: pulumi.Output<string>;

  constructor(name: string, args: CommandArgs, opts?: pulumi.CustomResourceOptions) {
    // What a command undoes may be elsewhere than in the guest it runs in.
    const place = onMachine(args.machine, opts);
    const options = args.delete === undefined ? place.opts : opts;
    super("Command", name, { ...args, machine: place.machine }, ["stdout", "stderr"], options);
    for (const field of ["create", "update", "delete", "check"] as const)
      void pulumi.isSecret(pulumi.output(args[field])).then(async (secret) => {
        if (!secret) return;
        const problem = `${field} holds a secret, which process lists and errors will show. Fix: pass it by env or stdin`;
        await pulumi.log.warn(problem, this);
      });
  }
}
