import type { Change, Context, Created, DiffTable, FieldChange, Handler, Problem, Verdict } from "../dynamic/contract";
import { classify } from "../dynamic/diff";
import { OperatorError } from "../dynamic/errors";
import { missingPrograms } from "../image/build-error";
import { ImageFiles } from "../image/image-files";
import type { Machine, MachineSpec } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { rpmImageParts, rpmImageTools } from "../rpm/image-script";
import { localPackages, RpmImageBuilder, rpmImageName, treeOf, type RpmManifest } from "../rpm/rpm-image";
import { lookUp } from "../rpm/repository";
import { checkSignatures } from "../rpm/signature";
import { rpmImageSchema, type RpmImageInputs, type RpmSource } from "../schema/rpm-image";
import { deleteImage, reachableHost, readImage } from "./kept-image";
import { machineRule } from "./on-machine";

export interface RpmImageState extends RpmImageInputs, RpmManifest {
  path: string;
  hash: string;
}

const deadline = 60 * 60_000;

/** Trees out of RPMs on hosts, kept under the name of what they are made of. */
export class RpmImageHandler implements Handler<RpmImageInputs, RpmImageState> {
  readonly kind = "RpmImage";
  readonly schema = rpmImageSchema;

  /** Images of other content have other names, and guests' roots are made of the new one before those of the old one go. */
  readonly deleteBeforeReplace = (olds: RpmImageInputs, news: RpmImageInputs): boolean =>
    this.lock(olds) === this.lock(news) && rpmImageName(olds).name === rpmImageName(news).name;

  readonly fields: DiffTable<RpmImageInputs> = {
    machine: machineRule,
    directory: "replace",
    format: "replace",
    packages: packagesRule,
    repositories: { disruption: "live", why: "packages says what was found in them" },
    architecture: { disruption: "live", why: "packages says what was found for it" },
    keys: { disruption: "live", why: "what is unpacked stays; the packages are checked again when they change" },
    conflicts: "replace",
    devices: "replace",
    setuid: "replace",
    users: "replace",
    groups: "replace",
    size: "replace",
    maxSize: "ignored",
    serial: "replace",
    retain: "live",
  };

  constructor(private readonly openMachine: (spec: MachineSpec) => Machine = open) {}

  describe({ machine, packages, directory }: RpmImageInputs): string {
    const count = `${packages.length} package${packages.length === 1 ? "" : "s"}`;
    return `image of ${count} in ${directory} on ${machineLabel(machine)}`;
  }

  /** One build at a time in a folder, as with bootstrapped images. */
  lock({ machine, directory }: RpmImageInputs): string {
    return `image ${machineKey(machine)} ${directory}`;
  }

  deadline(): number {
    return deadline;
  }

  /** What names meant stays for the image's life; for a new image all are looked up again. */
  generate(news: RpmImageInputs, olds: Partial<RpmImageInputs> | undefined): Partial<RpmImageInputs> {
    const { packages: before } = olds ?? {};
    if (!before || !Array.isArray(news.packages)) return {};
    const packages = news.packages.map((each, index) => {
      const old = before[index];
      return each?.name !== undefined && each.name === old?.name ? old : each;
    });
    const again = classify(this.fields, olds!, { ...news, packages }).some(
      ({ field, disruption }) => disruption === "replace" || field === "repositories" || field === "architecture",
    );
    return again ? {} : { packages };
  }

  async lookUp(news: RpmImageInputs, context: Context): Promise<Partial<RpmImageInputs>> {
    const names = news.packages.flatMap(({ name, sha256 }) =>
      name !== undefined && sha256 === undefined ? [name] : [],
    );
    if (names.length === 0) return {};
    const { signal } = context;
    const progress = (message: string) => context.progress(message);
    const sources = await lookUp(names, news.repositories!, await this.architecture(news, context), {
      signal,
      progress,
    });
    for (const [name, { found, repository }] of sources) progress(`${name} is ${found} of repository ${repository}`);
    return { packages: news.packages.map((each) => sources.get(each.name ?? "") ?? each) };
  }

  private async architecture({ architecture, machine }: RpmImageInputs, { signal }: Context): Promise<string> {
    if (architecture !== undefined) return architecture;
    const host = this.openMachine(machine);
    const asked = await reachableHost(host.run(["uname", "-m"], { signal }));
    if (asked) return asked.stdout.trim();
    throw new OperatorError(`packages are looked up for the architecture of ${host.label}, which cannot be asked`, {
      fix: 'set architecture: "x86_64" or what it has',
    });
  }

