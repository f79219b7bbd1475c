import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { mermaid } from "./mermaid";
import { defaultWidth, drawTopology } from "./page";
import { readTopology } from "./read-topology";
import type { SegmentName } from "./segments";
import { readState, stackOf } from "./state";
import { svg } from "./svg";

/** What the command works with. */
export interface Surroundings {
  exportedState(stack: string): string;
  say(text: string): void;
  print(text: string): void;
}

interface Options {
  stack: string;
  state?: string;
  output?: string;
  asMermaid: boolean;
  width: number;
  segments: SegmentName[];
}

/** `npm run topology`; returns the exit code. See scripts/topology.ts for the arguments. */
export function topologyCommand(argv: string[], around: Surroundings): number {
  let chosen: Options;
  try {
    chosen = options(argv);
  } catch (error) {
    around.say(`topology: ${(error as Error).message}`);
    return 2;
  }
  try {
    const picture = draw(chosen, around);
    if (chosen.output === undefined) around.print(picture);
    else writeFileSync(chosen.output, picture);
    return 0;
  } catch (error) {
    around.say(`topology: ${(error as Error).message}`);
    return 1;
  }
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

function draw({ stack, state, asMermaid, width, segments }: Options, { exportedState }: Surroundings): string {
  const source = state ?? `stack ${stack}`;
  const resources = readState(state === undefined ? exportedState(stack) : readFileSync(state, "utf8"), source);
  const topology = readTopology(stackOf(resources) ?? stack, resources, segments);
  if (!topology)
    throw new Error(
      `${source} has no host, network or guest to draw. Fix: \`npm run up -- --stack ${stack}\` first, or name another stack`,
    );
  return asMermaid ? mermaid(topology) : svg(drawTopology(topology, width));
}
