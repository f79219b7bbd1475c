import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import * as v from "valibot";
import { jobConfig } from "../../../providers/backup/config";
import { pruneTest } from "../../../providers/backup/glob";
import { tarBackupSchema } from "../../../providers/schema/tar-backup";

const parse = (args: object) =>
  v.parse(tarBackupSchema, {
    machine: { kind: "local" },
    name: "job",
    paths: ["/home"],
    target: "/var/backup",
    ...args,
  });

describe("a backup job's configuration", function () {
  this.timeout(120_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "kvm-backup-config-"))));
  after(() => rmSync(folder, { recursive: true }));

  it("says every setting in a line", () => {
    const config = jobConfig(
      parse({
        paths: ["/home", "/etc/"],
        exclude: ["*.tmp", "/home/*/x"],
        target: [
          "/var/backup",
          { host: "nas", user: "backup", port: 2222, path: "/srv", options: { IdentityFile: "/root/key file" } },
          {
            bucket: "backups",
            endpoint: "https://s3.example.org",
            region: "eu-central-1",
            credentials: "/root/s3 keys",
          },
        ],
        full: "10d",
        split: "20MiB",
        keep: { last: 3, days: 14 },
        immutable: 7,
        before: ["sh", "-c", "echo 'a\\b'\nexit 0"],
        schedule: "daily",
        ioClass: "idle",
        drill: "weekly",
        verify: "40d",
      }),
    );
    assert.equal(
      config,
      `name job
root /
path /home
path /etc
exclude *.tmp
exclude /home/*/x
prune name *.tmp
prune regex \\\\./home/[^/]*/x
target /var/backup
target /srv
ssh backup@nas 2222
ssh_option IdentityFile=/root/key file
target 
bucket backups
endpoint https://s3.example.org
region eu-central-1
credentials /root/s3 keys
mode incremental
full 864000
compress zstd
split 20971520
keep last 3
keep days 14
immutable 7
before sh
before -c
before echo 'a\\\\b'\\nexit 0
nice 10
io 3
drill_every weekly
verify_every 3456000
`,
    );
  });

  it("hands every word over as it is", () => {
    const program = readFileSync(join("providers/backup/job/10-settings.sh"), "utf8");
    const plain = /^plain\(\) \{[^]*?^\}/m.exec(program)![0];
    const each = /^each\(\) \{[^]*?^\}/m.exec(program)![0];
    const words = fc.array(
      fc
        .string({ unit: "binary", minLength: 1, maxLength: 30 })
        .filter((word) => !word.includes("\0") && !/[\ud800-\udfff]/.test(word)),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(words, (after) => {
        writeFileSync(join(folder, "conf"), jobConfig(parse({ after: ["x", ...after] })));
        const script = `settings=$(cat "$1")\n${plain}\n${each}\nshow() { printf '%s\\0' "$1"; }\neach after show`;
        const seen = execFileSync("sh", ["-c", script, "sh", join(folder, "conf")], {
          env: { ...process.env, LC_ALL: "C" },
        });
        assert.deepEqual(seen.toString().split("\0").slice(1, -1), after);
      }),
      { numRuns: 20 },
    );
  });

  it("leaves out with find what tar leaves out", () => {
    const tree = join(folder, "tree");
    const parts = ["a", "b.tmp", "ab", "a+b", ".c", "[x]", "x", "a b", "$y", "(z)", "ü", "^", "back\\slash"];
    for (const one of parts)
      for (const two of parts) {
        mkdirSync(join(tree, "top", one, two), { recursive: true });
        writeFileSync(join(tree, "top", one, two, "file.tmp"), "");
        writeFileSync(join(tree, "top", one, two, "ab"), "");
      }
    const component = fc
      .array(
        fc.constantFrom(
          "a",
          "b",
          "*",
          "?",
          "[ab]",
          "[!a]",
          "[^a]",
          ".",
          "+",
          "\\*",
          "\\[x]",
          "$",
          "(",
          ")",
          "tmp",
          "ü",
          "^",
          "\\\\",
          " ",
          "x",
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((tokens) => tokens.join(""));
    const pattern = fc
      .tuple(fc.boolean(), fc.array(component, { minLength: 1, maxLength: 3 }))
      .map(([anchored, path]) => (anchored ? `/top/${path.join("/")}` : path.join("/")));
    fc.assert(
      fc.property(pattern, (glob) => {
        fc.pre(v.safeParse(tarBackupSchema.entries.exclude, [glob]).success);
        const way = glob.startsWith("/")
          ? ["--anchored", `--exclude=.${glob}`]
          : ["--no-anchored", `--exclude=${glob}`];
        const env = { ...process.env, LC_ALL: "C" };
        const listed = execFileSync(
          "tar",
          [
            "-C",
            tree,
            "--no-wildcards-match-slash",
            ...way,
            "-cf",
            "/dev/null",
            "-v",
            "--quoting-style=literal",
            "./top",
          ],
          { env, maxBuffer: 1e8 },
        );
        const [test, argument] = pruneTest(glob);
        const found = execFileSync(
          "find",
          ["./top", "-regextype", "posix-extended", `-${test}`, argument, "-prune", "-o", "-print"],
          { cwd: tree, env, maxBuffer: 1e8 },
        );
        const lines = (data: Buffer) =>
          data
            .toString("latin1")
            .split("\n")
            .filter(Boolean)
            .map((line) => line.replace(/\/$/, ""))
            .sort();
        assert.deepEqual(lines(found), lines(listed), glob);
      }),
      { numRuns: 60 },
    );
  });
});
