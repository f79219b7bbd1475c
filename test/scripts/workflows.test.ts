import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";

const read = (file: string) => parse(readFileSync(file, "utf8"));

function scripts(): string[] {
  return Object.keys((JSON.parse(readFileSync("package.json", "utf8")) as { scripts: object }).scripts);
}

/** The names after `npm run` and `npm` in a pipeline's commands. */
function npmScripts(text: string): string[] {
  return [...text.matchAll(/\bnpm (?:--?\S+ )*(?:run (?:--?\S+ )*)?([a-z][a-z:]*)/g)]
    .map((match) => match[1]!)
    .filter((name) => name !== "run");
}

describe("the pipelines", () => {
  it("on GitHub lint, test, and preview every environment", () => {
    const { jobs } = read(".github/workflows/ci.yml");
    assert.deepEqual(Object.keys(jobs), ["lint", "test", "environments", "preview"]);
    assert.equal(jobs.preview.needs, "environments");
    assert.match(jobs.preview.strategy.matrix.environment, /needs\.environments\.outputs\.names/);
    assert.match(jobs.environments.outputs.names, /steps\.list\.outputs\.names/);
  });

  it("on GitHub keep the secrets from pull requests of forks", () => {
    const { jobs, permissions } = read(".github/workflows/ci.yml");
    assert.match(jobs.preview.if, /head\.repo\.full_name == github\.repository/);
    assert.deepEqual(permissions, { contents: "read" });
    for (const job of ["lint", "test", "environments"]) assert.ok(!JSON.stringify(jobs[job]).includes("secrets."));
  });

  it("on GitHub put no expression into a shell command", () => {
    const { jobs } = read(".github/workflows/ci.yml") as { jobs: { [name: string]: { steps: { run?: string }[] } } };
    const commands = Object.values(jobs).flatMap((job) => job.steps.flatMap((step) => step.run ?? []));
    assert.ok(commands.length >= 4);
    for (const command of commands) assert.ok(!command.includes("${{"), command);
  });

  it("on GitLab lint, test, and preview every environment", () => {
    const pipeline = read(".gitlab-ci.yml");
    for (const job of ["lint", "test", "preview"]) assert.ok(pipeline.stages.includes(pipeline[job].stage), job);
    assert.deepEqual(pipeline.preview.script, [".ci/preview $(bash scripts/run.sh environments)"]);
  });

  it("call npm scripts that exist", () => {
    const files = [".github/workflows/ci.yml", ".gitlab-ci.yml", ".ci/run", ".ci/preview"];
    const called = files.flatMap((file) => {
      const withoutComments = readFileSync(file, "utf8").replaceAll(/^\s*#.*$/gm, "");
      return npmScripts(withoutComments.replaceAll(/name: .*/g, ""));
    });
    assert.ok(called.includes("lint") && called.includes("test") && called.includes("preview"), called.join());
    for (const name of called) assert.ok(scripts().includes(name), name);
  });
});
