import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

const repository = resolve(__dirname, "../..");
const hook = resolve(repository, "scripts/sdk-start.js");

/** What `script` printed, run in a Node of its own with the hook. */
function run(script: string, env: NodeJS.ProcessEnv = {}): string {
  const argv = ["--require", hook, "--eval", script];
  return execFileSync(process.execPath, argv, {
    cwd: repository,
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "", ...env },
  }).trim();
}

describe("the hook for a quick start of Pulumi's SDK", function () {
  this.timeout(20_000);

  const loaded = (start: string) =>
    JSON.parse(run(`require(${JSON.stringify(start)}); console.log(JSON.stringify(Object.keys(require.cache)))`));

  it("leaves out of the program's process what serialises closures and traces", () => {
    const files: string[] = loaded("@pulumi/pulumi");
    assert.ok(files.some((file) => /@pulumi\/pulumi\/resource\.js$/.test(file)));
    const unused = /node_modules\/(typescript|@npmcli\/arborist|source-map-support|@opentelemetry\/sdk-trace-node)\//;
    assert.deepEqual(
      files.filter((file) => unused.test(file)),
      [],
    );
  });

  it("loads what was left out when it is used", () => {
    const script = `
      const pulumi = require("@pulumi/pulumi");
      const text = pulumi.runtime.serializeFunction(() => 42);
      text.then(({ text }) => console.log(typeof pulumi.automation.LocalWorkspace.create, /42/.test(text)));`;
    assert.equal(run(script), "function true");
  });

  it("asks for no TypeScript compiler at run time", () => {
    const script = "console.log(process.env.PULUMI_NODEJS_TYPESCRIPT)";
    assert.equal(run(script, { PULUMI_NODEJS_TYPESCRIPT: "true" }), "undefined");
  });

  it("keeps the stack traces of errors", () => {
    const script = `
      const pulumi = require("@pulumi/pulumi");
      function culprit() { return new Error("told") }
      console.log(culprit().stack.includes("culprit"));
      new pulumi.Config("a");
      console.log(Error.stackTraceLimit);`;
    assert.equal(run(script), "true\n10");
  });
});
