import { existsSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { command } from "./command";
import type { Contender } from "./contender";
import { memory, uri } from "./guest";

const project = resolve(__dirname, "../projects/opentofu/main.tf");

/** Where bench/peers.sh builds. */
const peers = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "pulumi-kvm/peers");

/** OpenTofu with terraform-provider-libvirt. Its guests always run: the provider cannot start one paused. */
export class OpenTofu implements Contender {
  readonly name = "OpenTofu";
  readonly prefix = "bench-tofu-";
  private readonly tofu = join(peers, "bin/tofu");
  private readonly env = { ...process.env, TF_CLI_CONFIG_FILE: join(peers, "tofu.rc") };
  private folder = "";
  private guests = 0;

  made(guests: number): number {
    return guests;
  }

  async version(): Promise<string> {
    if (!existsSync(join(peers, "tofu.rc"))) throw new Error("it is not built. Fix: bench/peers.sh");
    const { terraform_version: tofu } = JSON.parse(await command([this.tofu, "version", "-json"], { env: this.env }));
    return `${tofu} with terraform-provider-libvirt 0.8.3`;
  }

  async prepare(guests: number): Promise<void> {
    this.guests = guests;
    this.folder = await mkdtemp(join(tmpdir(), "bench-tofu-"));
    await copyFile(project, join(this.folder, "main.tf"));
    await this.call(["init"]);
  }

  readonly run = {
    create: () => this.call(["apply", "-auto-approve"]),
    preview: () => this.call(["plan", "-detailed-exitcode"]),
    refresh: () => this.call(["apply", "-refresh-only", "-auto-approve"]),
    replaceMemory: () => this.call(["apply", "-auto-approve"], memory.after),
    destroy: () => this.call(["destroy", "-auto-approve"]),
  };

  dispose(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  private async call([verb, ...flags]: string[], mebibytes = memory.before): Promise<void> {
    await command([this.tofu, verb!, "-input=false", "-no-color", ...flags], {
      cwd: this.folder,
      env: {
        ...this.env,
        TF_VAR_guests: String(this.guests),
        TF_VAR_memory: String(mebibytes),
        TF_VAR_prefix: this.prefix,
        TF_VAR_uri: uri,
      },
    });
  }
}
