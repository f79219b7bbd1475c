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
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { mermaid } from "./topology/mermaid";
import { defaultWidth, drawTopology } from "./topology/page";
import { readTopology } from "./topology/read-topology";
import type { SegmentName } from "./topology/segments";
import { readState, stackOf } from "./topology/state";
import { svg } from "./topology/svg";

interface Options {
  stack: string;
  state?: string;
  output?: string;
  asMermaid: boolean;
  width: number;
  segments: SegmentName[];
}

function options(argv: string[]): Options {
  const { values } = parseArgs({
    args: argv,
    options: {
      stack: { type: "string" },
      state: { type: "string" },
      output: { type: "string" },
      mermaid: { type: "boolean" },
      width: { type: "string" },
      segment: { type: "string", multiple: true },
    },
  });
  const width = values.width === undefined ? defaultWidth : Number(values.width);
  if (!Number.isInteger(width) || width < 680 || width > 10_000)
    throw new TypeError(
      `--width: got ${JSON.stringify(values.width)}. Allowed: pixels, a whole number from 680 to 10000`,
    );
  return {
    stack: values.stack ?? process.env["PULUMI_STACK"] ?? "dev",
    state: values.state,
    output: values.output,
    asMermaid: values.mermaid ?? values.output?.endsWith(".mmd") ?? false,
    width,
    segments: (values.segment ?? []).map(segmentName),
  };
}

function segmentName(text: string): SegmentName {
  const [, name, members] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || members === undefined)
    throw new TypeError(
      `--segment: got ${JSON.stringify(text)}. Allowed: NAME=SUBNET or NAME=HOST/BRIDGE,HOST/BRIDGE, e.g. WAN=kvm1/br1`,
    );
  return { name, members: members.split(",") };
}

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

function draw({ stack, state, asMermaid, width, segments }: Options): string {
  const source = state ?? `stack ${stack}`;
  const resources = readState(state === undefined ? exportedState(stack) : readFileSync(state, "utf8"), source);
  const topology = readTopology(stackOf(resources) ?? stack, resources, segments);
  if (!topology)
    throw new Error(
      `${source} has no host, network or guest to draw. Fix: \`npm run up -- --stack ${stack}\` first, or name another stack`,
    );
  return asMermaid ? mermaid(topology) : svg(drawTopology(topology, width));
}

function main(argv: string[]): number {
  let chosen: Options;
  try {
    chosen = options(argv);
  } catch (error) {
    console.error(`topology: ${(error as Error).message}`);
    return 2;
  }
  try {
    const picture = draw(chosen);
    if (chosen.output === undefined) process.stdout.write(picture);
    else writeFileSync(chosen.output, picture);
    return 0;
  } catch (error) {
    console.error(`topology: ${(error as Error).message}`);
    return 1;
  }
}

process.exitCode = main(process.argv.slice(2));
