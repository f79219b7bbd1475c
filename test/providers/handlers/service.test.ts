import assert from "node:assert/strict";
import { classify } from "../../../providers/dynamic/diff";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { ServiceHandler, type ServiceState } from "../../../providers/handlers/service";
import type { ServiceInputs } from "../../../providers/schema/service";
import { FakeMachine } from "../machine/fake-machine";
import { FakeContext } from "./fake-context";

const spec = { kind: "agent" as const, uri: "qemu:///system", domain: "web-1" };
const inputs = (changes: Partial<ServiceInputs> = {}): ServiceInputs => ({
  machine: spec,
  name: "nginx",
  state: "running",
  enabled: true,
  timeout: "5s",
  ...changes,
});

/** A guest with systemd and one unit, nginx. */
class SystemdGuest extends FakeMachine {
  unit: { [property: string]: string } = {
    LoadState: "loaded",
    ActiveState: "inactive",
    SubState: "dead",
    Result: "success",
    Type: "notify",
    UnitFileState: "disabled",
    NRestarts: "0",
    MainPID: "0",
    NeedDaemonReload: "no",
  };
  /** What the unit becomes when it is started. */
  started: { [property: string]: string } = { ActiveState: "active", SubState: "running", MainPID: "100" };

  constructor() {
    super();
    const set = (properties: { [property: string]: string }) => () => {
      Object.assign(this.unit, properties);
      return {};
    };
    this.on(/run\/systemd\/system/, { stdout: "systemd\n" })
      .on(/^systemctl show/, () => ({
        stdout: Object.entries(this.unit)
          .map((pair) => pair.join("="))
          .join("\n"),
      }))
      .on(/^systemctl (start|restart|reload-or-restart) nginx/, () => set(this.started)())
      .on(/^systemctl stop nginx/, set({ ActiveState: "inactive", SubState: "dead", MainPID: "0" }))
      .on(/^systemctl enable nginx/, set({ UnitFileState: "enabled" }))
      .on(/^systemctl disable nginx/, set({ UnitFileState: "disabled" }))
      .on(/^systemctl daemon-reload/, set({ NeedDaemonReload: "no" }))
      .on(/^systemctl reset-failed/);
  }

  /** What was done, without the looking. */
  get deeds(): string[] {
    return this.commands.filter((command) => /^systemctl (?!show|is-enabled)/.test(command));
  }

  be(properties: { [property: string]: string }): this {
    Object.assign(this.unit, properties);
    return this;
  }
}

const running = { ActiveState: "active", SubState: "running", MainPID: "50", UnitFileState: "enabled" };

