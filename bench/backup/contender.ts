import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { jobConfig } from "../../providers/backup/config";
import { jobScript } from "../../providers/backup/job-script";
import { tarBackupSchema } from "../../providers/schema/tar-backup";

/** One way to back up a folder. Commands are lines of bash; $REPO is its repository, $SRC the folder, $OUT an empty one. */
export interface Contender {
  name: string;
  /** Its version, or why it cannot run here. */
  version(): string;
  /** Makes an empty repository. */
  prepare(repository: string, source: string): void;
  backUp(turn: number): string;
  restore(turns: number): string;
}

const first = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0]!;

/** What raw tar and our job have in common. */
export interface Way {
  split: string;
  compress: keyof typeof compressors;
}

/** Our job's compressors as it calls them, and what undoes them. */
export const compressors = {
  zstd: ["| zstd -q -3 -T0", "| zstd -dcq"],
  gzip: ["| pigz -c -6", "| gzip -dc"],
  none: ["", ""],
} as const;

/** The well-known line, with the same compressor, split, and written to the disk as all the others' backups are. */
export const rawTar = ({ split, compress }: Way): Contender => ({
  name: "raw tar",
  version: () => `${first("tar", "--version")} ${compressors[compress][0]} | split -b ${split}`,
  prepare: (repository) => mkdirSync(repository),
  backUp: (turn) =>
    'tar -C / --format=posix --xattrs --acls --sparse --listed-incremental="$REPO/notes" -cf - ".$SRC" ' +
    `${compressors[compress][0]} | split -a 4 -b ${split.replace("iB", "")} - "$REPO/level-${turn}.tar." && sync -f "$REPO"`,
  restore: (turns) =>
    `for i in $(seq 0 ${turns}); do cat "$REPO/level-$i.tar."* ${compressors[compress][1]} | ` +
    'tar -C "$OUT" -xp --xattrs --acls --listed-incremental=/dev/null -f - || exit; done',
});

export const kvmBackup = ({ split, compress }: Way): Contender => ({
  name: "pulumi-kvm",
  version: () => "this repository's",
  prepare(repository, source) {
    mkdirSync(repository);
    writeFileSync(join(repository, "kvm-backup"), jobScript, { mode: 0o755 });
    const machine = { kind: "local" };
    const job = v.parse(tarBackupSchema, {
      machine,
      name: "bench",
      paths: [source],
      target: join(repository, "target"),
      nice: 0,
      split,
      compress,
    });
    writeFileSync(join(repository, "conf"), jobConfig({ ...job, state: join(repository, "state") }));
  },
  backUp: () => 'sh "$REPO/kvm-backup" --config "$REPO/conf" run',
  restore: () => 'sh "$REPO/kvm-backup" --config "$REPO/conf" restore --add --to "$OUT"',
});

export const restic: Contender = {
  name: "restic",
  version: () => first("restic", "version"),
  prepare(repository) {
    execFileSync("restic", ["-r", repository, "init"], {
      env: { ...process.env, RESTIC_PASSWORD: "bench" },
      stdio: "ignore",
    });
  },
  backUp: () => 'RESTIC_PASSWORD=bench restic -q -r "$REPO" --cache-dir "$REPO-cache" backup "$SRC"',
  restore: () => 'RESTIC_PASSWORD=bench restic -q -r "$REPO" --cache-dir "$REPO-cache" restore latest --target "$OUT"',
};

const borgHome = 'BORG_BASE_DIR="$REPO-home" BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes';

export const borg: Contender = {
  name: "borg",
  version: () => first("borg", "--version"),
  prepare(repository) {
    const env = {
      ...process.env,
      BORG_BASE_DIR: `${repository}-home`,
      BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes",
    };
    execFileSync("borg", ["init", "-e", "none", repository], { env, stdio: "ignore" });
  },
  backUp: (turn) => `${borgHome} borg create -C zstd,3 "$REPO::${turn}" "$SRC"`,
  restore: (turns) => `cd "$OUT" && ${borgHome} borg extract "$REPO::${turns}"`,
};
