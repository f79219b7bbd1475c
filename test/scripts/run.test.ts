import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

describe("run.sh and environment.sh", () => {
  let project: string;
  let env: NodeJS.ProcessEnv;

  function script(file: string, code: string): void {
    mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    writeFileSync(path.join(project, file), `#!/bin/bash\n${code}\n`, { mode: 0o755 });
  }

  /** A copy of the scripts, with a set-up and a Pulumi CLI that only write down how they were called. */
  beforeEach(() => {
    project = mkdtempSync(path.join(tmpdir(), "run with spaces-"));
    for (const directory of ["scripts", "stacks"]) mkdirSync(path.join(project, directory));
    for (const name of ["run.sh", "environment.sh", "sdk-start.js", "show-environment.js"])
      copyFileSync(path.join("scripts", name), path.join(project, "scripts", name));
    for (const name of ["index", "dev", "prod"]) writeFileSync(path.join(project, "stacks", `${name}.ts`), "");
    script("scripts/setup.sh", 'echo "setup $*" >>"$CALLS"');
    script("cache/pulumi-kvm/bin/pulumi", `printf '<%s>' "$@" >>"$CALLS"; echo >>"$CALLS"; eval "$PULUMI_DOES"`);
    env = {
      PATH: `${path.dirname(process.execPath)}:${process.env["PATH"]}`,
      HOME: project,
      XDG_CACHE_HOME: path.join(project, "cache"),
      CALLS: path.join(project, "calls"),
    };
  });
  afterEach(() => rmSync(project, { recursive: true }));

  function run(...args: string[]) {
    const { status, stdout, stderr } = spawnSync("bash", [path.join(project, "scripts/run.sh"), ...args], {
      encoding: "utf8",
      env,
      input: "",
    });
    return { status, stdout, stderr };
  }

  const calls = () => readFileSync(env["CALLS"]!, "utf8").trimEnd().split("\n");

  /** Variables as environment.sh leaves them after `prepare_state`. */
  function variables(...names: string[]): (string | undefined)[] {
    const print = names.map((name) => `printf '%s\\n' "\${${name}-<unset>}"`).join("; ");
    const { status, stdout, stderr } = spawnSync("bash", ["-ec", `. scripts/environment.sh; prepare_state; ${print}`], {
      encoding: "utf8",
      cwd: project,
      env,
    });
    if (status !== 0) throw new Error(stderr);
    return stdout.trimEnd().split("\n");
  }

  it("selects the stack, makes it if need be, and does not ask where nobody can answer", () => {
    assert.equal(run("up", "--stack", "prod", "--target", "a b").status, 0);
    assert.deepEqual(calls(), [
      "setup deploy",
      "<stack><select><--create><--non-interactive><--stack><prod>",
      "<up><--stack><prod><--yes><--target><a b>",
    ]);
  });

  it("takes the stack from PULUMI_STACK, or dev", () => {
    run("preview");
    env["PULUMI_STACK"] = "prod";
    run("preview", "--diff");
    run("preview", "--stack=dev");
    assert.deepEqual(
      calls().filter((call) => call.startsWith("<preview>")),
      ["<preview><--stack><dev>", "<preview><--stack><prod><--diff>", "<preview><--stack><dev>"],
    );
  });

  it("ends with Pulumi's exit code", () => {
    env["PULUMI_DOES"] = "[[ $1 != destroy ]] || exit 42";
    assert.equal(run("destroy").status, 42);
  });

  it("stops when set-up fails", () => {
    script("scripts/setup.sh", "exit 3");
    assert.equal(run("up").status, 3);
    assert.throws(calls, /ENOENT/);
  });

  it("start sets everything up, deploys and shows the outputs", () => {
    env["PULUMI_DOES"] = `[[ $2 != output ]] || echo '{"addresses":{"web":"192.0.2.1"}}'`;
    const { status, stdout } = run("start");
    assert.equal(status, 0);
    assert.deepEqual(
      calls().map((call) => call.split("><").slice(0, 2).join(" ")),
      ["setup local", "<stack select", "<up --stack", "<stack output"],
    );
    assert.match(stdout, /Outputs\n {2}addresses:\n {4}web: 192\.0\.2\.1\n/);
  });

  it("start fails when the url does not answer, and says so", () => {
    env["PULUMI_DOES"] = `[[ $2 != output ]] || echo '{"url":"http://127.0.0.1:1/"}'`;
    const { status, stderr } = run("start");
    assert.equal(status, 1);
    assert.match(stderr, /http:\/\/127\.0\.0\.1:1\/ did not answer as it should: .*\nFix: /);
  });

  it("draws a stack without making it, and a state in a file without the CLI", () => {
    writeFileSync(path.join(project, "scripts/topology.ts"), "console.log(JSON.stringify(process.argv.slice(2)))");
    mkdirSync(path.join(project, "node_modules/ts-node"), { recursive: true });
    writeFileSync(path.join(project, "node_modules/ts-node/register.js"), "");
    const { status, stdout } = run("topology", "--stack", "prod", "--output", "a b.svg");
    assert.deepEqual([status, stdout], [0, '["--stack","prod","--output","a b.svg"]\n']);
    assert.equal(run("topology", "--state", "s.json").stdout, '["--stack","dev","--state","s.json"]\n');
    assert.deepEqual(calls(), ["setup deploy", "setup node"]);
  });

  it("lists the environments", () => {
    assert.equal(run("environments").stdout, "dev\nprod\n");
    assert.equal(run("environments", "--json").stdout, '["dev","prod"]\n');
  });

  it("runs the quick kinds of tests first", () => {
    const names = ["b.integration.test.ts", "a.e2e.test.ts", "c/z.test.ts", "skip.ts", "c/a.test.ts"];
    for (const name of names) script(path.join("test", name), "");
    script("node_modules/mocha/bin/mocha.js", "");
    writeFileSync(
      path.join(project, "node_modules/mocha/bin/mocha.js"),
      "console.log(process.argv.slice(2).join(' '))",
    );
    assert.equal(
      run("test", "--bail").stdout,
      "--bail test/c/a.test.ts test/c/z.test.ts test/b.integration.test.ts test/a.e2e.test.ts\n",
    );
    assert.equal(run("test:unit").stdout, "test/c/a.test.ts test/c/z.test.ts\n");
    assert.equal(run("test:integration").stdout, "test/b.integration.test.ts\n");
    assert.deepEqual(calls(), ["setup test", "setup node", "setup test"]);
  });

  it("explains itself when the verb is unknown", () => {
    const { status, stderr } = run("dance");
    assert.equal(status, 2);
    assert.match(stderr, /run\.sh start .*\n(.*\n)*.*run\.sh lint/);
  });

  it("keeps the quick start's state private, with a passphrase of its own", () => {
    const [backend, file, again] = variables("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "root");
    assert.equal(backend, `file://${again}/.state?metadata=skip`);
    assert.equal(file, path.join(again!, ".state/passphrase"));
    assert.equal(statSync(path.join(project, ".state")).mode & 0o777, 0o700);
    assert.equal(statSync(file!).mode & 0o777, 0o600);
    const passphrase = readFileSync(file!, "utf8");
    assert.ok(passphrase.length >= 32);
    variables("root");
    assert.equal(readFileSync(file!, "utf8"), passphrase);
  });

  it("leaves a backend and a passphrase that are set alone", () => {
    env["PULUMI_BACKEND_URL"] = "s3://states";
    assert.deepEqual(variables("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"), ["s3://states", "<unset>"]);
    delete env["PULUMI_BACKEND_URL"];
    env["PULUMI_CONFIG_PASSPHRASE"] = "mine";
    assert.deepEqual(variables("PULUMI_CONFIG_PASSPHRASE_FILE"), ["<unset>"]);
  });

  it("does not make a new passphrase for a state that was made with another", () => {
    mkdirSync(path.join(project, ".state/.pulumi/stacks/pulumi-kvm"), { recursive: true });
    writeFileSync(path.join(project, ".state/.pulumi/stacks/pulumi-kvm/dev.json"), "{}");
    assert.throws(() => variables("root"), /passphrase is missing.*\nFix: put the file back/);
  });

  it("asks Pulumi to download the command plugin only when it is there already", () => {
    assert.deepEqual(variables("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"), ["true"]);
    mkdirSync(path.join(project, ".pulumi/plugins/resource-command-v1.2.1"), { recursive: true });
    assert.deepEqual(variables("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"), ["<unset>"]);
  });

  it("puts its directories first on PATH, once", () => {
    const [once, root] = variables("PATH", "root");
    env["PATH"] = once;
    const [twice] = variables("PATH");
    assert.equal(twice, once);
    assert.deepEqual(once!.split(":").slice(0, 2), [
      path.join(root!, "cache/pulumi-kvm/bin"),
      path.join(root!, "node_modules/.bin"),
    ]);
  });

  it("never sets PULUMI_OPTION_PARALLEL, which the CLI does not survive", () => {
    assert.deepEqual(variables("PULUMI_OPTION_PARALLEL"), ["<unset>"]);
  });
});
