import type { Finding } from "../finding";
import { ofBoth, ofMachine, type MachineSide } from "../inspection";
import { privileged } from "../privileged";
import { may, qemuUser, type QemuUser } from "../qemu-user";
import type { Entry, Folder } from "../survey";
import { driverOf } from "../target";

/**
 * Asks the kernel itself, where we may: prints the user's name, then every folder that the user may not search.
 * Access control lists and supplementary groups count.
 */
const SEARCH = `
uid=$1 gid=$2; shift 2
id -nu "$uid" 2>/dev/null || echo "$uid"
[ "$(id -u)" = 0 ] || exit 3
groups=$(id -G "$uid" 2>/dev/null | tr ' ' ',')
exec setpriv --reuid "$uid" --regid "$gid" --groups "\${groups:-$gid}" --bounding-set=-all --inh-caps=-all \\
  sh -c 'for folder; do [ -x "$folder" ] || printf "%s\\n" "$folder"; done' sh "$@"
`;

/** QEMU's user may enter every folder on the way to the disks. libvirt owns the files, but never opens a folder. */
export const permissions = ofBoth("permissions of folders", async (machine, { report }, { target, signal }) => {
  if (driverOf(target.connection) !== "qemu") return { skipped: "the connection is not QEMU's" };
  const findings = machine.survey.folders.flatMap(notAFolder);
  const user = qemuUser(report, machine.survey);
  if (!user) return findings;
  const closed = new Map<string, Folder>();
  for (const folder of machine.survey.folders)
    for (const step of folder.steps)
      if (step.mode.startsWith("d") && !may(user, "x", step) && !closed.has(step.path)) closed.set(step.path, folder);
  if (closed.size === 0) return findings;

  const { name, paths } = await confirm(machine, user, [...closed.keys()], signal);
  const opens = machine.survey.programs.has("setfacl") ? `setfacl --modify user:${name}:x` : "chmod o+x";
  const byFolder = Map.groupBy(paths, (path) => closed.get(path)!);
  for (const [folder, steps] of byFolder)
    findings.push({
      level: "error",
      field: "directories",
      problem: `QEMU's user ${name} may not enter ${steps.join(" and ")}: disks in ${folder.path} cannot be opened`,
      fix: `${privileged(machine.survey, `${opens} ${steps.map(quote).join(" ")}`)}, or use a folder such as /var/lib/libvirt/images`,
    });
  return findings;
});

function notAFolder({ path, steps }: Folder): Finding[] {
  const file = steps.find(({ mode }) => !mode.startsWith("d"));
  if (!file) return [];
  return [
    {
      level: "error",
      field: "directories",
      problem: `${path} cannot be a folder: ${file.path} is a file`,
      fix: "choose another folder",
    },
  ];
}

/** Those of the paths that the user really may not enter. */
async function confirm(
  { machine, survey }: MachineSide,
  user: QemuUser,
  paths: string[],
  signal?: AbortSignal,
): Promise<{ name: string; paths: string[] }> {
  const argv = ["sh", "-s", "--", String(user.uid), String(user.gid), ...paths];
  const { stdout, exitCode } = await machine.run(argv, { stdin: SEARCH, accept: [0, 3], timeout: 30_000, signal });
  const [name = String(user.uid), ...denied] = stdout.split("\n").filter(Boolean);
  if (exitCode === 0) return { name, paths: denied };
  // Not as root: what an access control list or another group may allow is taken for allowed.
  const steps = survey.folders.flatMap(({ steps }) => steps);
  const sure = ({ path, mode }: Entry) =>
    paths.includes(path) && !mode.endsWith("+") && (user.groups !== undefined || !"xst".includes(mode[6]!));
  return { name, paths: [...new Set(steps.filter(sure).map(({ path }) => path))] };
}

function quote(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

const GiB = 2 ** 30;

/** There is room for disks. */
export const space = ofMachine("free space", ({ survey }) =>
  survey.folders.flatMap(({ path, size, available }): Finding[] => {
    if (size === undefined || available === undefined || size === 0) return [];
    const percent = Math.floor((available / size) * 100);
    const level = available < GiB ? "error" : percent < 5 ? "warning" : undefined;
    if (!level) return [];
    return [
      {
        level,
        field: "directories",
        problem: `${path} has ${(available / GiB).toFixed(1)} GiB (${percent}%) of ${(size / GiB).toFixed(1)} GiB left. Allowed: at least 1 GiB; 5% or more is comfortable`,
        fix: "free some space, or put the disks on another file system",
      },
    ];
  }),
);
