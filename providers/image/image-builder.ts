import { OperatorError } from "../dynamic/errors";
import type { Machine } from "../machine/machine";
import { buildArgv } from "./build-script";
import { inSlot } from "./build-slots";
import { explain, ranOutOfSpace } from "./build-error";
import { ImageFiles } from "./image-files";
import type { Recipe } from "./recipe";

/** The files of a bootstrapped image; the disk image or the folder, put there last, comes last. */
export const bootstrapParts = {
  qcow2: ["-vmlinuz", "-initrd", ".manifest", ".qcow2"],
  directory: [".manifest", ".root"],
} as const;

/** What mmdebstrap says as it goes on, in words for those who wait. */
const stages: [RegExp, string][] = [
  [/^I: running apt-get update/, "reading package lists"],
  [/^I: downloading packages/, "downloading the base system"],
  [/^I: extracting archives/, "unpacking the base system"],
  [/^I: installing essential packages/, "installing the base system"],
  [/^I: installing remaining packages/, "installing packages"],
  [/^I: running --customize-hook/, "customising"],
];

export interface BuildOptions {
  signal?: AbortSignal;
  /** Milliseconds, from when its turn comes. Default half an hour. */
  timeout?: number;
  progress(message: string): void;
}

/** Builds images on a machine: whole or not at all, as many at once as it has room for, and nothing where it is there. */
export class ImageBuilder {
  constructor(private readonly machine: Machine) {}

  /** Returns whether it had to be built. Throws OperatorError with what went wrong and what to do. */
  async build(recipe: Recipe, directory: string, options: BuildOptions): Promise<boolean> {
    const files = new ImageFiles(this.machine, directory, recipe.name, bootstrapParts[recipe.format]);
    if ((await files.inspect(options.signal)).whole) return false;
    const users = await files.users(options.signal);
    if (users.length > 0)
      throw new OperatorError(
        `${files.main} is not whole, and disks are overlays of it, which a new one would corrupt: ${users.join(", ")}`,
        { fix: "restore its files, or remove these disks" },
      );
    const waiting = () => options.progress("waiting for other images");
    await inSlot(this.machine, waiting, () => this.inMemoryOrOnDisk(recipe, directory, options));
    return true;
  }

  private async inMemoryOrOnDisk(recipe: Recipe, directory: string, options: BuildOptions): Promise<void> {
    try {
      await this.run(recipe, directory, "memory", options);
    } catch (error) {
      if (!ranOutOfSpace(error)) throw explain(error, this.machine.label);
      options.progress("memory is short, starting again on the disk");
      await this.run(recipe, directory, "disk", options).catch((again: unknown) => {
        throw explain(again, this.machine.label);
      });
    }
  }

  private async run(recipe: Recipe, directory: string, scratch: "memory" | "disk", options: BuildOptions) {
    const began = Date.now();
    const show = (stage: string) => options.progress(`${stage} (${((Date.now() - began) / 1000).toFixed(0)} s)`);
    const lines = { stdout: new Lines(), stderr: new Lines() };
    await this.machine.run([...buildArgv(recipe.format), "sh", directory, recipe.name, String(recipe.size), scratch], {
      stdin: recipe.archive,
      signal: options.signal,
      timeout: options.timeout ?? 1_800_000,
      onOutput(stream, data) {
        for (const line of lines[stream].of(data)) {
          const own = stream === "stdout" && /^stage (.*)/.exec(line)?.[1];
          const known = own || stages.find(([pattern]) => pattern.test(line))?.[1];
          if (known) show(known);
        }
      },
    });
  }
}

/** Cuts a stream into lines. */
class Lines {
  private rest = "";

  of(data: Buffer): string[] {
    const lines = (this.rest + data.toString()).split("\n");
    this.rest = lines.pop()!;
    return lines;
  }
}
