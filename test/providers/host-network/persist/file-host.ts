import { posix } from "node:path";
import type { HostFiles, Persistence } from "../../../../providers/host-network/persist/renderer";
import { FakeMachine } from "../../machine/fake-machine";

/** A host's files in memory, and what the caller of a renderer does with them. */
export class FileHost extends FakeMachine implements HostFiles {
  constructor(files: { [path: string]: string } = {}) {
    super("host kvm1");
    for (const [path, content] of Object.entries(files)) this.file(path, content);
  }

  list(folder: string): Promise<string[]> {
    const names = [...this.files.keys()]
      .filter((path) => path.startsWith(`${folder.replace(/\/$/, "")}/`))
      .map((path) => path.slice(folder.replace(/\/$/, "").length + 1).split("/")[0]!);
    return Promise.resolve([...new Set(names)]);
  }

  /** Returns the files that are ours from now on. */
  async store({ files, remove }: Persistence): Promise<string[]> {
    for (const path of remove) await this.remove(path);
    for (const { path, content, mode } of files) {
      this.folder(posix.dirname(path));
      await this.write(path, content, { mode });
    }
    return files.flatMap(({ path, foreign }) => (foreign ? [] : path));
  }

  /** Everything below /etc, for comparing before and after. */
  get etc(): { [path: string]: string } {
    const files = [...this.files].filter(([path, { type }]) => path.startsWith("/etc/") && type === "file");
    return Object.fromEntries(files.sort().map(([path, { content }]) => [path, content.toString()]));
  }
}
