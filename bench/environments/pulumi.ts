import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { command } from "./command";
import type { Contender } from "./contender";
import { guestArgs, memory, type PowerState } from "./guest";

const repository = resolve(__dirname, "../..");
const project = resolve(__dirname, "../projects/pulumi-kvm");

/** A user's Pulumi project that has the package installed, with its own state in a folder. */
abstract class Pulumi implements Contender {
  abstract readonly name: string;
  abstract readonly prefix: string;
  private folder = "";
  private guests = 0;

  /** `environment` is what the repository's scripts run the CLI in. */
  constructor(
    private readonly environment: NodeJS.ProcessEnv,
    private readonly state: PowerState,
  ) {}

  abstract made(guests: number): number;

  async version(): Promise<string> {
    const version = await command(["pulumi", "version"], { env: this.environment });
    return `Pulumi ${version.trim()}`;
  }

  async prepare(guests: number): Promise<void> {
    this.guests = this.made(guests);
    this.folder = await mkdtemp(join(tmpdir(), "bench-pulumi-"));
    await cp(project, this.folder, { recursive: true });
    await mkdir(join(this.folder, "node_modules"));
    await mkdir(join(this.folder, "state"));
    await symlink(repository, join(this.folder, "node_modules/pulumi-kvm"));
    await symlink(join(repository, "node_modules/@pulumi"), join(this.folder, "node_modules/@pulumi"));
    await this.pulumi(["stack", "init"]);
  }

  readonly run = {
    create: () => this.pulumi(["up", "--yes", "--skip-preview"]),
    preview: () => this.pulumi(["preview", "--expect-no-changes"]),
    refresh: () => this.pulumi(["refresh", "--yes", "--skip-preview"]),
    memory: () => this.pulumi(["up", "--yes", "--skip-preview"], memory.after),
    destroy: () => this.pulumi(["destroy", "--yes", "--skip-preview"]),
  };

  dispose(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  private async pulumi(argv: string[], mebibytes = memory.before): Promise<void> {
    const guests = Array.from({ length: this.guests }, (_, index) =>
      guestArgs(`${this.prefix}${index}`, this.state, index === 0 ? mebibytes : memory.before),
    );
    await command(["pulumi", ...argv, "--stack", "bench", "--non-interactive", "--color", "never"], {
      cwd: this.folder,
      env: {
        ...this.environment,
        PULUMI_BACKEND_URL: `file://${this.folder}/state?metadata=skip`,
        PULUMI_CONFIG_PASSPHRASE: "bench",
        BENCH_GUESTS: JSON.stringify(guests),
      },
    });
  }
}

/** This product. */
export class PulumiKvm extends Pulumi {
  readonly name = "pulumi-kvm";
  readonly prefix = "bench-kvm-";

  made(guests: number): number {
    return guests;
  }
}

/** The floor: the same project without a guest. */
export class EmptyProgram extends Pulumi {
  readonly name = "empty Pulumi program";
  readonly prefix = "bench-empty-";

  made(): number {
    return 0;
  }
}
