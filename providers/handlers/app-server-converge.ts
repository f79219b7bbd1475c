import { setTimeout as sleep } from "node:timers/promises";
import { appLayout, type AppLayout } from "../app-server/model";
import { appUnit, environmentFile, unitMark } from "../app-server/unit";
import { isReleaseOf, Releases } from "../content/release";
import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { askPage } from "../machine/ask-page";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import type { AppServerInputs } from "../schema/app-server";
import { milliseconds } from "../schema/duration";
import type { ServerConverge } from "./running-server";
import { Systemd } from "./service-manager/systemd";

/** Milliseconds between two looks at a server that starts. */
const betweenLooks = 250;

/** What is there of a program: texts of its files, and its release. */
interface Found {
  unit?: string;
  environment?: string;
  release?: string;
  wrong: string[];
}

/** Brings one program to what its inputs say; what does not serve is taken back. */
export class AppServerConverge implements ServerConverge<AppServerInputs> {
  private readonly layout: AppLayout;
  private readonly releases: Releases;
  private readonly service: Systemd;

  constructor(
    private readonly machine: Machine,
    private readonly inputs: AppServerInputs,
    private readonly context: Context,
  ) {
    this.layout = appLayout(inputs.name);
    this.releases = new Releases(machine, this.layout.content);
    this.service = new Systemd(machine);
  }

  /** Whether nothing of it is there yet; throws where somebody else's is. */
  async claim(): Promise<boolean> {
    const unit = await this.text(this.layout.unitFile);
    if (unit !== undefined && !unit.startsWith(unitMark))
      throw new OperatorError(`${this.layout.unitFile} is there, and not ours`, { fix: "choose another name" });
    return !(await this.machine.status(this.layout.home, { signal: this.context.signal }));
  }

  /**
   * Whether it was restarted for that.
   *
   * @param olds what it was brought to last, which what does not serve is taken back to
   */
  async bring(olds?: AppServerInputs): Promise<boolean> {
    const { signal } = this.context;
    const { source, content, keepReleases } = this.inputs;
    const before = await this.find();
    const release =
      isReleaseOf(before.release, { digest: content }) && before.wrong.length === 0
        ? before.release!
        : await this.releases.send(source, content, this.context);
    const after = { release, unit: appUnit(this.inputs), environment: environmentFile(this.inputs) };
    const same = (["unit", "environment", "release"] as const).every((part) => before[part] === after[part]);
    const running = (await this.service.look(this.layout.unit, signal))?.activity === "running";
    try {
      if (!same) await this.put(after, signal);
      if (!same || !running) await this.restart();
      await this.serving(this.inputs, signal);
    } catch (error) {
      const reason = await this.words(error as Error);
      if (!same && before.release !== undefined && before.unit !== undefined) await this.back(before, olds);
      throw reason;
    }
    await this.service.ensureEnabled(this.layout.unit, signal);
    await this.releases.prune(keepReleases, signal);
    return !same || !running;
  }

  /** What ran before runs again, and serves where it did; what went wrong first tells more than what does now. */
  private async back(before: Found, olds: AppServerInputs | undefined): Promise<void> {
    this.context.progress("back to what ran before");
    try {
      await this.put(before);
      await this.service.restart(this.layout.unit);
      if (olds) await this.serving(olds, new AbortController().signal);
    } catch (error) {
      this.context.progress(`what ran before does not serve: ${(error as Error).message}`);
    }
  }

  private async put({ release, unit, environment }: Omit<Found, "wrong">, signal?: AbortSignal): Promise<void> {
    // Secrets may be in it: systemd reads it as root.
    await this.machine.write(this.layout.environment, environment ?? "", { mode: 0o600, signal });
    await this.machine.write(this.layout.unitFile, unit!, { signal });
    await this.releases.serve(release!, signal);
    await this.machine.run(["systemctl", "daemon-reload"], { signal });
  }

  private async restart(): Promise<void> {
    this.context.progress("restarting the application");
    await this.service.restart(this.layout.unit, this.context.signal);
  }

  /** Waits until it answers at its port. */
  private async serving({ port, healthPath, timeout }: AppServerInputs, signal: AbortSignal): Promise<void> {
    const until = Date.now() + milliseconds(timeout);
    let said = "nobody answers";
    for (;;) {
      const look = await this.service.look(this.layout.unit, signal);
      if (look?.activity === "running") {
        const answer = await askPage(this.machine, { address: "127.0.0.1", port, page: healthPath }, signal);
        if (answer && answer.status >= 200 && answer.status < 400) return;
        if (answer) said = `${healthPath} answers ${answer.status || "no HTTP"}`;
      }
      // What ends again and again will not get better.
      if (look?.activity !== "running" && Number(look?.instance?.split(" ")[1] ?? 0) >= 2)
        throw new OperatorError("it ends as soon as it was started");
      if (Date.now() > until) throw new OperatorError(`it does not serve at port ${port} after ${timeout}: ${said}`);
      await sleep(betweenLooks, undefined, { signal });
    }
  }

  private async words(error: Error): Promise<Error> {
    if (!(error instanceof OperatorError) && !(error instanceof CommandError && !error.stopped)) return error;
    const log = await this.service.log(this.layout.unit).catch(() => "");
    const lines = log === "" ? "" : `\nIts last log lines:\n${log.replace(/^/gm, "  ")}`;
    return new OperatorError(`${error.message}${lines}`, { cause: error });
  }

  private async find(): Promise<Found> {
    const { name: release, wrong } = await this.releases.inspect(this.context.signal);
    const [unit, environment] = [await this.text(this.layout.unitFile), await this.text(this.layout.environment)];
    return { unit, environment, release, wrong };
  }

  private async text(path: string): Promise<string | undefined> {
    const { signal } = this.context;
    return (await this.machine.status(path, { signal })) && (await this.machine.read(path, { signal })).toString();
  }

  /** "serving", or what is different; undefined where nothing of it is there. */
  async look(): Promise<(Partial<AppServerInputs> & { condition: string }) | undefined> {
    const { signal } = this.context;
    const found = await this.find();
    const service = await this.service.look(this.layout.unit, signal);
    if (found.release === undefined && !service) return undefined;
    const wrong: string[] = [];
    if (service?.activity !== "running") wrong.push("stopped");
    if (service?.enabled === false) wrong.push("not started at boot");
    if (found.unit !== appUnit(this.inputs)) wrong.push(`${this.layout.unitFile} was changed`);
    if (found.environment !== environmentFile(this.inputs)) wrong.push("its environment was changed");
    if (!isReleaseOf(found.release, { digest: this.inputs.content })) wrong.push("another content is in use");
    else if (found.wrong.length > 0) wrong.push(`changed by hand: ${found.wrong.slice(0, 3).join(", ")}`);
    return { condition: wrong.join(", ") || "serving" };
  }

  async remove(): Promise<void> {
    const { signal } = this.context;
    await this.service.retire(this.layout.unit, signal);
    for (const path of [this.layout.unitFile, this.layout.home]) await this.machine.remove(path, { signal });
    await this.machine.run(["systemctl", "daemon-reload"], { signal });
  }
}
