import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { command } from "./command";
import type { Contender } from "./contender";
import { memory, uri } from "./guest";

const project = resolve(__dirname, "../projects/opentofu/main.tf");

/** OpenTofu with terraform-provider-libvirt. Its guests always run: the provider cannot start one paused. */
export class OpenTofu implements Contender {
  readonly name = "OpenTofu";
  readonly prefix = "bench-tofu-";
  private folder = "";
  private guests = 0;

  made(guests: number): number {
    return guests;
  }

  async version(): Promise<string> {
    const { terraform_version: tofu } = JSON.parse(await command(["tofu", "version", "-json"]));
    return `OpenTofu ${tofu} with terraform-provider-libvirt 0.8.3`;
  }

  async prepare(guests: number): Promise<void> {
    this.guests = guests;
    this.folder = await mkdtemp(join(tmpdir(), "bench-tofu-"));
    await copyFile(project, join(this.folder, "main.tf"));
    await this.tofu(["init"]);
  }

  readonly run = {
    create: () => this.tofu(["apply", "-auto-approve"]),
    preview: () => this.tofu(["plan", "-detailed-exitcode"]),
    refresh: () => this.tofu(["apply", "-refresh-only", "-auto-approve"]),
    replaceMemory: () => this.tofu(["apply", "-auto-approve"], memory.after),
    destroy: () => this.tofu(["destroy", "-auto-approve"]),
  };

  dispose(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  private async tofu([verb, ...flags]: string[], mebibytes = memory.before): Promise<void> {
    await command(["tofu", verb!, "-input=false", "-no-color", ...flags], {
      cwd: this.folder,
      env: {
        ...process.env,
        TF_VAR_guests: String(this.guests),
        TF_VAR_memory: String(mebibytes),
        TF_VAR_prefix: this.prefix,
        TF_VAR_uri: uri,
        CHECKPOINT_DISABLE: "true",
      },
    });
  }
}
