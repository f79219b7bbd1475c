import { accountKeyProblem } from "../acme/account";
import { acmeJob, acmePlaces } from "../acme/installation";
import { acmeJobScript } from "../acme/job-script";
import type { Scheduler } from "../job/job";
import { lookAt, type JobLook } from "../job/look";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { acmeClientSchema, type AcmeClientInputs } from "../schema/acme-client";
import {
  add,
  changed,
  digest,
  digests,
  drift,
  obstacles,
  replace,
  uninstall,
  type InstalledJob,
} from "./installed-job";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";

/** What the job says of itself; times are seconds since the epoch. */
interface AcmeStatus {
  run?: { time: number; result: "ok" | "failed"; message: string };
  certificates?: { [site: string]: number };
}

export interface AcmeClientState extends AcmeClientInputs {
  scheduler: Scheduler;
  /** "ok", or why certificates are not there. */
  health: string;
  /** When each certificate ends, ISO 8601. */
  expires: { [site: string]: string };
  /** Digests of the files that were installed, by path. */
  files: { [path: string]: string };
}

/** Milliseconds that an authority may take for all certificates. */
const patience = 5 * 60_000;

/** What obtains and renews the certificates of a web server: program, configuration and schedule on its machine. */
export class AcmeClientHandler implements Handler<AcmeClientInputs, AcmeClientState> {
  readonly kind = "AcmeClient";
  readonly schema = acmeClientSchema;

  readonly fields: DiffTable<AcmeClientInputs> = {
    machine: machineRule,
    name: "replace",
    directory: { disruption: "live", why: "certificates are issued by the new one" },
    email: "live",
    accountKey: { disruption: "live", why: "registered when a certificate is due", hidden: true },
    authority: "live",
    certificates: { disruption: "live", why: "issued for other names" },
    renewBefore: "live",
    schedule: "live",
    jitter: "live",
    reload: "live",
    disk: { disruption: "live", why: "the machine's disk is another one: everything is put in place again" },
    installed: ({ old }) => ({ disruption: "live", why: changed(old), hidden: true }),
  };

  /** The same name on the same machine: the old one has to be gone. */
  readonly deleteBeforeReplace = true;

  constructor(private readonly machine: (spec: AcmeClientInputs["machine"]) => Machine = open) {}

  describe({ name, machine }: AcmeClientInputs): string {
    return `certificates of ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: AcmeClientInputs): string {
    return `acme ${machineKey(machine)} ${name}`;
  }

  /** A new version of the program is a change that a preview shows. */
  generate(): Partial<AcmeClientInputs> {
    return { installed: digest(acmeJobScript) };
  }

  async problems(
    inputs: AcmeClientInputs,
    olds: Partial<AcmeClientInputs> | undefined,
    changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const reason = accountKeyProblem(inputs.accountKey);
    const look = await this.look(inputs, context.signal).catch(() => undefined);
    const isNew = !olds || changes.some(({ disruption }) => disruption === "replace");
    return [
      ...(reason === undefined ? [] : [{ field: "accountKey", reason }]),
      ...obstacles(jobOf(inputs), look, isNew),
    ];
  }

  async notices(inputs: AcmeClientInputs, context: Context): Promise<string[]> {
    const look = await this.look(inputs, context.signal).catch(() => undefined);
    const health = look && look.installed > 0 ? healthOf(inputs, look) : "ok";
    return health === "ok" ? [] : [`warning: ${health}`];
  }

  async create(inputs: AcmeClientInputs, context: Context): Promise<Created<AcmeClientState>> {
    const machine = this.machine(inputs.machine);
    const scheduler = await add(machine, jobOf(inputs), context.signal);
    const state = await this.obtain(machine, inputs, scheduler, context);
    return { id: `${machineLabel(inputs.machine)}:${inputs.name}`, state };
  }

  read(_id: string, state: AcmeClientState, context: Context): Promise<AcmeClientState | undefined> {
    return lookOnMachine(state, context, async () => {
      const look = await this.look(state, context.signal);
      if (Object.keys(look.digests).length === 0) return undefined;
      const told = report(state, look);
      // What could not be had is asked for again by the next up.
      const wrong = drift(jobOf(state), state.files, look) ?? (told.health === "ok" ? undefined : told.health);
      return { ...state, ...told, installed: wrong ?? state.installed };
    });
  }

  async update(
    _id: string,
    _olds: AcmeClientState,
    news: AcmeClientInputs,
    _changes: Change[],
    context: Context,
  ): Promise<AcmeClientState> {
    const machine = this.machine(news.machine);
    const scheduler = await replace(machine, jobOf(news), context.signal);
    return this.obtain(machine, news, scheduler, context);
  }

  delete(_id: string, state: AcmeClientState, context: Context): Promise<void> {
    return undoOnMachine(context, () => uninstall(this.machine(state.machine), jobOf(state), context.signal));
  }

  /**
   * Has the new job run at once. An authority that cannot reach the server yet, as before its load balancer is there, is no
   * failure: the job goes on trying, and every preview says so until it succeeds.
   */
  private async obtain(
    machine: Machine,
    inputs: AcmeClientInputs,
    scheduler: Scheduler,
    context: Context,
  ): Promise<AcmeClientState> {
    context.progress("asking the authority");
    const argv = [acmePlaces(inputs.name).program, "run"];
    await machine.run(argv, { signal: context.signal, timeout: patience, accept: [0, 1, 75] });
    const look = await this.look(inputs, context.signal);
    const told = report(inputs, look);
    if (told.health !== "ok") context.progress(`warning: ${told.health}`);
    return { ...inputs, ...told, scheduler, files: digests(jobOf(inputs), scheduler) };
  }

  private look({ machine, name }: AcmeClientInputs, signal: AbortSignal): Promise<JobLook> {
    return lookAt(this.machine(machine), acmePlaces(name), signal);
  }
}

function statusOf({ status }: JobLook): AcmeStatus {
  return (status ?? {}) as AcmeStatus;
}

function report(inputs: AcmeClientInputs, look: JobLook): Pick<AcmeClientState, "health" | "expires"> {
  const ends = Object.entries(statusOf(look).certificates ?? {});
  return {
    health: healthOf(inputs, look),
    expires: Object.fromEntries(ends.map(([site, end]) => [site, new Date(end * 1000).toISOString()])),
  };
}

function healthOf({ certificates }: AcmeClientInputs, look: JobLook): string {
  const { run, certificates: there = {} } = statusOf(look);
  const why = run?.result === "failed" ? `: ${run.message}` : "";
  const missing = Object.keys(certificates).filter((site) => there[site] === undefined);
  if (missing.length > 0) return `no certificate for ${missing.join(", ")} yet${why}`;
  const over = Object.keys(certificates).filter((site) => there[site]! * 1000 <= look.now);
  if (over.length > 0) return `the certificate for ${over.join(", ")} has expired${why}`;
  return why === "" ? "ok" : `not renewed${why}`;
}

function jobOf(inputs: AcmeClientInputs): InstalledJob {
  const { name } = inputs;
  return { ...acmeJob(inputs), name, notes: [acmePlaces(name).state] };
}
