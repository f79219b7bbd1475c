import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { command } from "./command";

const repository = resolve(__dirname, "../..");

/** What scripts/environment.sh sets for npm's scripts. */
export async function scriptsEnvironment(): Promise<NodeJS.ProcessEnv> {
  const script = join(repository, "scripts/environment.sh");
  if (!existsSync(script)) return process.env;
  const printed = await command(["bash", "-c", '. "$1" && env -0', "bash", script]);
  const pairs = printed.split("\0").filter((line) => line.includes("="));
  return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}
