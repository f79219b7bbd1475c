import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { classify } from "../../providers/dynamic/diff";
import { diffTables } from "../../providers/handlers";
import { fieldOf, reference, referenceFile } from "../../scripts/reference";
import { plainProbe, probes } from "../../scripts/reference-probes";
import { filesIn, readSources } from "../../scripts/reference-source";

/** Whether the rule looks at the change. */
function isJudged(rule: unknown): boolean {
  return typeof rule === "function" || (typeof rule === "object" && rule !== null && "known" in rule);
}

describe("docs/reference.md", function () {
  // Loading the TypeScript compiler and prettier takes a while on a busy machine.
  this.timeout(60_000);

  it("is what the sources say", async () => {
    const written = readFileSync(referenceFile, "utf8").split("\n");
    const wanted = (await reference()).split("\n");
    const at = Array.from({ length: Math.max(written.length, wanted.length) }).findIndex(
      (_, line) => wanted[line] !== written[line],
    );
    assert.equal(at, -1, `line ${at + 1} should be ${JSON.stringify(wanted[at])}. Fix: npm run docs`);
  });

  it("knows every argument that a handler classes, and no other", () => {
    // Set by the resource classes themselves.
    const internal: { [kind: string]: string[] } = {
      AcmeClient: ["installed"],
      AppServer: ["content", "condition"],
      File: ["sha256"],
      GuestBackup: ["connection", "installed"],
      HaproxyServer: ["keys", "password", "condition"],
      KeepalivedServer: ["condition"],
      PortForward: ["owner", "connection"],
      PostgresInstance: ["slot", "condition"],
      TarBackup: ["installed"],
      TomcatServer: ["passwords", "userPasswords", "condition"],
      WebServer: ["keys", "passwords", "condition"],
      WildFlyServer: ["passwords", "condition"],
    };
    const { interfaces } = readSources(...filesIn("providers/resources"));
    for (const [kind, table] of Object.entries(diffTables())) {
      const own = internal[kind] ?? ["owner", "uuid"];
      const classed = Object.keys(table).filter((field) => !own.includes(field));
      const declared = interfaces
        .get(`${kind}Args`)!
        .members.map(({ name }) => (name in table ? name : fieldOf(kind, name)));
      assert.deepEqual([...new Set(declared)].sort(), classed.sort(), kind);
    }
  });

  it("probes only what depends on more than the field, and every probe is a change", () => {
    for (const [kind, fields] of Object.entries(probes))
      for (const [field, tried] of Object.entries(fields)) {
        assert.ok(isJudged((diffTables()[kind] as { [field: string]: unknown })[field]), `${kind} ${field}`);
        for (const { olds, news } of tried) assert.notDeepEqual(olds, news, `${kind} ${field}`);
      }
  });

  it("is right that a guest which is off takes every change as it is", () => {
    const table = diffTables()["Domain"]!;
    for (const [field, rule] of Object.entries(table)) {
      if (!isJudged(rule) || field === "state") continue;
      for (const { when, olds, news } of probes["Domain"]![field] ?? [plainProbe(field)]) {
        const off = { state: "shutoff" };
        const changes = classify<object>(table, { ...olds, ...off }, { ...news, ...off });
        assert.deepEqual(
          changes.map(({ disruption }) => disruption).filter((disruption) => disruption !== "live"),
          [],
          `${field} ${when}`,
        );
      }
    }
  });
});