  async problems(
    news: RpmImageInputs,
    _olds: Partial<RpmImageInputs> | undefined,
    _changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    return [...(await packageProblems(news, context)), ...(await this.hostProblems(news, context))];
  }

  private async hostProblems(news: RpmImageInputs, { signal, progress }: Context): Promise<Problem[]> {
    const { name } = rpmImageName(news);
    const host = this.openMachine(news.machine);
    const script = 'id -u; uname -m; for tool; do command -v "$tool" >/dev/null || echo "$tool"; done';
    const path = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
    const asked = await reachableHost(
      host.run(["sh", "-c", script, "sh", ...rpmImageTools[news.format]], { signal, env: path }),
    );
    if (!asked || (await this.files(news, name).inspect(signal)).whole) return [];
    const [user, architecture, ...missing] = asked.stdout.trim().split("\n");
    await warnOfArchitecture(news, architecture!, progress);
    const found: Problem[] = [];
    if (user !== "0")
      found.push({
        field: "machine",
        reason: `${host.label} works as another user than root, who alone can give files to their owners. Fix: use root, or sudo: true`,
      });
    if (missing.length > 0) {
      const { problem, fix } = missingPrograms(missing, host.label);
      found.push({ field: "machine", reason: `${problem}. Fix: ${fix}` });
    }
    return found;
  }

  async create(inputs: RpmImageInputs, context: Context): Promise<Created<RpmImageState>> {
    const { signal } = context;
    const progress = (message: string) => context.progress(message);
    const builder = new RpmImageBuilder(this.openMachine(inputs.machine));
    const manifest = await builder.build(inputs, { signal, timeout: deadline, progress });
    const { name, hash } = rpmImageName(inputs);
    const path = this.files(inputs, name).main;
    return { id: path, state: { ...inputs, ...manifest, path, hash } };
  }

  read(_id: string, state: RpmImageState, context: Context): Promise<RpmImageState | undefined> {
    return readImage(state, this.existing(state), context);
  }

  async update(_id: string, olds: RpmImageState, news: RpmImageInputs): Promise<RpmImageState> {
    return { ...olds, ...news };
  }

  delete(_id: string, state: RpmImageState, context: Context): Promise<void> {
    return deleteImage(state, this.existing(state), context);
  }

  /** The files that the state names, whatever today's inputs would call them. */
  private existing(state: RpmImageState): ImageFiles {
    const ending = rpmImageParts[state.format].at(-1)!;
    return this.files(state, state.path.slice(state.path.lastIndexOf("/") + 1, -ending.length));
  }

  private files({ machine, directory, format }: RpmImageInputs, name: string): ImageFiles {
    return new ImageFiles(this.openMachine(machine), directory, name, rpmImageParts[format]);
  }
}

/** The same packages from another place are no other image. */
function packagesRule({ old, new: wanted }: FieldChange<RpmImageInputs>): Verdict {
  const digests = (list: unknown) => (list as RpmSource[]).map(({ sha256 }) => sha256).join();
  return digests(old) === digests(wanted)
    ? { disruption: "live", why: "the same packages, from another place" }
    : { disruption: "replace", why: "another image is made of them" };
}

/** What is wrong with the packages that are here; those that are downloaded tell when the image is made. */
async function packageProblems(news: RpmImageInputs, { signal }: Context): Promise<Problem[]> {
  let field = "packages";
  try {
    const packages = await localPackages(news);
    treeOf(packages, news);
    field = "keys";
    if (news.keys) await checkSignatures(packages, news.keys, signal);
    return [];
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return [{ field, reason: error.message }];
  }
}

const compatible: { [machine: string]: string[] } = {
  x86_64: ["x86_64", "i386", "i486", "i586", "i686", "amd64", "x86_64_v2", "x86_64_v3", "x86_64_v4"],
  aarch64: ["aarch64", "armv7hl", "armv7hnl"],
};

async function warnOfArchitecture(news: RpmImageInputs, machine: string, progress: (message: string) => void) {
  const runs = ["noarch", ...(compatible[machine] ?? [machine])];
  for (const { label, architecture } of await localPackages(news).catch(() => []))
    if (!runs.includes(architecture)) progress(`${label} is for ${architecture}, and the host is ${machine}`);
}
