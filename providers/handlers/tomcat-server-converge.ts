import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { ownAddress } from "../machine/ask-page";
import type { Machine } from "../machine/machine";
import { milliseconds } from "../schema/duration";
import type { TomcatServerInputs } from "../schema/tomcat-server";
import { applicationXml } from "../tomcat/context-xml";
import { TomcatInstallation } from "../tomcat/installation";
import { TomcatManager, type Deployed } from "../tomcat/manager";
import { baseName, type Application } from "../tomcat/model";
import { unitFile } from "../tomcat/unit";
import { ServiceJournal } from "./service-journal";
import type { ServerConverge } from "./running-server";
import { Systemd } from "./service-manager/systemd";

/** Milliseconds between two looks at a server that starts. */
const betweenLooks = 250;

/** Brings one Tomcat to what its inputs say; every step that fails is taken back. */
export class TomcatServerConverge implements ServerConverge<TomcatServerInputs> {
  private readonly files: TomcatInstallation;
  private readonly manager: TomcatManager;
  private readonly service: Systemd;
  private readonly journal: ServiceJournal;

  constructor(
    private readonly machine: Machine,
    private readonly inputs: TomcatServerInputs,
    private readonly context: Context,
  ) {
    this.files = new TomcatInstallation(machine, inputs);
    this.manager = new TomcatManager(machine, inputs.name);
    this.service = new Systemd(machine);
    this.journal = new ServiceJournal(machine, this.unit, "Tomcat");
  }

  private get signal(): AbortSignal {
    return this.context.signal;
  }

  /** Whether applications come and go with the whole configuration. */
  private get restarts(): boolean {
    return this.inputs.deploy === "restart";
  }

  private get unit(): string {
    return this.files.layout.unit;
  }

  /** Whether nothing of it is there yet; throws where somebody else's is. */
  async claim(): Promise<boolean> {
    await this.files.claim(this.signal);
    return !(await this.machine.status(this.files.layout.current, { signal: this.signal }));
  }

  /** Whether it was restarted for that. */
  async bring(): Promise<boolean> {
    await this.files.require(this.signal);
    await this.files.upload(this.signal);
    const found = await this.files.look(this.signal);
    const running = (await this.service.look(this.unit, this.signal))?.activity === "running";
    const { hash } = this.files.release;
    const undo: (() => Promise<void>)[] = [];
    const stale = found.current !== hash || found.changed.length > 0;
    const restarts = stale || !running || !(await this.manager.list(this.signal));
    try {
      if (restarts) await this.restart(found.current, undo);
      await this.service.ensureEnabled(this.unit, this.signal);
      await this.applications(undo);
    } catch (error) {
      for (const step of undo.reverse()) await step().catch(() => {}); // The first error tells more.
      throw error;
    }
    await this.prune();
    return restarts;
  }

  /** Starts Tomcat with the new configuration, and waits until it serves; the old one is put back where it does not. */
  private async restart(before: string, undo: (() => Promise<void>)[]): Promise<void> {
    const { hash } = this.files.release;
    const unit = await this.files.unit(this.signal);
    await this.files.prepare(this.signal);
    const kept = before !== "" && unit !== undefined && before !== hash;
    if (kept)
      undo.push(async () => {
        this.context.progress(`back to the configuration before`);
        await this.files.use(before, unit);
        await this.service.restart(this.unit);
        await this.serving(await this.journal.cursor(), new AbortController().signal);
      });
    await this.files.use(hash, unitFile(this.inputs), this.signal);
    if ((await this.manager.list(this.signal)) === undefined) await this.putInPlace();
    await this.files.setAside(this.signal);
    const cursor = await this.journal.cursor();
    this.context.progress("restarting Tomcat");
    await this.service.restart(this.unit, this.signal);
    await this.serving(cursor, this.signal);
  }

  /** Where Tomcat does not run, its applications are there from its start on. */
  private async putInPlace(): Promise<void> {
    if (this.restarts) return;
    const { contexts } = this.files.layout;
    const listed = await this.machine.run(["ls", "-1", "--", contexts], { signal: this.signal });
    const there = listed.stdout.split("\n").filter(Boolean);
    for (const path of Object.keys(this.inputs.applications)) {
      const file = `${baseName(path, this.version(path))}.xml`;
      if (!there.includes(file)) await this.describeApplication(path, `${contexts}/${file}`);
    }
  }

  private async describeApplication(path: string, file: string): Promise<void> {
    const options = { mode: 0o640, owner: "tomcat", group: "tomcat", signal: this.signal };
    await this.machine.write(file, applicationXml(this.inputs, path), options);
  }

  private version(path: string): number {
    return this.inputs.versions?.[path] ?? 1;
  }

