import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { diffTables } from "../providers/handlers";
import { reportPreview, type Preview } from "./preview-report";
import { topologyDetails } from "./topology/comment";
import { plannedResources } from "./topology/planned";
import { readTopology } from "./topology/read-topology";
import { readState } from "./topology/state";

/**
 * `npm run preview -- --markdown [--topology] [--stack NAME]`: prints the preview as one comment, with what the stack would
 * look like if asked; exits with 1 when the preview failed. Everything but the comment goes to standard error.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { stack: { type: "string" }, markdown: { type: "boolean" }, topology: { type: "boolean" } },
  });
  const stack = values.stack ?? process.env["PULUMI_STACK"] ?? "dev";
  const { exitCode, stdout } = await run("pulumi", ["preview", "--json", "--non-interactive", "--stack", stack]);
  let preview: Preview;
  try {
    preview = JSON.parse(stdout) as Preview;
  } catch {
    process.stderr.write(`pulumi preview of ${stack} printed no preview (exit code ${exitCode})\n${stdout}\n`);
    return 1;
  }
  const report = reportPreview(stack, preview, diffTables());
  const picture = values.topology && exitCode === 0 ? await plannedTopology(stack, preview, report.length) : "";
  process.stdout.write(`${report}${picture && `\n${picture}`}`);
  return exitCode === 0 ? 0 : 1;
}

/** A comment without its picture is better than none. */
async function plannedTopology(stack: string, preview: Preview, length: number): Promise<string> {
  try {
    const { stdout } = await run("pulumi", ["stack", "export", "--stack", stack]);
    const resources = plannedResources(readState(stdout, `stack ${stack}`), preview);
    return topologyDetails({ stack, planned: readTopology(stack, resources) }, length);
  } catch (error) {
    process.stderr.write(`the preview's comment has no topology: ${(error as Error).message}\n`);
    return "";
  }
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
