import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../../skip";
import { BucketServer } from "./bucket-server";
import { JobLab } from "./job-lab";
import { differences, look } from "./tree";

describe("a backup job: buckets", function () {
  this.timeout(300_000);
  let server: BucketServer | undefined;
  let lab: JobLab;
  let turn = 0;
  before(async function () {
    const missing = JobLab.missing() ?? BucketServer.missing();
    if (missing) skip(this, missing);
    server = new BucketServer();
    await server.start();
  });
  after(() => server?.stop());
  beforeEach(() => {
    lab = new JobLab();
    lab.patience = 100_000;
    turn++;
    mkdirSync(join(lab.source, "folder"));
    writeFileSync(join(lab.source, "folder", "file"), randomBytes(100_000));
    lab.settings = { target: server!.target(`test/${turn}`), split: "60KiB", keep: { last: 1 } };
  });
  afterEach(() => lab.remove());

  const prefix = () => `test/${turn}/job`;
  const objects = () => server!.objects(prefix());
  const parts = () => objects().filter((name) => /\.tar\./.test(name));
  const manifests = () => objects().filter((name) => /-\d+\.json$/.test(name) && !/drill/.test(name));

  /** The bucket's content as a folder, as any program of S3 copies it. */
  function fetched(): string {
    const folder = join(lab.target, lab.name);
    for (const name of objects()) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      copyFileSync(server!.file(`${prefix()}/${name}`), join(folder, name));
    }
    return folder;
  }

  it("are written to, read, verified, restored from, and cleared, as folders are", () => {
    lab.done("run");
    writeFileSync(join(lab.source, "more"), "more");
    lab.done("run");
    assert.equal(manifests().length, 2);
    assert.equal(parts().length, 3);
    const last = /\d{8}T\d{6}Z-1/.exec(manifests()[1]!)![0];
    assert.match(lab.done("list").stdout, new RegExp(`^${last} .* incremental`, "m"));
    assert.deepEqual(differences(look(lab.source), look(lab.restored(last))), []);
    assert.match(lab.done("verify", "--all").said, /2 runs, whole/);
    lab.done("run", "--full");
    assert.match(lab.done("drill").said, /drill: \d{8}T\d{6}Z-0 restores/);
    assert.match(lab.done("prune").stdout, /^delete /);
    assert.equal(manifests().length, 1);
    assert.ok(
      objects().every((name) => !name.startsWith(last.slice(0, 8)) || name.startsWith(manifests()[0]!.slice(0, 16))),
    );
  });

  it("hold what any program that copies them brings back to a folder", () => {
    lab.done("run");
    writeFileSync(join(lab.source, "more"), "more");
    lab.done("run");
    fetched();
    assert.deepEqual(differences(look(lab.source), look(lab.restoredByHand(lab.points().at(-1)!))), []);
  });

  it("that are damaged are found out, and refused", () => {
    lab.done("run");
    const [first, second] = parts();
    const file = server!.file(`${prefix()}/${first}`);
    const content = readFileSync(file);
    content[1000]! ^= 1;
    writeFileSync(file, content);
    const out = join(lab.folder, "out");
    const named = /job-\S+\.tar\.zst\.000001: its content is not what was written \(SHA-256\)/;
    assert.match(lab.run("verify").said, named);
    const refused = lab.run("restore", "--to", out);
    assert.equal(refused.status, 1);
    assert.match(refused.said, named);
    for (const part of ["", ".md5"]) if (existsSync(file + part)) unlinkSync(file + part);
    unlinkSync(server!.file(`${prefix()}/${second}`));
    assert.match(lab.run("verify").said, /\.000002: missing/);
  });

  it("have nothing of a run that was killed, after the next one", async () => {
    lab.done("run");
    writeFileSync(join(lab.source, "more"), randomBytes(400_000));
    const run = lab.begin("run");
    const exited = once(run, "exit");
    while (!objects().some((name) => /-1\.tar\..*000003$/.test(name))) await sleep(20);
    process.kill(-run.pid!, "SIGKILL");
    await exited;
    assert.equal(manifests().length, 1);
    assert.ok(objects().some((name) => name.startsWith(".partial-")));
    lab.done("run");
    assert.equal(manifests().length, 2);
    assert.deepEqual(
      objects().filter((name) => name.startsWith(".")),
      [],
    );
    const listed = manifests().flatMap((name) =>
      [...readFileSync(server!.file(`${prefix()}/${name}`), "utf8").matchAll(/"name": "(.*?)"/g)].map(
        (found) => found[1]!,
      ),
    );
    const stored = objects().filter((name) => /\.(tar|files)\./.test(name));
    assert.deepEqual(stored.map((name) => name.split("/").at(-1)!).sort(), listed.sort());
    lab.done("verify", "--all");
  });

  it("lose the rest of a chain whose deletion was cut off", () => {
    lab.done("run");
    const [chain] = manifests()[0]!.split("/");
    unlinkSync(server!.file(`${prefix()}/${manifests()[0]}`));
    const note = server!.file(`${prefix()}/.deleted-${chain}`);
    copyFileSync(server!.file(`${prefix()}/README`), note);
    for (const ending of ["_metadata.json", "_object.md5"])
      copyFileSync(server!.file(`${prefix()}/README`).replace("_object", ending), note.replace("_object", ending));
    lab.done("run");
    assert.deepEqual(
      objects().filter((name) => name.startsWith(chain!) || name.startsWith(".")),
      [],
    );
    assert.equal(manifests().length, 1);
  });

  it("get copies, and give them back", () => {
    lab.settings = { target: [lab.target, server!.target(`test/${turn}`)], split: "60KiB" };
    lab.done("run");
    writeFileSync(join(lab.source, "more"), "more");
    assert.match(lab.done("run").said, /^copied 1 runs to backups\/test\/\d+\/job$/m);
    const restored = lab.restored(lab.points()[1]!.run, "--target", "2");
    assert.deepEqual(differences(look(lab.source), look(restored)), []);
  });

  it("that cannot be written to fail the run, which publishes nothing", () => {
    lab.settings = { target: { ...server!.target(`test/${turn}`), bucket: "elsewhere" } };
    const { status, said } = lab.run("run");
    assert.equal(status, 1, said);
    assert.match(said, /cannot write to elsewhere\/test\/\d+\/job/);
  });

  describe("that refuse are found by the check before the first run:", () => {
    /** What is said of a target, after what it is. */
    const refusal = (target: object): string => {
      lab.settings = { target: { ...server!.target(`test/${turn}`), ...target } };
      const { status, said } = lab.run("check");
      assert.equal(status, 1, said);
      return said.replace(/^kvm-backup job: cannot write to \S+\/test\/\d+\/job: /, "").trim();
    };

    it("none is said of one that takes all", () => {
      lab.done("check");
      assert.deepEqual(objects(), ["README", "kvm-backup"]);
    });

    it("unknown keys", () => {
      const credentials = join(lab.folder, "keys");
      writeFileSync(credentials, "[default]\naws_access_key_id = OTHER\naws_secret_access_key = S3RVER\n");
      assert.match(
        refusal({ credentials }),
        /^InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records\..*\. Fix: correct the keys in \S+\/keys$/,
      );
    });

    it("a bucket that is not there", () =>
      assert.match(
        refusal({ bucket: "elsewhere" }),
        /^NoSuchBucket: The specified bucket does not exist.*\. Fix: make the bucket elsewhere, or correct its name, endpoint or region$/,
      ));

    it("a server that is not there", () =>
      assert.match(
        refusal({ endpoint: "http://127.0.0.1:9" }),
        /^RequestError: send request failed: (?:Put|Post) "?http:\/\/127\.0\.0\.1:9\/.*connection refused\. Fix: correct the endpoint http:\/\/127\.0\.0\.1:9, or let the machine reach it$/,
      ));

    for (const [what, code, method, fix] of [
      ["keys that may read only", "AccessDenied", "PUT", /Fix: allow these keys s3:ListBucket, .* there$/],
      ["keys that may not delete", "AccessDenied", "DELETE", /Fix: allow these keys .* s3:DeleteObject there$/],
      ["a wrong secret", "SignatureDoesNotMatch", "PUT", /Fix: correct the keys in \S+\/keys$/],
    ] as const)
      it(what, async () => {
        const { endpoint, close } = await server!.refusing(method, code);
        try {
          const said = await new Promise<string>((resolve) => {
            lab.settings = { target: { ...server!.target(`test/${turn}`), endpoint } };
            let text = "";
            const check = spawn("sh", [lab.program, "--config", lab.config, "check"], { env: lab.env });
            check.stderr.on("data", (data: Buffer) => (text += data.toString()));
            check.on("close", (status) => resolve(`${status}: ${text.trim()}`));
          });
          assert.match(said, /^1: kvm-backup job: cannot write to backups\/test\/\d+\/job: /);
          assert.match(said, new RegExp(`${code}: refused here`));
          assert.match(said, fix);
        } finally {
          close();
        }
      });
  });
});
