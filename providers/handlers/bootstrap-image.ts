import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { buildTools } from "../image/build-formats";
import { bootstrapParts, ImageBuilder } from "../image/image-builder";
import { missingPrograms } from "../image/build-error";
import { ImageFiles } from "../image/image-files";
import { parseManifest } from "../image/manifest";
import { recipeOf, type Recipe } from "../image/recipe";
import type { Machine, MachineSpec } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { bootstrapImageSchema, type BootstrapImageInputs } from "../schema/bootstrap-image";
import { deleteImage, reachableHost, readImage } from "./kept-image";
import { machineRule } from "./on-machine";

export interface BootstrapImageState extends BootstrapImageInputs {
  /** The disk image, or the folder. */
  path: string;
  /** The kernel of a disk, its RAM disk, and the words of its command line that the image needs. */
  kernel?: string;
  initrd?: string;
  cmdline?: string;
  hash: string;
  /** What /etc/os-release calls it: "Debian GNU/Linux 12 (bookworm)". */
  os: string;
  /** What uname -r prints in it. */
  kernelRelease?: string;
}

const buildTime = 30 * 60_000;

/** Guest images made of packages on the host, kept under the name of what they are made of. */
export class BootstrapImageHandler implements Handler<BootstrapImageInputs, BootstrapImageState> {
  readonly kind = "BootstrapImage";
  readonly schema = bootstrapImageSchema;

  /** Images of other content have other names, and guests' roots are made of the new one before those of the old one go. */
  readonly deleteBeforeReplace = (olds: BootstrapImageInputs, news: BootstrapImageInputs): boolean =>
    this.lock(olds) === this.lock(news);

  readonly fields: DiffTable<BootstrapImageInputs> = {
    machine: machineRule,
    directory: "replace",
    format: "replace",
    distribution: "replace",
    suite: "replace",
    architecture: "replace",
    components: "replace",
    mirror: "replace",
    packages: "replace",
    kernelPackage: "replace",
    size: "replace",
    files: "replace",
    services: "replace",
    sshAuthorizedKeys: "replace",
    serial: "replace",
    retain: "live",
  };

  constructor(private readonly openMachine: (spec: MachineSpec) => Machine = open) {}

  describe({ machine, distribution, suite, directory }: BootstrapImageInputs): string {
    return `${distribution} ${suite} image in ${directory} on ${machineLabel(machine)}`;
  }

  /** Builds of the same image by other processes are kept apart by a lock in its folder. */
  lock(inputs: BootstrapImageInputs): string {
    return `image ${machineKey(inputs.machine)} ${inputs.directory}/${recipeOf(inputs).name}`;
  }

  /** Beside its own time it may wait for others. */
  deadline(): number {
    return 6 * buildTime;
  }

  async problems(
    news: BootstrapImageInputs,
    _olds: Partial<BootstrapImageInputs> | undefined,
    _changes: Change[],
    { signal }: Context,
  ): Promise<Problem[]> {
    const inspected = await reachableHost(this.files(news, recipeOf(news).name).inspect(signal));
    if (!inspected || inspected.whole) return [];
    const { label } = this.openMachine(news.machine);
    const found: Problem[] = [];
    if (!inspected.root)
      found.push({
        field: "machine",
        reason: `${label} works as another user than root, who alone can make file systems. Fix: use root, or sudo: true`,
      });
    const missing = inspected.missing.filter((tool) => buildTools(news.format).includes(tool));
    if (missing.length > 0) {
      const { problem, fix } = missingPrograms(missing, label);
      found.push({ field: "machine", reason: `${problem}. Fix: ${fix}` });
    }
    return found;
  }

  async create(inputs: BootstrapImageInputs, context: Context): Promise<Created<BootstrapImageState>> {
    const recipe = recipeOf(inputs);
    const machine = this.openMachine(inputs.machine);
    const { signal } = context;
    const progress = (message: string) => context.progress(message);
    await new ImageBuilder(machine).build(recipe, inputs.directory, { signal, timeout: buildTime, progress });
    const files = this.files(inputs, recipe.name);
    const { os, kernelRelease } = parseManifest(await machine.read(files.path(".manifest"), { signal }));
    return { id: files.main, state: { ...inputs, ...outputsOf(files, recipe), os, kernelRelease } };
  }

  read(_id: string, state: BootstrapImageState, context: Context): Promise<BootstrapImageState | undefined> {
    return readImage(state, this.existing(state), context);
  }

  async update(_id: string, olds: BootstrapImageState, news: BootstrapImageInputs): Promise<BootstrapImageState> {
    return { ...olds, ...news };
  }

  delete(_id: string, state: BootstrapImageState, context: Context): Promise<void> {
    return deleteImage(state, this.existing(state), context);
  }

  /** The files that the state names, whatever today's recipe would call them. */
  private existing(state: BootstrapImageState): ImageFiles {
    const ending = bootstrapParts[state.format].at(-1)!;
    const name = state.path.slice(state.path.lastIndexOf("/") + 1, -ending.length);
    return this.files(state, name);
  }

  private files({ machine, directory, format }: BootstrapImageInputs, name: string): ImageFiles {
    return new ImageFiles(this.openMachine(machine), directory, name, bootstrapParts[format]);
  }
}

function outputsOf(files: ImageFiles, { hash, format }: Recipe) {
  if (format === "directory") return { path: files.main, hash };
  return {
    path: files.main,
    kernel: files.path("-vmlinuz"),
    initrd: files.path("-initrd"),
    cmdline: "root=/dev/vda rw console=ttyS0 net.ifnames=0",
    hash,
  };
}
