// Draws a stack from its state: hosts, what they are wired to, bridges, networks and guests.
//
//   npm run topology [-- --stack NAME] [--mermaid] [--output FILE] [--width PIXELS] [--segment NAME=MEMBER[,MEMBER]]...
//   npm run topology -- --state FILE ...
//
// It writes an SVG, or with --mermaid (or a FILE that ends in .mmd) a flowchart for Mermaid, to FILE or standard output.
// --state draws what an earlier `pulumi stack export` wrote, and needs no access to the stack. --segment gives a wire
// outside the hosts a name, by its subnet or by bridges on it: --segment WAN=kvm1/br1,kvm2/br1. Exits with 1 when there is
// nothing to draw, with 2 on wrong arguments.
import { spawnSync } from "node:child_process";
import { topologyCommand } from "./topology/command";

function exportedState(stack: string): string {
  const { status, stdout, error } = spawnSync("pulumi", ["stack", "export", "--stack", stack], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1024 ** 3,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`pulumi stack export of ${stack} ended with exit code ${status}`);
  return stdout;
}

process.exitCode = topologyCommand(process.argv.slice(2), {
  exportedState,
  say: (text) => console.error(text),
  print: (text) => process.stdout.write(text),
});
