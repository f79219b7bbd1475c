import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classify } from "../../../providers/dynamic/diff";
import { ServiceHandler, type ServiceState } from "../../../providers/handlers/service";
import type { ServiceInputs } from "../../../providers/schema/service";
import { skip } from "../../skip";
import { FakeContext } from "./fake-context";

const name = `kvm-test-${process.pid}`;
const initScript = `/etc/init.d/${name}`;

describe("service of an init script on this machine", function () {
  this.timeout(60_000);
  const handler = new ServiceHandler(undefined, 100);
  const context = new FakeContext();
  let folder: string | undefined;

  const inputs = (changes: Partial<ServiceInputs> = {}): ServiceInputs => ({
    machine: { kind: "local" },
    name,
    state: "running",
    enabled: true,
    timeout: "5s",
    ...changes,
  });
  const log = () => readFileSync(join(folder!, "log"), "utf8").trim().split("\n").join(" ");

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root, to install an init script");
    if (existsSync("/run/systemd/system")) skip(this, "systemd runs here, and would take the script over");
    if (!existsSync("/usr/sbin/update-rc.d")) skip(this, "needs update-rc.d");
    folder = mkdtempSync(join(tmpdir(), "kvm-service-"));
    const script = `#!/bin/sh
### BEGIN INIT INFO
# Provides: ${name}
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
cd ${folder}
[ "$1" = status ] || echo "$1" >>log
case $1 in
  start) [ ! -e broken ] || { echo "bad configuration" >&2; exit 1; }; touch running ;;
  stop) rm -f running ;;
  restart | force-reload) touch running ;;
  status) [ -e running ] || exit 3 ;;
esac
`;
    writeFileSync(initScript, script, { mode: 0o755 });
  });

  after(() => {
    if (!folder) return;
    rmSync(initScript, { force: true });
    rmSync(folder, { recursive: true });
  });

  it("lives: started and enabled, reloaded, stopped behind its back, repaired, undone", async () => {
    const { id, state } = await handler.create(inputs({ reloadOn: ["1"] }), context);
    assert.equal(state.manager, "SysV init");
    assert.deepEqual(state.before, { running: false, enabled: false });
    assert.deepEqual(await handler.read(id, state, context), state);
    const update = (olds: ServiceState, news: ServiceInputs) =>
      handler.update(id, olds, news, classify(handler.fields, olds, news), context);
    const reloaded = await update(state, inputs({ reloadOn: ["2"] }));
    rmSync(join(folder!, "running"));
    const found = (await handler.read(id, reloaded, context))!;
    assert.equal(found.state, "stopped");
    const repaired = await update(found, inputs({ reloadOn: ["2"] }));
    await handler.delete(id, repaired, context);
    assert.equal(log(), "start force-reload start stop");
    assert.equal((await handler.read(id, repaired, context))!.enabled, false);
  });

  it("shows why it does not start, and leaves it disabled", async () => {
    writeFileSync(join(folder!, "broken"), "");
    await assert.rejects(handler.create(inputs(), context), /it did not start: .*: exit code 1\n {2}bad configuration/);
    const { state } = await handler.create(inputs({ state: "stopped", enabled: false }), context);
    assert.deepEqual(state.before, { running: false, enabled: false });
  });

  it("says that there is no such service", async () => {
    await assert.rejects(handler.create(inputs({ name: "kvm-none" }), context), /SysV init knows no such service/);
  });
});
