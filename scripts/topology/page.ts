import { cardWidths, naturalCardWidth, type Look } from "./card";
import { paintHost, type HostPicture } from "./host-paint";
import { planHost, type Frame } from "./host-plan";
import { paintRow, reaches, type Placed, type Trunks } from "./host-row";
import { legend } from "./legend";
import type { HostModel, Segment, Topology, VirtualSwitch } from "./model";
import { words, type Font, type Scene, type Shape } from "./scene";
import { fitted } from "./text-metrics";

/** The width that a picture takes at most, unless a host with one guest in a row is wider. */
export const defaultWidth = 1600;
const leastWidth = 680;
const margin = 32;
const headHeight = 92;
const hostGap = 32;
const rowGap = 44;
/** Between the cables at the left of the page that lead a segment to a further row of hosts. */
const trunkGap = 16;
/** The least that a host's box is worth drawing in beside others. */
const hostLeast = 440;
export const colours = 8;

/** The whole picture of a stack. */
export function drawTopology(topology: Topology, pageWidth = defaultWidth): Scene {
  const look = lookOf(topology);
  const cardWidth = Math.max(
    cardWidths.least,
    ...topology.hosts.flatMap(({ guests }) => guests.map((guest) => naturalCardWidth(guest, look))),
  );
  const rows = rowsOfHosts(topology.hosts, cardWidth, pageWidth);
  const trunks = trunksOf(topology.segments, rows);
  const left = margin + trunks.size * trunkGap;
  const perRow = rows[0]!.length;
  const widest = Math.floor((pageWidth - left - margin - (perRow - 1) * hostGap) / perRow);
  const least = { cardWidth, widest, narrowest: perRow > 1 ? hostLeast : leastWidth - left - margin };
  const hostWidth = Math.max(...topology.hosts.map((host) => planHost(host, least).width));
  const shapes: Shape[] = [];
  let y = headHeight;
  for (const row of rows) {
    const pictures = paintHosts(row, { ...least, narrowest: hostWidth }, look);
    const placed = row.map((host, at): Placed => ({
      host,
      picture: pictures[at]!,
      x: left + at * (hostWidth + hostGap),
    }));
    const painted = paintRow(topology.segments, placed, y, trunks);
    shapes.push(...painted.shapes);
    y = painted.bottom + rowGap;
  }
  const width = Math.max(leastWidth, left + perRow * (hostWidth + hostGap) - hostGap + margin);
  const head = (y: number, text: string, font: Font, className: string) =>
    words(margin, y, fitted(text, font, width - 2 * margin), font, className);
  const closing = legend(topology, margin, y - rowGap + 30, width - 2 * margin);
  return {
    width,
    height: closing.bottom + 20,
    title: `Topology of stack ${topology.stack}`,
    description: `${counts(topology).join(", ")}.`,
    shapes: [
      head(48, topology.stack, "title", "text"),
      head(70, counts(topology).join(" · "), "small", "muted"),
      ...shapes,
      ...closing.shapes,
    ],
  };
}

/** Hosts side by side are equally tall. */
function paintHosts(hosts: readonly HostModel[], frame: Frame, look: Look): HostPicture[] {
  const plans = hosts.map((host) => planHost(host, frame));
  const tallest = Math.max(...plans.map((plan) => paintHost(plan, look).height));
  return plans.map((plan) => paintHost(plan, look, tallest));
}

function counts({ hosts, segments }: Topology): string[] {
  const switches = hosts.flatMap((host) => host.switches);
  const numbers: [number, string][] = [
    [hosts.length, "host"],
    [segments.filter(({ declared }) => declared).length, "segment"],
    [switches.filter(({ kind }) => kind === "bridge").length, "bridge"],
    [switches.filter(({ kind }) => kind === "network").length, "network"],
    [hosts.flatMap(({ guests }) => guests).length, "guest"],
  ];
  return numbers.filter(([count]) => count > 0).map(([count, noun]) => `${count} ${noun}${count === 1 ? "" : "s"}`);
}

/** A colour for each segment that bridges are on, and for each name of a network; names that switches have on cards. */
function lookOf({ hosts }: Topology): Look {
  const keyOf = (of: VirtualSwitch) => of.uplink?.segment ?? of.name;
  const switches = hosts.flatMap((host) => host.switches);
  const keys = [...new Set(switches.map(keyOf))];
  const looks = new Map(
    switches.map((each) => [each.id, { colour: keys.indexOf(keyOf(each)) % colours, label: each.name }]),
  );
  return (id) => looks.get(id)!;
}

/** As many hosts side by side as fit, rows about equally long. */
function rowsOfHosts(hosts: readonly HostModel[], cardWidth: number, pageWidth: number): HostModel[][] {
  const needed = Math.max(hostLeast, 2 * cardWidth + 130);
  const fit = Math.max(1, Math.floor((pageWidth - 2 * margin + hostGap) / (needed + hostGap)));
  const rows = Math.ceil(hosts.length / fit);
  const each = Math.ceil(hosts.length / rows);
  return Array.from({ length: rows }, (_, at) => hosts.slice(at * each, (at + 1) * each));
}

/** The segments on which hosts of several rows are: each has a cable at the left of the page, the highest the leftmost. */
function trunksOf(segments: readonly Segment[], rows: readonly HostModel[][]): Trunks {
  const shared = segments.filter((each) => rows.filter((row) => row.some((host) => reaches(host, each))).length > 1);
  return new Map(shared.map(({ id }, at) => [id, { x: margin + at * trunkGap + 8 }]));
}