describe("ServiceHandler", () => {
  let machine: SystemdGuest;
  let handler: ServiceHandler;
  let context: FakeContext;

  beforeEach(() => {
    machine = new SystemdGuest();
    handler = new ServiceHandler(() => machine, 0);
    context = new FakeContext();
  });

  const update = (olds: ServiceState, news: ServiceInputs) => {
    machine.ran.length = 0;
    return handler.update("id", olds, news, classify(handler.fields, olds, news), context);
  };

  describe("check", () => {
    const reasons = async (args: object) => {
      const { failures } = await dispatch(handler).check({}, { machine: spec, name: "nginx", ...args });
      return failures.map(({ reason }) => reason);
    };

    it("says what is wrong, and what is allowed", async () => {
      assert.deepEqual(await reasons({ name: "-x" }), [
        'name: "-x" is not a service. Allowed: a name as in "nginx" or "backup.timer"',
      ]);
      assert.match(
        (await reasons({ state: "started" }))[0]!,
        /^state: got "started". Allowed: "running" or "stopped"$/,
      );
      assert.deepEqual(await reasons({ restartOn: "secret" }), [
        "restartOn: is not a list. Allowed: a list of any values, e.g. [file.revision]",
      ]);
      assert.match((await reasons({ timeout: "90" }))[0]!, /"90" is not a duration/);
    });
  });

  it("starts and enables a service, and undoes both on delete", async () => {
    const { id, state } = await handler.create(inputs(), context);
    assert.equal(id, "guest web-1:nginx");
    assert.deepEqual(machine.deeds, ["systemctl enable nginx", "systemctl start nginx"]);
    assert.deepEqual(state.before, { running: false, enabled: false });
    assert.equal(state.manager, "systemd");
    machine.ran.length = 0;
    await handler.delete(id, state, context);
    assert.deepEqual(machine.deeds, ["systemctl disable nginx", "systemctl stop nginx"]);
  });

  it("leaves alone what runs already, then and at the end", async () => {
    machine.be(running);
    const { id, state } = await handler.create(inputs(), context);
    await handler.delete(id, state, context);
    assert.deepEqual(machine.deeds, []);
  });

  it("stops and disables, and starts again on delete", async () => {
    machine.be(running);
    const { id, state } = await handler.create(inputs({ state: "stopped", enabled: false }), context);
    assert.deepEqual(machine.deeds, ["systemctl disable nginx", "systemctl stop nginx"]);
    machine.ran.length = 0;
    await handler.delete(id, state, context);
    assert.deepEqual(machine.deeds, ["systemctl enable nginx", "systemctl start nginx"]);
  });

  it("has systemd read a changed unit file before the start", async () => {
    machine.be({ NeedDaemonReload: "yes" });
    await handler.create(inputs(), context);
    assert.deepEqual(machine.deeds, ["systemctl enable nginx", "systemctl daemon-reload", "systemctl start nginx"]);
  });

  it("does not enable what is not its to enable", async () => {
    machine.be({ UnitFileState: "static" });
    const { state } = await handler.create(inputs(), context);
    assert.deepEqual(machine.deeds, ["systemctl start nginx"]);
    assert.equal((await handler.read("id", state, context))!.enabled, true);
  });

  it("asks the init script's links whether a generated unit is enabled", async () => {
    machine.be({ UnitFileState: "generated" }).on(/^systemctl is-enabled/, { stdout: "disabled\n", exitCode: 1 });
    await handler.create(inputs(), context);
    assert.deepEqual(machine.deeds, ["systemctl enable nginx", "systemctl start nginx"]);
  });

  it("takes a oneshot that has done its work for running", async () => {
    machine.started = { ActiveState: "inactive", Type: "oneshot", ExecMainExitTimestampMonotonic: "12345" };
    await handler.create(inputs(), context);
  });

  it("says that there is no such service", async () => {
    machine.be({ LoadState: "not-found" });
    await assert.rejects(handler.create(inputs(), context), {
      message:
        "systemd knows no such service. Fix: have a Package install it first, or a File write its unit (dependsOn)",
    });
  });

  it("says that the service is masked", async () => {
    machine.be({ LoadState: "masked" });
    await assert.rejects(handler.create(inputs(), context), {
      message: "it is masked: systemd refuses to start it. Fix: systemctl unmask nginx",
    });
  });

  it("says that nothing on the machine looks after services", async () => {
    machine.on(/run\/systemd\/system/, { stdout: "" });
    await assert.rejects(handler.create(inputs(), context), /has no service manager: neither systemd nor OpenRC runs/);
  });

  it("shows the last log lines of a service that does not start, and leaves it as it was", async () => {
    machine
      .on(/^systemctl start/, { exitCode: 1, stderr: "Job for nginx.service failed." })
      .on(/^journalctl --unit nginx --lines 15/, { stdout: "nginx: [emerg] unknown directive\nnginx: failed\n" });
    await assert.rejects(handler.create(inputs(), context), {
      message:
        "it did not start: `systemctl start nginx` on guest web-1: exit code 1\n" +
        "  Job for nginx.service failed.\n" +
        "Its last log lines:\n" +
        "  nginx: [emerg] unknown directive\n" +
        "  nginx: failed",
    });
    assert.deepEqual(machine.deeds.slice(-1), ["systemctl disable nginx"]);
  });

  it("finds out that a service starts and ends at once", async () => {
    machine.started = { ActiveState: "failed", SubState: "failed", Result: "exit-code" };
    machine.on(/^journalctl/, { stdout: "bad configuration\n" });
    await assert.rejects(handler.create(inputs(), context), {
      message: "it did not stay up: failed (exit-code)\nIts last log lines:\n  bad configuration",
    });
  });

  it("gives up on a service that is started over and over", async () => {
    machine.started = { ActiveState: "activating", SubState: "auto-restart", Result: "exit-code" };
    machine.on(/^journalctl/);
    await assert.rejects(handler.create(inputs({ timeout: "300ms" }), context), {
      message: "it was not up after 300ms: activating (exit-code)",
    });
  });

  it("finds a service stopped, disabled, or gone", async () => {
    const { state } = await handler.create(inputs(), context);
    assert.deepEqual(await handler.read("id", state, context), state);
    machine.be({ ActiveState: "failed", UnitFileState: "disabled" });
    const found = (await handler.read("id", state, context))!;
    assert.deepEqual(
      classify(handler.fields, found, inputs()).map(({ field }) => field),
      ["state", "enabled"],
    );
    await update(found, inputs());
    assert.deepEqual(machine.deeds, ["systemctl enable nginx", "systemctl start nginx"]);
    machine.be({ LoadState: "not-found" });
    assert.equal(await handler.read("id", state, context), undefined);
    machine.ran.length = 0;
    await handler.delete("id", state, context);
    assert.deepEqual(machine.deeds, []);
  });

  it("restarts or reloads when a trigger changes, once", async () => {
    const triggers = { restartOn: ["1"], reloadOn: ["1"] };
    const { state } = await handler.create(inputs(triggers), context);
    await update(state, inputs({ restartOn: ["1"], reloadOn: ["2"] }));
    assert.deepEqual(machine.deeds, ["systemctl reload-or-restart nginx"]);
    await update(state, inputs({ restartOn: ["2"], reloadOn: ["2"] }));
    assert.deepEqual(machine.deeds, ["systemctl reset-failed nginx", "systemctl restart nginx"]);
  });

  it("reloads a service that was started before what it reads was written", async () => {
    machine.be(running);
    await handler.create(inputs({ reloadOn: ["1"] }), context);
    assert.deepEqual(machine.deeds, ["systemctl reload-or-restart nginx"]);
  });

  it("does not restart what it starts or what is to be stopped", async () => {
    const { state } = await handler.create(inputs({ restartOn: ["1"] }), context);
    machine.be({ ActiveState: "inactive" });
    await update(state, inputs({ restartOn: ["2"] }));
    assert.deepEqual(machine.deeds, ["systemctl start nginx"]);
    await update(state, inputs({ restartOn: ["3"], state: "stopped" }));
    assert.deepEqual(machine.deeds, ["systemctl stop nginx"]);
  });

  it("never shows a trigger's value", () => {
    const [change] = classify(handler.fields, inputs({ restartOn: ["a"] }), inputs({ restartOn: ["b"] }));
    assert.equal(change!.hidden, true);
  });

  describe("with OpenRC", () => {
    beforeEach(() => {
      machine.on(/run\/systemd\/system/, { stdout: "openrc\n" });
    });

    it("starts and enables", async () => {
      machine
        .on(
          /rc-service --exists[^]* sh nginx$/,
          { stdout: "status=3\nenabled=no\n" },
          { stdout: "status=3\nenabled=no\n" },
          { stdout: "status=0\nenabled=yes\n" },
        )
        .on(/^rc-update/)
        .on(/^rc-service nginx start/);
      const { state } = await handler.create(inputs(), context);
      assert.equal(state.manager, "OpenRC");
      assert.ok(machine.commands.includes("rc-update add nginx default"));
      assert.ok(machine.commands.includes("rc-service nginx start"));
    });

    it("says that there is no such service", async () => {
      machine.on(/rc-service --exists/, { exitCode: 44 });
      await assert.rejects(handler.create(inputs(), context), /^OperatorError: OpenRC knows no such service/);
    });
  });
});
