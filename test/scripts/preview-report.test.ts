import assert from "node:assert/strict";
import type { DiffTable } from "../../providers/dynamic/contract";
import { reportPreview, type Step } from "../../scripts/preview-report";

const tables = {
  Domain: {
    memory: () => ({ disruption: "reboot", why: "maxMemory leaves no room" }),
    vcpus: "live",
    name: "replace",
  } as DiffTable<object>,
};

function step(op: string, name: string, olds?: object, news?: object): Step {
  const type = "pulumi-nodejs:dynamic/kvm:Domain";
  return {
    op,
    urn: `urn:pulumi:dev::pulumi-kvm::pulumi-kvm:guest:Guest$${type}::${name}`,
    ...(olds && { oldState: { type, outputs: { ...olds } } }),
    ...(news && { newState: { type, inputs: { ...news } } }),
  };
}

describe("reportPreview", () => {
  it("says so when nothing changes", () => {
    const report = reportPreview("dev", { steps: [step("same", "a")], changeSummary: { same: 2 } }, tables);
    assert.equal(report, "### Preview of `dev`\n\nNo change: 2 resources as declared.\n");
  });

  it("classes every change by the handlers' tables and names the guests that are interrupted", () => {
    const report = reportPreview(
      "dev",
      {
        steps: [
          step("create", "new", undefined, { name: "new" }),
          step("update", "web", { memory: "1GiB", vcpus: 1 }, { memory: "2GiB", vcpus: 2 }),
          step("update", "app", { vcpus: 1 }, { vcpus: 2 }),
          step("create-replacement", "db", { name: "x" }, { name: "y" }),
          step("replace", "db", { name: "x" }, { name: "y" }),
          step("delete-replaced", "db", { name: "x" }),
          step("delete", "old", { name: "old" }),
          step("same", "rest"),
        ],
        changeSummary: { same: 1 },
      },
      tables,
    );
    assert.equal(
      report,
      [
        "### Preview of `dev`",
        "",
        "**5 changes** (1 new, 1 live, 1 reboot, 1 replace, 1 removed), 1 unchanged. Guests interrupted: `web` (reboot), `db` (replace).",
        "",
        "|   | Resource | Change | Disruption |",
        "| - | - | - | - |",
        "| + | Domain `new` |  | new |",
        "| ~ | Domain `web` | memory 1GiB -> 2GiB (reboot: maxMemory leaves no room)<br>vcpus 1 -> 2 (live) | reboot |",
        "| ~ | Domain `app` | vcpus 1 -> 2 (live) | live |",
        "| ± | Domain `db` | name x -> y (replace) | replace |",
        "| - | Domain `old` |  | removed |",
        "",
      ].join("\n"),
    );
  });

  it("shows errors in the place of totals, and lets no value break the table", () => {
    const report = reportPreview(
      "dev",
      {
        steps: [step("update", "web", { vcpus: 1 }, { vcpus: "a|b`<script>\nc" })],
        diagnostics: [
          { severity: "error", message: "error: domain web: bad\nsecond line" },
          { severity: "info", message: "noise" },
        ],
      },
      tables,
    );
    assert.match(report, /\*\*Failed\*\*: 1 error\. Nothing was changed\./);
    assert.match(report, /- domain web: bad<br>second line/);
    assert.match(report, /vcpus 1 -> a\\\|b\\`&lt;script><br>c \(live\)/);
    assert.doesNotMatch(report, /noise/);
  });

  it("is cut before a comment gets too long, and says so", () => {
    const steps = Array.from({ length: 2000 }, (_, at) => step("create", `guest-${at}`, undefined, {}));
    const report = reportPreview("dev", { steps }, tables);
    assert.ok(report.length < 65_000);
    assert.match(report, /\d+ more changes not shown\./);
  });
});
