import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a process prints on its standard error that handles errors as Pulumi's dynamic provider process does. */
async function printed(program: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const source = `
    const { told, silenceErrorsTold } = require("./providers/dynamic/told-errors.ts");
    silenceErrorsTold();
    silenceErrorsTold();
    const print = (e) => console.error(\`\${e}: \${e.stack}\`);
    ${program}`;
  const { stderr } = await run(process.execPath, ["-r", "ts-node/register", "-e", source], {
    env: { ...process.env, ...env },
  });
  return stderr;
}

describe("told errors", () => {
  it("are not printed beside what Pulumi shows, once each", async () => {
    const stderr = await printed(`
      const e = told(new Error("domain a: cannot read"));
      print(e);
      console.error("something else");
      console.error("two", "words");
      print(new Error("of another provider"));
    `);
    assert.match(stderr, /^something else\ntwo words\nError: of another provider: Error: of another provider\n +at /);
  });

  it("come with their stack when debugging", async () => {
    const stderr = await printed('print(told(new Error("domain a: cannot read")));', { PULUMI_KVM_DEBUG: "1" });
    assert.match(stderr, /^Error: domain a: cannot read: Error: domain a: cannot read\n +at /);
  });
});
