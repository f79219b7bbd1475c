import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { arch, tmpdir } from "node:os";
import path from "node:path";

const nodePackage = `node-linux-${arch()}`;
const release = `pulumi-v3.259.0-linux-${arch()}.tar.gz`;

/** Set-up runs as nobody, on a copy of the scripts, with tools that only write down how they were called. */
describe("setup.sh", function () {
  this.timeout(20_000);
  let project: string;
  let env: NodeJS.ProcessEnv;

  const inProject = (...names: string[]) => path.join(project, ...names);
  const inCache = (...names: string[]) => inProject("cache/pulumi-kvm", ...names);

  function tool(name: string, code = ""): void {
    fs.writeFileSync(inProject("bin", name), `#!/bin/bash\necho "${name} $*" >>"$CALLS"\n${code}\n`, { mode: 0o755 });
  }

  beforeEach(() => {
    project = fs.mkdtempSync(path.join(tmpdir(), "setup with spaces-"));
    for (const directory of ["scripts/pulumi-cli", "bin", "home"])
      fs.mkdirSync(inProject(directory), { recursive: true });
    for (const name of ["setup.sh", "environment.sh", "dependencies-match.js"])
      fs.copyFileSync(path.join("scripts", name), inProject("scripts", name));
    fs.cpSync("scripts/pulumi-cli", inProject("scripts/pulumi-cli"), { recursive: true });
    fs.writeFileSync(inProject("scripts/build.js"), "exports.ensureBuilt = () => {};");
    fs.writeFileSync(inProject("package-lock.json"), "{}");
    tool("node", nodeIs("22.20.0"));
    tool("npm", npmCi);
    tool("pulumi", "[[ $1 == version ]] && echo v3.270.0 || exit 1");
    tool("pulumi-language-nodejs");
    tool("curl", "exit 6");
    tool("virsh");
    tool("dpkg-query", "shift 3; printf 'installed %s\\n' \"$@\"");
    tool("dpkg", "echo amd64");
    tool("apt-get");
    env = {
      PATH: `${inProject("bin")}:/usr/bin:/bin`,
      HOME: inProject("home"),
      XDG_CACHE_HOME: inProject("cache"),
      CALLS: inProject("calls"),
    };
    if (process.getuid!() === 0) own(project);
  });
  afterEach(() => fs.rmSync(project, { recursive: true, force: true }));

  const nodeIs = (version: string) => `case $1 in -p) echo ${version} ;; -e) ;; *) exit 1 ;; esac`;
  const npmCi = `
    [[ $1 == ci ]] || exit 1
    sleep "\${NPM_TAKES:-0}"
    mkdir -p node_modules/@pulumi/command node_modules/a
    printf '{\\n  "version": "1.2.1",\\n}\\n' >node_modules/@pulumi/command/package.json`;

  function own(file: string): void {
    fs.lchownSync(file, 65534, 65534);
    if (fs.lstatSync(file).isDirectory()) for (const name of fs.readdirSync(file)) own(path.join(file, name));
  }

  function start(level: string) {
    const nobody = process.getuid!() === 0 ? { uid: 65534, gid: 65534 } : {};
    const child = spawn("bash", [inProject("scripts/setup.sh"), level], { env, detached: true, cwd: "/", ...nobody });
    let output = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    child.stderr.on("data", (chunk) => (output += String(chunk)));
    const done = new Promise<{ code: number | null; output: string }>((resolve) =>
      child.on("close", (code) => resolve({ code, output })),
    );
    return { child, done };
  }

  async function run(level: string): Promise<string> {
    const { code, output } = await start(level).done;
    assert.equal(code, 0, output);
    assert.ok(!fs.existsSync(inCache("partial")));
    return output;
  }

  async function failure(level: string): Promise<string> {
    const { code, output } = await start(level).done;
    assert.equal(code, 1, output);
    assert.ok(!fs.existsSync(inCache("partial")));
    return output.trimEnd().split("\n").at(-1)!;
  }

  function calls(...names: string[]): string[] {
    if (!fs.existsSync(env["CALLS"]!)) return [];
    const lines = fs.readFileSync(env["CALLS"]!, "utf8").trimEnd().split("\n");
    return lines.filter((line) => names.length === 0 || names.includes(line.split(" ")[0]!));
  }

  it("does each thing once, and shows each step with its time", async () => {
    const output = await run("local");
    for (const step of ["node", "dependencies", "pulumi", "plugin", "packages", "libvirt", "build", "ready"])
      assert.match(output, new RegExp(`^${step} .* \\d+\\.\\d s$`, "m"));
    assert.deepEqual(calls("npm", "apt-get"), [
      "npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error",
    ]);
    fs.rmSync(env["CALLS"]!);
    await run("local");
    assert.deepEqual(calls("npm", "apt-get", "curl"), []);
    assert.deepEqual(
      calls("pulumi").filter((call) => call !== "pulumi version"),
      [],
    );
  });

  it("does no more than the level asks for", async () => {
    await run("node");
    assert.deepEqual(calls("pulumi", "dpkg-query", "virsh"), []);
    await run("deploy");
    assert.deepEqual(calls("dpkg-query", "virsh"), []);
    assert.match(await failure("everything"), /'everything' is not a level: node, deploy, local, test$/);
  });

  it("fetches Node where the machine's is too old, and uses its own from then on", async () => {
    tool("node", nodeIs("20.20.2"));
    tool(
      "npm",
      `
      if [[ $1 == install ]]; then
        mkdir -p "$3/node_modules/${nodePackage}/bin"
        cp "${inProject("bin/node")}" "$3/node_modules/${nodePackage}/bin/node"
      else ${npmCi}
      fi`,
    );
    assert.match(await run("node"), /^node +22\.\d+\.\d+, kept in the cache \(the system's is 20\.20\.2\)/m);
    assert.ok(fs.existsSync(inCache("bin/node")));
    assert.match(calls("npm")[0]!, new RegExp(`--ignore-scripts .* ${nodePackage}@22\\.\\d+\\.\\d+$`));
    await run("node");
    assert.equal(calls("npm").length, 2);
    tool("node", nodeIs("24.1.0"));
    await run("node");
    assert.ok(!fs.existsSync(inCache("bin/node")), "the system's Node is used once it is recent enough");
  });

  it("installs the dependencies again when the lockfile changed", async () => {
    await run("node");
    fs.appendFileSync(inProject("package-lock.json"), "\n");
    await run("node");
    assert.equal(calls("npm").length, 2);
  });

  it("sees that the dependencies were installed by hand", () => {
    const matches = (wanted: object, present: object) => {
      fs.mkdirSync(inProject("node_modules/a"), { recursive: true });
      fs.writeFileSync(inProject("package-lock.json"), JSON.stringify({ packages: { "": { name: "it" }, ...wanted } }));
      fs.writeFileSync(inProject("node_modules/.package-lock.json"), JSON.stringify({ packages: present }));
      return spawnSync(process.execPath, [inProject("scripts/dependencies-match.js")]).status === 0;
    };
    const a = { "node_modules/a": { version: "1.0.0" } };
    assert.ok(matches(a, a));
    assert.ok(matches({ ...a, "node_modules/for-windows": { version: "1.0.0", optional: true } }, a));
    assert.ok(!matches({ "node_modules/a": { version: "1.1.0" } }, a), "another version");
    assert.ok(!matches({ ...a, "node_modules/b": { version: "1.0.0" } }, a), "one is missing");
    assert.ok(!matches({}, a), "one is too many");
    assert.ok(!matches({ "node_modules/b": { version: "1" } }, { "node_modules/b": { version: "1" } }), "no folder");
  });

  it("shows what a failed command said, and tries again the next time", async () => {
    tool("npm", "echo 'npm error: no space left'; exit 1");
    const { code, output } = await start("node").done;
    assert.equal(code, 1);
    assert.match(output, / {4}npm error: no space left\nset-up: dependencies: npm ci failed/);
    tool("npm", npmCi);
    await run("node");
  });

  it("leaves nothing half-made when it is interrupted", async () => {
    env["NPM_TAKES"] = "30";
    const { child, done } = start("node");
    while (calls("npm").length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(-child.pid!, "SIGINT");
    assert.equal((await done).code, 130);
    assert.ok(!fs.existsSync(inCache("partial")));
    delete env["NPM_TAKES"];
    await run("node");
    assert.equal(calls("npm").length, 2);
  });

  it("lets two runs at once wait for each other", async () => {
    env["NPM_TAKES"] = "0.5";
    const results = await Promise.all([start("node").done, start("node").done]);
    assert.deepEqual(
      results.map(({ code }) => code),
      [0, 0],
    );
    assert.equal(calls("npm").length, 1);
    assert.equal(results.filter(({ output }) => output.includes("waiting for another set-up")).length, 1);
  });

  it("names what is missing: npm, a writable cache", async () => {
    env["XDG_CACHE_HOME"] = "/proc/none";
    assert.match((await start("node").done).output, /\/proc\/none\/pulumi-kvm cannot be made. Fix: set XDG_CACHE_HOME/);
    env["XDG_CACHE_HOME"] = inProject("cache");
    fs.rmSync(inProject("bin/npm"));
    env["PATH"] = inProject("bin");
    for (const name of ["bash", "dirname", "sha256sum", "uname", "mkdir", "flock", "rm", "grep"])
      fs.symlinkSync(`/usr/bin/${name}`, inProject("bin", name));
    assert.match(await failure("node"), /npm is not installed. Fix: install Node\.js 22 or newer with npm/);
  });

  describe("the Pulumi CLI", () => {
    const builtByGo = `
      case "$*" in
        "env GOVERSION") echo "\${GO_IS:-go1.26.8}" ;;
        *) while [[ $1 != -o ]]; do shift; done; printf '#!/bin/sh\\nexit 1\\n' >"$2"; chmod +x "$2" ;;
      esac`;

    beforeEach(() => tool("pulumi", "echo v3.100.0"));

    /** A release as Pulumi publishes it, and a curl that serves it with this digest. */
    function publish(digest?: string): void {
      fs.mkdirSync(inProject("www/pulumi"), { recursive: true });
      for (const name of ["pulumi", "pulumi-language-nodejs"])
        fs.writeFileSync(inProject("www/pulumi", name), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
      tool(
        "curl",
        `
        while [[ $1 != -o ]]; do shift; done
        case $3 in
          *checksums.txt) cp "${inProject("www/digests")}" "$2" ;;
          *${release}) cp "${inProject("www", release)}" "$2" ;;
          *) exit 22 ;;
        esac`,
      );
      spawnSync("tar", ["-czf", inProject("www", release), "-C", inProject("www"), "pulumi"]);
      const sha256 = createHash("sha256")
        .update(fs.readFileSync(inProject("www", release)))
        .digest("hex");
      fs.writeFileSync(inProject("www/digests"), `${"0".repeat(64)}  other.tar.gz\n${digest ?? sha256}  ${release}\n`);
    }

    function installed(): string[] {
      return fs.existsSync(inCache("bin")) ? fs.readdirSync(inCache("bin")).sort() : [];
    }
    const all = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];

    it("comes from its release when the machine's is too old", async () => {
      publish();
      await run("deploy");
      assert.deepEqual(installed(), all);
      assert.deepEqual(calls("go"), []);
    });

    it("is refused when the release has another digest than the published one", async () => {
      publish("1".repeat(64));
      assert.match(await failure("deploy"), /does not have the digest that Pulumi publishes/);
      assert.deepEqual(installed(), []);
    });

    it("is built from Go modules where the release cannot be reached", async () => {
      tool("go", builtByGo);
      await run("deploy");
      assert.deepEqual(installed(), all);
      assert.equal(calls("go").filter((call) => call.includes(" build ")).length, 2);
      await run("deploy");
      assert.equal(calls("go").filter((call) => call.includes(" build ")).length, 2);
    });

    it("needs a Go that can fetch the one it asks for", async () => {
      tool("go", builtByGo);
      env["GO_IS"] = "go1.19.8";
      assert.match(await failure("deploy"), /Go 1\.19\.8 is too old to build it. Fix: install Go 1\.21 or newer/);
    });

    it("gives way to the machine's own once that is recent", async () => {
      publish();
      await run("deploy");
      tool("pulumi", "echo v3.270.0");
      await run("deploy");
      assert.deepEqual(installed(), []);
    });
  });

  it("tells others than root the exact command for missing packages", async () => {
    tool("dpkg-query", "shift 3; printf 'installed %s\\n' \"$@\" | grep -v -e zstd -e mmdebstrap");
    assert.match(
      await failure("local"),
      /only root can install them. Fix: sudo apt-get install --yes --no-install-recommends mmdebstrap zstd$/,
    );
    assert.deepEqual(calls("apt-get"), []);
  });

  it("tells others than root how to come to libvirt", async () => {
    tool(
      "virsh",
      "echo \"error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied\" >&2; exit 1",
    );
    assert.match(
      await failure("local"),
      /may not use libvirt. Fix: sudo usermod --append --groups libvirt \S+, then log in again$/,
    );
    tool("virsh", "echo 'error: Failed to connect socket: No such file or directory' >&2; exit 1");
    assert.match(await failure("local"), /only root can start it. Fix: sudo systemctl start libvirtd/);
  });
});
