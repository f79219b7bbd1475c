import type { Change, Context, Created, DiffTable, Handler } from "../dynamic/contract";
import { writeSeed } from "../image/seed";
import type { Machine, MachineSpec } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { cloudInitSeedSchema, type CloudInitSeedInputs } from "../schema/cloud-init-seed";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";

export interface CloudInitSeedState extends CloudInitSeedInputs {
  path: string;
  /** SHA-256 of the file as we wrote it. */
  digest: string;
}

const next = "guests see it at their next boot, and cloud-init acts on it when instanceId is new";

/** ISO images that configure guests with cloud-init at their first boot. */
export class CloudInitSeedHandler implements Handler<CloudInitSeedInputs, CloudInitSeedState> {
  readonly kind = "CloudInitSeed";
  readonly schema = cloudInitSeedSchema;

  readonly fields: DiffTable<CloudInitSeedInputs> = {
    machine: machineRule,
    directory: "replace",
    name: "replace",
    instanceId: { disruption: "live", why: next },
    hostname: { disruption: "live", why: next },
    userData: { disruption: "live", why: next, hidden: true },
    networkConfig: { disruption: "live", why: next, hidden: true },
  };

  constructor(private readonly openMachine: (spec: MachineSpec) => Machine = open) {}

  describe({ name, machine }: CloudInitSeedInputs): string {
    return `cloud-init seed ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, directory, machine }: CloudInitSeedInputs): string {
    return `seed ${machineKey(machine)} ${directory} ${name}`;
  }

  async create(inputs: CloudInitSeedInputs, context: Context): Promise<Created<CloudInitSeedState>> {
    const state = await this.write(inputs, context);
    return { id: state.path, state };
  }

  async read(_id: string, state: CloudInitSeedState, context: Context): Promise<CloudInitSeedState | undefined> {
    return lookOnMachine(state, context, async () => {
      const found = await this.look(state, context);
      if (!found) return undefined;
      // What was changed behind our back is not shown: it may be as secret as what we wrote.
      return found.sha256 === state.digest ? state : { ...state, userData: `changed: sha256 ${found.sha256}` };
    });
  }

  async update(
    _id: string,
    _olds: CloudInitSeedState,
    news: CloudInitSeedInputs,
    _changes: Change[],
    context: Context,
  ): Promise<CloudInitSeedState> {
    return this.write(news, context);
  }

  async delete(_id: string, state: CloudInitSeedState, context: Context): Promise<void> {
    const { signal } = context;
    await undoOnMachine(context, () => this.openMachine(state.machine).remove(state.path, { signal }));
  }

  private async write(inputs: CloudInitSeedInputs, context: Context): Promise<CloudInitSeedState> {
    const path = `${inputs.directory}/${inputs.name}-seed.iso`;
    await writeSeed(this.openMachine(inputs.machine), path, inputs, context.signal);
    const written = await this.look({ machine: inputs.machine, path }, context);
    return { ...inputs, path, digest: written?.sha256 ?? "" };
  }

  private look({ machine, path }: Pick<CloudInitSeedState, "machine" | "path">, { signal }: Context) {
    return this.openMachine(machine).status(path, { digest: true, signal });
  }
}
