import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../dynamic/contract";
import { askPage, ownAddress } from "../machine/ask-page";
import type { Machine } from "../machine/machine";
import { milliseconds } from "../schema/duration";
import type { WildFlyServerInputs } from "../schema/wildfly-server";
import { deploymentFile, wantedDeployments } from "../wildfly/deployments-xml";
import { WildFlyInstallation } from "../wildfly/installation";
import { WildFlyManagement, type Deployment, type Operation } from "../wildfly/management";
import { deploymentName, deploymentPath } from "../wildfly/model";
import { sameSettings } from "../wildfly/release";
import { unitFile } from "../wildfly/unit";
import { ServiceJournal } from "./service-journal";
import type { ServerConverge } from "./running-server";
import { Systemd } from "./service-manager/systemd";

/** Milliseconds between two looks at a server that starts. */
const betweenLooks = 250;

type Deployments = { [name: string]: Deployment };

/** Brings one WildFly to what its inputs say; every step that fails is taken back. */
export class WildFlyServerConverge implements ServerConverge<WildFlyServerInputs> {
  private readonly files: WildFlyInstallation;
  private readonly management: WildFlyManagement;
  private readonly service: Systemd;
  private readonly journal: ServiceJournal;

  constructor(
    private readonly machine: Machine,
    private readonly inputs: WildFlyServerInputs,
    private readonly context: Context,
  ) {
    this.files = new WildFlyInstallation(machine, inputs);
    this.management = new WildFlyManagement(machine, inputs);
    this.service = new Systemd(machine);
    this.journal = new ServiceJournal(machine, this.unit, "WildFly");
  }

  private get signal(): AbortSignal {
    return this.context.signal;
  }

  private get unit(): string {
    return this.files.layout.unit;
  }

  /** Whether nothing of it is there yet; throws where somebody else's is. */
  async claim(): Promise<boolean> {
    await this.files.claim(this.signal);
    return !(await this.machine.status(this.files.layout.current, { signal: this.signal }));
  }

  /** Whether those in front of it noticed. */
  async bring(): Promise<boolean> {
    await this.files.require(this.signal);
    await this.files.upload(this.context);
    const found = await this.files.look(this.signal);
    const running = (await this.service.look(this.unit, this.signal))?.activity === "running";
    const { release } = this.files;
    const sound = found.current === release.hash ? found.changed.length === 0 : sameSettings(found.current, release);
    const there = running && sound ? await this.management.deployments(this.signal) : undefined;
    // WildFly 39 never ends its resumption where a clustered application was replaced under load: it is restarted then.
    const inPlace = there && (!this.inputs.cluster || steps(there, wantedDeployments(this.inputs)).length === 0);
    const changed = inPlace ? await this.change(there) : await this.restart(found.current);
    await this.service.ensureEnabled(this.unit, this.signal);
    await this.files.prune(this.signal);
    return changed;
  }

  /** Starts WildFly with the new configuration, and waits until it serves; the old one is put back where it does not. */
  private async restart(before: string): Promise<boolean> {
    const { hash } = this.files.release;
    const unit = await this.files.unit(this.signal);
    await this.files.prepare(this.signal);
    try {
      await this.files.use(hash, unitFile(this.inputs), this.signal);
      const cursor = await this.journal.cursor();
      this.context.progress("restarting WildFly");
      this.signal.throwIfAborted();
      await this.close();
      // What was closed comes back, also where all is to end now.
      await this.service.restart(this.unit);
      await this.serving(cursor, this.signal);
      await this.check();
    } catch (error) {
      if (before !== "" && unit !== undefined && before !== hash) {
        this.context.progress("back to the configuration before");
        await this.goBack(before, unit).catch(() => {}); // The first error tells more.
      }
      throw error;
    }
    return true;
  }

  /**
   * Ends the requests under way, and then its listeners with what is connected to them. One that is told to end first loses
   * its applications, and answers 404 for them until it has closed its ports.
   */
  private async close(): Promise<void> {
    const server: Operation["address"] = [{ subsystem: "undertow" }, { server: "default-server" }];
    const headers = { "operation-headers": { "allow-resource-service-restart": true } };
    try {
      const listeners = await this.management.names(server, "http-listener", this.signal);
      if (!listeners) return;
      const steps = listeners.map((name) => ({ operation: "remove", address: [...server, { "http-listener": name }] }));
      await this.suspend();
      await this.management.do({ operation: "composite", steps, ...headers }, this.signal);
    } catch {
      // Its end does the same, less gently.
    }
  }

  private async suspend(): Promise<void> {
    const timeout = Math.ceil(milliseconds(this.inputs.drain) / 1000);
    await this.management.do({ operation: "suspend", "suspend-timeout": timeout }, this.signal);
  }

  private async goBack(hash: string, unit: string): Promise<void> {
    await this.files.use(hash, unit);
    await this.service.restart(this.unit);
    await this.up(new AbortController().signal);
  }

  /** Waits until the server answers at its own port; what it says of itself is in the error where it does not. */
  private async serving(cursor: string, signal: AbortSignal): Promise<void> {
    const problem = await this.up(signal);
    if (problem !== undefined) throw await this.journal.failure(cursor, problem);
  }

