import type { Context, Created, DiffTable, Handler, Problem, Change } from "../dynamic/contract";
import { displayUrl } from "../image/download-error";
import { ImageDownload } from "../image/image-download";
import { ImageFiles } from "../image/image-files";
import type { Machine, MachineSpec } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { cloudImageSchema, type CloudImageInputs } from "../schema/cloud-image";
import { formatSize } from "../schema/size";
import { deleteImage, reachableHost, readImage } from "./kept-image";
import { machineRule } from "./on-machine";

export interface CloudImageState extends CloudImageInputs {
  path: string;
  format: "qcow2";
  /** Virtual size, e.g. "2GiB". */
  size: string;
  /** Of what was downloaded, before it was unpacked: "sha256:...". */
  digest: string;
}

const deadline = 60 * 60_000;
const required = ["curl", "qemu-img", "flock"];

/** Disk images downloaded by the host, kept under the name of their content. */
export class CloudImageHandler implements Handler<CloudImageInputs, CloudImageState> {
  readonly kind = "CloudImage";
  readonly schema = cloudImageSchema;

  readonly fields: DiffTable<CloudImageInputs> = {
    machine: machineRule,
    directory: "replace",
    url: "replace",
    checksum: "replace",
    unverified: "ignored",
    serial: "replace",
    retain: "live",
  };

  constructor(private readonly openMachine: (spec: MachineSpec) => Machine = open) {}

  describe({ machine, url }: CloudImageInputs): string {
    return `image ${displayUrl(url)} on ${machineLabel(machine)}`;
  }

  lock({ machine, directory, url }: CloudImageInputs): string {
    return `image ${machineKey(machine)} ${directory} ${url}`;
  }

  deadline(): number {
    return deadline;
  }

  async problems(
    { machine }: CloudImageInputs,
    _olds: Partial<CloudImageInputs> | undefined,
    _changes: Change[],
    { signal }: Context,
  ): Promise<Problem[]> {
    const host = this.openMachine(machine);
    const script = 'for tool; do command -v "$tool" >/dev/null || echo "$tool"; done';
    const asked = await reachableHost(host.run(["sh", "-c", script, "sh", ...required], { signal }));
    const missing = asked?.stdout.split("\n").filter((tool) => tool !== "") ?? [];
    if (missing.length === 0) return [];
    const packages = missing.map((tool) => ({ "qemu-img": "qemu-utils", flock: "util-linux" })[tool] ?? tool);
    return [
      {
        field: "machine",
        reason: `${missing.join(", ")} not installed on ${host.label}. Fix: apt-get install ${packages.join(" ")}`,
      },
    ];
  }

  async create(inputs: CloudImageInputs, context: Context): Promise<Created<CloudImageState>> {
    const { signal } = context;
    const progress = (message: string) => context.progress(message);
    const got = await this.download(inputs).download(inputs, inputs.directory, { signal, timeout: deadline, progress });
    const { path, format, capacity, digest } = got;
    return { id: path, state: { ...inputs, path, format, size: formatSize(capacity), digest } };
  }

  read(_id: string, state: CloudImageState, context: Context): Promise<CloudImageState | undefined> {
    return readImage(state, this.existing(state), context);
  }

  async update(_id: string, olds: CloudImageState, news: CloudImageInputs): Promise<CloudImageState> {
    return { ...olds, ...news };
  }

  delete(_id: string, state: CloudImageState, context: Context): Promise<void> {
    return deleteImage(state, this.existing(state), context);
  }

  private download({ machine }: CloudImageInputs): ImageDownload {
    return new ImageDownload(this.openMachine(machine));
  }

  private existing({ machine, path }: CloudImageState): ImageFiles {
    const [, directory, name] = /^(.*)\/([^/]*)\.qcow2$/.exec(path)!;
    return new ImageFiles(this.openMachine(machine), directory!, name!, [".qcow2"]);
  }
}
