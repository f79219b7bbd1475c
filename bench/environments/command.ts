import { execFile } from "node:child_process";

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Runs argv and resolves with what it printed; rejects with all of it when it fails. */
export function command(argv: readonly string[], { cwd, env = process.env }: CommandOptions = {}): Promise<string> {
  const [file, ...rest] = argv as [string, ...string[]];
  return new Promise((resolve, reject) => {
    execFile(file, rest, { cwd, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${argv.join(" ")} failed: ${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}
