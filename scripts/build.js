"use strict";
// Bundles the handlers, the library and the stacks into dist/. `node scripts/build.js` always builds;
// `ensureBuilt()` builds only when a source is newer than the last build, and costs a few milliseconds when not.
const fs = require("node:fs");
const path = require("node:path");

const root = path.dirname(__dirname);
const dist = path.join(root, "dist");
const stamp = path.join(dist, "built");
const sources = [
  "providers",
  "components",
  "stacks",
  "package.json",
  "scripts/build.js",
  "scripts/doctor.ts",
  "scripts/restore.ts",
];

function newest(file) {
  const status = fs.statSync(path.join(root, file));
  if (!status.isDirectory()) return status.mtimeMs;
  // A folder's own time counts too: it changes when a file in it is deleted or renamed.
  return fs
    .readdirSync(path.join(root, file), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || /\.(ts|sh)$/.test(entry.name))
    .reduce((time, entry) => Math.max(time, newest(path.join(file, entry.name))), status.mtimeMs);
}

function builtAt() {
  return fs.statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A program of backup jobs, which goes into the bundles as text (providers/backup/job-script.ts, guest-job-script.ts). */
function backupJob(name) {
  const folders = [name, "both-jobs"].map((folder) => path.join(root, "providers/backup", folder));
  const parts = folders.flatMap((folder) => fs.readdirSync(folder).map((part) => ({ folder, part })));
  return parts
    .sort((one, other) => (one.part < other.part ? -1 : 1))
    .map(({ folder, part }) => fs.readFileSync(path.join(folder, part), "utf8"))
    .join("");
}

function build() {
  const started = new Date();
  const fresh = fs.mkdtempSync(path.join(root, ".dist-"));
  try {
    require("esbuild").buildSync({
      absWorkingDir: root,
      entryPoints: {
        index: "components/index.ts",
        program: "stacks/index.ts",
        plugin: "providers/handlers/index.ts",
        doctor: "scripts/doctor.ts",
        restore: "scripts/restore.ts",
      },
      outdir: fresh,
      bundle: true,
      platform: "node",
      target: "node22",
      format: "cjs",
      sourcemap: "linked",
      external: ["@pulumi/*"],
      define: {
        KVM_BACKUP_JOB: JSON.stringify(backupJob("job")),
        KVM_ACME_JOB: JSON.stringify(fs.readFileSync(path.join(root, "providers/acme/job.sh"), "utf8")),
        KVM_GUEST_BACKUP_JOB: JSON.stringify(backupJob("guest-job")),
      },
      logLevel: "warning",
    });
    fs.mkdirSync(dist, { recursive: true });
    for (const file of fs.readdirSync(fresh)) fs.renameSync(path.join(fresh, file), path.join(dist, file));
    fs.writeFileSync(stamp, "");
    fs.utimesSync(stamp, started, started);
  } finally {
    fs.rmSync(fresh, { recursive: true, force: true });
  }
}

function ensureBuilt() {
  // An installed package has no sources: its build cannot be stale.
  if (!fs.existsSync(path.join(root, "stacks", "index.ts"))) return;
  if (sources.every((source) => newest(source) <= builtAt())) return;
  build();
}

module.exports = { build, ensureBuilt };
if (require.main === module) build();
