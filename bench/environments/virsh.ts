import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./command";
import type { Contender } from "./contender";
import { guestXML, memory, type PowerState, uri } from "./guest";

/** A loop over virsh, one process a step, as a shell script does it. */
export class Virsh implements Contender {
  readonly name = "virsh loop";
  readonly prefix = "bench-virsh-";
  private folder = "";
  private guests: string[] = [];

  constructor(private readonly state: PowerState) {}

  made(guests: number): number {
    return guests;
  }

  async version(): Promise<string> {
    return `virsh ${(await command(["virsh", "--version"])).trim()}`;
  }

  async prepare(guests: number): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), "bench-virsh-"));
    this.guests = Array.from({ length: guests }, (_, index) => `${this.prefix}${index}`);
    for (const guest of this.guests) await writeFile(join(this.folder, guest), guestXML(guest, this.state));
    await writeFile(join(this.folder, "changed"), guestXML(this.guests[0]!, this.state, memory.after));
  }

  readonly run = {
    create: async () => {
      for (const guest of this.guests) await this.start(guest, guest);
    },
    preview: () => this.look(),
    refresh: () => this.look(),
    memory: async () => {
      await this.virsh("setmem", this.guests[0]!, `${memory.after}MiB`, "--live", "--config");
    },
    replaceMemory: async () => {
      const guest = this.guests[0]!;
      await this.virsh("destroy", guest);
      await this.virsh("undefine", guest);
      await this.start(guest, "changed");
    },
    destroy: async () => {
      for (const guest of this.guests) {
        await this.virsh("destroy", guest);
        await this.virsh("undefine", guest);
      }
    },
  };

  dispose(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  private async start(guest: string, file: string): Promise<void> {
    await this.virsh("define", join(this.folder, file));
    await this.virsh("start", guest, ...(this.state === "paused" ? ["--paused"] : []));
  }

  /** What tells whether a guest is as declared. */
  private async look(): Promise<void> {
    for (const guest of this.guests) {
      await this.virsh("dumpxml", guest, "--inactive");
      await this.virsh("dominfo", guest);
    }
  }

  private virsh(...args: string[]): Promise<string> {
    return command(["virsh", "--quiet", "--connect", uri, ...args]);
  }
}
