import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { skip } from "../skip";

const repository = resolve(__dirname, "../..");

const program = `import * as kvm from "pulumi-kvm";

const network = new kvm.Network("pack-lab", { ipv4: "10.213.7.0/24", domain: "lab.test" });
export const gateway = network.ipv4Address;
`;

const files: { [name: string]: string } = {
  "package.json": '{ "name": "user", "private": true }',
  "Pulumi.yaml": "name: user\nruntime: nodejs\n",
  "tsconfig.json": JSON.stringify({
    compilerOptions: { strict: true, target: "es2022", module: "commonjs", moduleResolution: "node10", noEmit: true },
    files: ["index.ts"],
  }),
  "index.ts": program,
};

/** The package as `npm publish` would send it, in the project of somebody who installed it. */
describe("the package, installed", function () {
  this.timeout(180_000);
  let folder: string;

  interface Ran {
    exitCode: number | null;
    output: string;
  }

  /** What npm and our own scripts say of the run that started us must not lead another into this repository. */
  function environment(): NodeJS.ProcessEnv {
    const ours = /^(npm_(package|lifecycle|config_local_prefix|execpath)|INIT_CWD|NODE_OPTIONS)/;
    return {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name))),
      PULUMI_BACKEND_URL: `file://${folder}/state`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
  }

  function run(cwd: string, command: string, ...args: string[]): Promise<Ran> {
    const child = spawn(command, args, { cwd, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
    const pieces: Buffer[] = [];
    child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
    child.stderr.on("data", (piece: Buffer) => pieces.push(piece));
    return new Promise((done, failed) => {
      child.on("error", failed);
      child.on("close", (exitCode) => done({ exitCode, output: Buffer.concat(pieces).toString() }));
    });
  }

  async function succeeds(cwd: string, command: string, ...args: string[]): Promise<string> {
    const { exitCode, output } = await run(cwd, command, ...args);
    assert.equal(exitCode, 0, `${command} ${args.join(" ")}\n${output}`);
    return output;
  }

  before(async function () {
    if (spawnSync("pulumi", ["version"]).status !== 0) skip(this, "needs the pulumi CLI");
    folder = await mkdtemp(join(tmpdir(), "pulumi-kvm-package-"));
    await succeeds(repository, "npm", "pack", "--silent", "--pack-destination", folder);
    const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"))!;
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    await mkdir(join(folder, "state"));
    const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
    const wanted = [`./${tarball}`, "typescript@5", "@types/node@22"];
    const installed = await run(folder, "npm", "install", ...quiet, ...wanted);
    if (/ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENOTCACHED/.test(installed.output))
      skip(this, "needs npm's registry, or its cache");
    assert.equal(installed.exitCode, 0, installed.output);
  });

  after(() => folder && rm(folder, { recursive: true, force: true }));

  it("brings Pulumi's SDK, and nothing else of what it is built from", async () => {
    const present = await readdir(join(folder, "node_modules"));
    assert.deepEqual(
      ["esbuild", "valibot", "@xmldom", "ipaddr.js"].filter((name) => present.includes(name)),
      [],
    );
    assert.deepEqual(await readdir(join(folder, "node_modules/@pulumi")), ["pulumi"]);
  });

  async function preview(text: string): Promise<Ran> {
    await writeFile(join(folder, "index.ts"), text);
    return run(folder, "pulumi", "preview", "--stack", "test", "--non-interactive", "--color", "never");
  }

  it("is used by a program in TypeScript, compiled against its types", async () => {
    await succeeds(folder, "pulumi", "stack", "init", "test", "--non-interactive");
    const { exitCode, output } = await preview(program);
    assert.equal(exitCode, 0, output);
    assert.match(output, /\+ +pulumi-nodejs:dynamic\/kvm:Network pack-lab create/);
    assert.match(output, /gateway: "10\.213\.7\.1"/);
  });

  it("has the compiler find a misspelt field", async () => {
    const { exitCode, output } = await preview(program.replace("domain:", "domian:"));
    assert.notEqual(exitCode, 0);
    assert.match(output, /'domian' does not exist in type 'NetworkArgs'/);
  });

  it("has the handler refuse a wrong value", async () => {
    const { exitCode, output } = await preview(program.replace("10.213.7.0/24", "10.213.7.1/24"));
    assert.notEqual(exitCode, 0);
    assert.match(output, /ipv4: "10\.213\.7\.1\/24" has host bits set: the subnet is "10\.213\.7\.0\/24"/);
  });
});