  /** Waits until Tomcat answers at its own port; what it says of itself is in the error where it does not. */
  private async serving(cursor: string, signal: AbortSignal): Promise<void> {
    const { port, address } = this.inputs.connectors.find(({ protocol }) => protocol === "http")!;
    const host = ownAddress(address);
    const until = Date.now() + milliseconds(this.inputs.timeout);
    for (;;) {
      const answer = await this.manager.askPort(host, port, this.inputs.healthPath, signal);
      if (answer?.status === 200) return;
      if (answer) throw await this.journal.failure(cursor, await this.whoIsDown(answer.status));
      const { activity, detail } = (await this.service.look(this.unit, signal)) ?? { activity: "stopped", detail: "" };
      if (activity === "stopped") throw await this.journal.failure(cursor, `Tomcat did not stay up: ${detail}`);
      // The sockets open in the order of the file: this one after those of ports.
      if (await this.manager.ask(this.inputs.healthPath, signal))
        if (!(await this.manager.askPort(host, port, this.inputs.healthPath, signal)))
          throw await this.journal.failure(cursor, `Tomcat runs, and port ${port} does not open`);
      if (Date.now() > until)
        throw await this.journal.failure(cursor, `Tomcat does not serve at port ${port} after ${this.inputs.timeout}`);
      await sleep(betweenLooks, undefined, { signal });
    }
  }

  private async whoIsDown(status: number): Promise<string> {
    const down = ((await this.manager.list()) ?? []).filter(({ running }) => !running).map(({ path }) => path);
    if (down.length > 0) return `${down.join(", ")} did not start`;
    return `Tomcat answers ${status} to ${this.inputs.healthPath}`;
  }

  /** Brings in new applications and versions, then takes out those that are not declared any more. */
  private async applications(undo: (() => Promise<void>)[]): Promise<void> {
    const found = await this.deployed();
    for (const [path, application] of Object.entries(this.inputs.applications)) {
      const version = this.version(path);
      const there = found.find((one) => one.path === path && one.version === version);
      if (this.restarts && !there?.running) throw new OperatorError(`${path} did not start`);
      if (there && !there.running) await this.manager.undeploy(path, version, this.signal);
      if (!there?.running) await this.deploy(path, version, application, undo);
      await this.check(path, application);
      // Tomcat takes the highest version for the newest.
      for (const higher of found.filter((one) => one.path === path && one.version > version))
        await this.manager.undeploy(path, higher.version, this.signal);
    }
    for (const { path, version } of found.filter((one) => !(one.path in this.inputs.applications)))
      await this.manager.undeploy(path, version, this.signal);
  }

  private async deploy(path: string, version: number, { war }: Application, undo: (() => Promise<void>)[]) {
    const staged = `${this.files.layout.home}/${baseName(path, version)}.xml`;
    const cursor = await this.journal.cursor();
    await this.describeApplication(path, staged);
    this.context.progress(`deploying ${war} at ${path}`);
    undo.push(() => this.manager.undeploy(path, version));
    try {
      await this.manager.deploy(path, version, staged, this.signal);
    } catch (error) {
      throw await this.journal.failure(cursor, `${war} at ${path} does not start: ${(error as Error).message}`);
    } finally {
      await this.machine.remove(staged);
    }
  }

  /** Asks the page that tells whether an application works, as somebody new would. */
  private async check(path: string, { check }: Application): Promise<void> {
    if (check === undefined) return;
    const page = `${path === "/" ? "" : path}${check}`;
    const cursor = await this.journal.cursor();
    const answer = await this.manager.ask(page, this.signal);
    if (answer && answer.status >= 200 && answer.status < 400) return;
    throw await this.journal.failure(cursor, `${page} answers ${answer?.status ?? "nothing"}`);
  }

  private async deployed(): Promise<Deployed[]> {
    const found = await this.manager.list(this.signal);
    if (!found) throw new OperatorError("Tomcat's manager does not answer");
    return found;
  }

  private async prune(): Promise<void> {
    // Old versions that still have sessions need their WARs at the next start.
    const { contexts } = this.files.layout;
    const script = 'cat -- "$1"/*.xml 2>/dev/null || :';
    const { stdout } = await this.machine.run(["sh", "-c", script, "sh", contexts], { signal: this.signal });
    const used = [...stdout.matchAll(/([0-9a-f]{64})(\.jakarta)?\.war/g)];
    const old = used.map(([, sha256, jakarta]) => ({ war: "", sha256: sha256!, javax: jakarta !== undefined }));
    await this.files.prune([...old, ...Object.values(this.inputs.applications)], this.signal);
  }

  /** What is different on the machine, in the fields that say it; undefined where nothing of it is there. */
  async look(): Promise<(Partial<TomcatServerInputs> & { condition: string }) | undefined> {
    const files = await this.files.look(this.signal);
    const service = await this.service.look(this.unit, this.signal);
    if (files.current === "" && !service) return undefined;
    const applications = { ...this.inputs.applications };
    const found = await this.manager.list(this.signal);
    const wrong: string[] = [];
    if (service?.activity !== "running") wrong.push("stopped");
    else if (!found) wrong.push("not answering");
    if (service?.enabled === false) wrong.push("not started at boot");
    if (files.current !== this.files.release.hash) wrong.push("another configuration is in use");
    else wrong.push(...files.changed.map((name) => `${name} was changed`));
    for (const path of Object.keys(found ? applications : {})) {
      const there = found!.find((one) => one.path === path && one.version === this.version(path));
      if (!there) delete applications[path];
      else if (!there.running) wrong.push(`${path} is stopped`);
    }
    return { applications, condition: wrong.join(", ") || "serving" };
  }

  async remove(): Promise<void> {
    await this.service.retire(this.unit, this.signal);
    await this.files.remove(this.signal);
  }
}
