import { OperatorError } from "../../dynamic/errors";
import { CommandError } from "../../machine/command-error";
import type { Machine } from "../../machine/machine";
import type { Forward } from "./forward";
import { forwardsOf, parseHostReport, type HostReport } from "./host-report";
import { CHANGED, HOST_SCRIPT } from "./host-script";
import { forwardFile } from "./ruleset";

/** Makes a forward for the host as it is, beside the others that are there by then; throws what speaks against it. */
export type Build = (report: HostReport, others: readonly Forward[]) => Forward;

interface Job {
  id: string;
  /** Undefined for a forward that goes. */
  build?: Build;
  resolve(made: Forward | undefined): void;
  reject(error: unknown): void;
  refused?: boolean;
}

/** What becomes of a job: the forward, or undefined where it goes. */
type Plan = Map<Job, Forward | undefined>;

/** Milliseconds that what a host told may be told again. */
const freshness = 3000;
const timeout = 2 * 60_000;
const mostAtOnce = 64;

const hosts = new WeakMap<Machine, HostForwards>();

/**
 * The forwards of one host, for all resources of a run: one look answers those that ask at the same time, and changes
 * that come while others are made are made together.
 */
export class HostForwards {
  private recent?: { at: number; report: Promise<HostReport> };
  private readonly waiting: Job[] = [];
  private working = false;

  constructor(private readonly machine: Machine) {}

  static of(machine: Machine): HostForwards {
    const forwards = hosts.get(machine) ?? new HostForwards(machine);
    hosts.set(machine, forwards);
    return forwards;
  }

  /** The host as it was at most a moment ago. */
  look(): Promise<HostReport> {
    if (this.recent && Date.now() - this.recent.at < freshness) return this.recent.report;
    const report = this.run(["look"]).then(({ stdout }) => parseHostReport(stdout));
    this.recent = { at: Date.now(), report };
    report.then(
      () => this.recent?.report === report && (this.recent.at = Date.now()),
      () => this.recent?.report === report && (this.recent = undefined),
    );
    return report;
  }

  /** Puts the forward of this id in force, or brings it to what `build` makes of it. */
  async put(id: string, build: Build): Promise<Forward> {
    return (await this.queue(id, build))!;
  }

  async remove(id: string): Promise<void> {
    await this.queue(id);
  }

  private queue(id: string, build?: Build): Promise<Forward | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ id, build, resolve, reject });
      void this.work();
    });
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    // Those that come in the same moment go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) await this.make(this.waiting.splice(0, mostAtOnce));
    this.working = false;
  }

  /** Makes the changes together; where that fails, each alone, so that one takes no other down. */
  private async make(jobs: Job[]): Promise<void> {
    try {
      for (const [job, forward] of await this.attempt(jobs)) job.resolve(forward);
    } catch (error) {
      if (jobs.length === 1 || !(error instanceof CommandError)) for (const job of jobs) job.reject(error);
      else for (const job of jobs) await this.make([job]);
    }
  }

  private async attempt(jobs: readonly Job[]): Promise<Plan> {
    let report = await this.look();
    for (let tries = 0; tries < 5; tries++) {
      const plan = planned(jobs, report);
      if (plan.size === 0) return plan;
      const orders = [...plan].map(([{ id }, forward]) =>
        forward ? `put ${id}\n${forwardFile(forward)}` : `remove ${id}\n`,
      );
      const { exitCode, stdout } = await this.run(["change", report.generation, HOST_SCRIPT], orders.join(""));
      report = parseHostReport(stdout);
      this.recent = { at: Date.now(), report: Promise.resolve(report) };
      if (exitCode === 0) return plan;
    }
    throw new OperatorError("others change the host's port forwards all the time", { fix: "try again" });
  }

  private run(args: readonly string[], stdin = "") {
    return this.machine.run(["sh", "-c", HOST_SCRIPT, "sh", ...args], { timeout, stdin, accept: [0, CHANGED] });
  }
}

/** The jobs that nothing speaks against; the others are told. */
function planned(jobs: readonly Job[], report: HostReport): Plan {
  const there = new Map(forwardsOf(report).map((forward) => [forward.id, forward]));
  for (const { id, build } of jobs) if (!build) there.delete(id);
  const plan: Plan = new Map();
  for (const job of jobs.filter(({ refused }) => !refused)) {
    const others = [...there.values()].filter(({ id }) => id !== job.id);
    try {
      const forward = job.build?.(report, others);
      plan.set(job, forward);
      if (forward) there.set(job.id, forward);
    } catch (error) {
      job.refused = true;
      job.reject(error);
    }
  }
  return plan;
}
