import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { diffTables } from "../providers/handlers";
import { reportPreview, type Preview } from "./preview-report";

/**
 * `npm run preview -- --markdown [--stack NAME]`: prints the preview as one comment, exits with 1 when it failed.
 * Everything but the comment goes to standard error.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { stack: { type: "string" }, markdown: { type: "boolean" } } });
  const stack = values.stack ?? process.env["PULUMI_STACK"] ?? "dev";
  const { exitCode, stdout } = await run("pulumi", ["preview", "--json", "--non-interactive", "--stack", stack]);
  let preview: Preview;
  try {
    preview = JSON.parse(stdout) as Preview;
  } catch {
    process.stderr.write(`pulumi preview of ${stack} printed no preview (exit code ${exitCode})\n${stdout}\n`);
    return 1;
  }
  process.stdout.write(reportPreview(stack, preview, diffTables()));
  return exitCode === 0 ? 0 : 1;
}

function run(command: string, args: string[]): Promise<{ exitCode: number; stdout: string }> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const pieces: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 1, stdout: Buffer.concat(pieces).toString() }));
  });
}

void main().then((code) => (process.exitCode = code));
