import assert from "node:assert/strict";
import { diagnostics, FaultHost } from "./fault-host";
import type { Project } from "./project";

const down =
  /libvirtd is not running \(nobody answers on .*libvirt-sock\)\. Fix: start it with: systemctl start libvirtd/;

/** The resources that the state holds, by kind and name. */
async function recorded(project: Project): Promise<string[]> {
  const resources = await project.state();
  return resources.flatMap(({ urn, id }) => (id && urn.includes("kvm:") ? [urn.split("kvm:").at(-1)!] : [])).sort();
}

describe("libvirtd that is down", function () {
  this.timeout(600_000);
  let host: FaultHost;

  before(async function () {
    host = await FaultHost.start(this);
  });

  after(() => host?.stop());

  describe("between runs", () => {
    let project: Project;
    let made: string[];

    before(async () => {
      project = await host.project(host.environment());
      await project.up();
      made = await recorded(project);
      await host.daemon.kill();
    });

    it("is told by a preview that has to ask it, once", async () => {
      await project.write(host.program(host.environment("96MiB")));
      const { exitCode, stdout } = await project.attempt("preview");
      assert.equal(exitCode, 0);
      const warnings = diagnostics(stdout).match(/warning: what depends on the host was not checked: .*/g);
      assert.equal(warnings?.length, 1, stdout);
      assert.match(warnings[0]!, down);
    });

    for (const [verb, doing] of [
      ["refresh", "read"],
      ["up", "update"],
      ["destroy", "delete"],
    ] as const)
      it(`fails ${verb} with what to do, each object once, and drops nothing from the state`, async () => {
        const { exitCode, stdout } = await project.attempt(verb, "--yes", "--skip-preview");
        assert.notEqual(exitCode, 0);
        const errors = diagnostics(stdout).match(/^ +error: (?!update failed).*/gm) ?? [];
        assert.ok(errors.length > 0, stdout);
        for (const error of errors) {
          assert.match(
            error,
            new RegExp(`^ +error: (network|storage pool|volume|domain) \\S+ on \\S+: cannot ${doing}: `),
          );
          assert.match(error, down);
        }
        assert.equal(new Set(errors).size, errors.length, "an error is shown twice");
        assert.doesNotMatch(stdout, /^ +at /m);
        assert.deepEqual(await recorded(project), made);
      });

    it("is all forgotten when it is back", async () => {
      await host.daemon.restart();
      await project.write(host.program(host.environment()));
      await project.refresh();
      await project.up();
      assert.deepEqual(await recorded(project), made);
      assert.deepEqual(await project.plan(), []);
      await project.destroy();
      assert.deepEqual(host.leftovers(), []);
    });
  });

  for (const moment of ["Network net creating", "Domain one creating"])
    it(`killed in the middle of up (at "${moment}"), is back, and the next up goes on`, async () => {
      const project = await host.project(host.environment());
      const { exitCode, printed } = await host.strike(project, moment, () => host.daemon.kill());
      assert.notEqual(exitCode, 0);
      assert.match(diagnostics(printed), /error: (network|storage pool|volume|domain) .*: cannot create: /);
      await host.daemon.restart();
      await project.refresh();
      await project.up();
      assert.deepEqual(await project.plan(), []);
      await project.destroy();
      assert.deepEqual(host.leftovers(), []);
    });
});