  /** Why it does not serve; undefined once it does. */
  private async up(signal: AbortSignal): Promise<string | undefined> {
    const { management, healthPath, timeout, connectors } = this.inputs;
    const until = Date.now() + milliseconds(timeout);
    for (;;) {
      const look = await this.service.look(this.unit, signal);
      // What ended once will do so again: it is not up yet.
      if (look?.activity === "stopped" || Number(look?.instance?.split(" ")[1] ?? 0) > 0)
        return `WildFly did not stay up: ${look?.detail ?? "its unit is gone"}`;
      // It answers there once it has done all that it does at its start.
      const own = await askPage(
        this.machine,
        { address: "127.0.0.1", port: management, page: "/health/ready" },
        signal,
      );
      if (started(own?.body)) {
        const { address, port } = connectors[0]!;
        const host = ownAddress(address);
        const answer =
          own!.status === 200 ? await askPage(this.machine, { address: host, port, page: healthPath }, signal) : own;
        if (answer?.status === 200) return undefined;
        return answer ? await this.whoIsDown(answer.status) : `WildFly runs, and port ${port} does not open`;
      }
      if (Date.now() > until) return `WildFly does not serve at port ${connectors[0]!.port} after ${timeout}`;
      await sleep(betweenLooks, undefined, { signal });
    }
  }

  private async whoIsDown(status: number): Promise<string> {
    const down = Object.entries((await this.management.deployments()) ?? {}).filter(([, one]) => one.status !== "OK");
    if (down.length > 0) return `${down.map(([name]) => deploymentPath(name)).join(", ")} did not start`;
    return status === 503 ? "WildFly started with errors" : `WildFly answers ${status} to ${this.inputs.healthPath}`;
  }

  /** Changes the applications of the server that runs: nobody is let in meanwhile. Whether there was something to do. */
  private async change(there: Deployments): Promise<boolean> {
    const wanted = wantedDeployments(this.inputs);
    const [forth, back] = [steps(there, wanted), steps(wanted, there)];
    if (forth.length > 0) {
      await this.files.prepare(this.signal);
      await this.apply(forth);
    }
    try {
      await this.check();
    } catch (error) {
      if (back.length > 0) await this.apply(back).catch(() => {}); // The first error tells more.
      throw error;
    }
    await this.files.use(this.files.release.hash, unitFile(this.inputs), this.signal);
    return forth.length > 0;
  }

  /** All or nothing: where one of them fails, WildFly itself takes the others back. */
  private async apply(all: Operation[]): Promise<void> {
    const cursor = await this.journal.cursor();
    this.context.progress("changing its applications, after the requests under way");
    await this.suspend();
    try {
      await this.management.do({ operation: "composite", steps: all }, this.signal);
    } catch (error) {
      throw await this.journal.failure(cursor, (error as Error).message);
    } finally {
      await this.management.do({ operation: "resume" });
    }
  }

  /** Asks the pages that tell whether applications work, as somebody new would. */
  private async check(): Promise<void> {
    const { address = "127.0.0.1", port } = this.inputs.connectors[0]!;
    for (const [path, { check }] of Object.entries(this.inputs.applications)) {
      if (check === undefined) continue;
      const page = `${path === "/" ? "" : path}${check}`;
      const cursor = await this.journal.cursor();
      const answer = await askPage(this.machine, { address, port, page }, this.signal);
      if (answer && answer.status >= 200 && answer.status < 400) continue;
      throw await this.journal.failure(cursor, `${page} answers ${answer?.status ?? "nothing"}`);
    }
  }

  /** What is different on the machine, in the fields that say it; undefined where nothing of it is there. */
  async look(): Promise<(Partial<WildFlyServerInputs> & { condition: string }) | undefined> {
    const files = await this.files.look(this.signal);
    const service = await this.service.look(this.unit, this.signal);
    if (files.current === "" && !service) return undefined;
    const applications = { ...this.inputs.applications };
    const found = service?.activity === "running" ? await this.management.deployments(this.signal) : undefined;
    const wrong: string[] = [];
    if (service?.activity !== "running") wrong.push("stopped");
    else if (!found) wrong.push("not answering");
    if (service?.enabled === false) wrong.push("not started at boot");
    if (files.current !== this.files.release.hash) wrong.push("another configuration is in use");
    else wrong.push(...files.changed.map((name) => `${name} was changed`));
    for (const path of Object.keys(found ? applications : {})) {
      const there = found![deploymentName(path)];
      if (there?.file !== deploymentFile(this.inputs, path)) delete applications[path];
      else if (there.status !== "OK") wrong.push(`${path} is down`);
    }
    return { applications, condition: wrong.join(", ") || "serving" };
  }

  async remove(): Promise<void> {
    await this.service.retire(this.unit, this.signal);
    await this.files.remove(this.signal);
  }
}

/** Whether WildFly has done all that it does at its start, well or not, by what it says of its own health. */
function started(health = ""): boolean {
  return /"server-state"[^[]*\[\{ "value" : "(running|re\w+-required)"/.test(health) && !health.includes('"SUSPENDED"');
}

/** What makes one set of deployments of another. */
function steps(from: Deployments, to: Deployments): Operation[] {
  const content = (name: string) => [{ path: to[name]!.file, archive: !to[name]!.exploded }];
  const gone = Object.keys(from).filter((name) => !to[name]);
  const differs = (name: string) => from[name]?.file !== to[name]!.file || from[name]?.status !== "OK";
  return [
    ...gone.flatMap((name) => {
      const address = [{ deployment: name }];
      return [
        { operation: "undeploy", address },
        { operation: "remove", address },
      ];
    }),
    ...Object.keys(to)
      .filter(differs)
      .map((name) =>
        from[name]
          ? { operation: "full-replace-deployment", name, "runtime-name": name, content: content(name), enabled: true }
          : {
              operation: "add",
              address: [{ deployment: name }],
              "runtime-name": name,
              content: content(name),
              enabled: true,
            },
      ),
  ];
}
