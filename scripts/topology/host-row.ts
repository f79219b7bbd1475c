import { segmentBar } from "./bar";
import type { HostPicture, Lane } from "./host-paint";
import type { HostModel, Segment } from "./model";
import { line, moved, words, type Box, type Shape } from "./scene";
import { fitted } from "./text-metrics";

export interface Placed {
  host: HostModel;
  picture: HostPicture;
  x: number;
}

/** By segment, the cable at the left of the page that leads it to further rows of hosts, and where the last bar ended. */
export type Trunks = Map<string, { x: number; from?: number }>;

/** Below a segment's bar, for the names of the uplinks. */
const uplinkGap = 28;

export function reaches(host: HostModel, { id }: Segment): boolean {
  return host.outside === id || host.switches.some(({ uplink }) => uplink?.segment === id);
}

/** The segments that some hosts are on, and below them the hosts, side by side. */
export function paintRow(
  segments: readonly Segment[],
  placed: readonly Placed[],
  top: number,
  trunks: Trunks,
): { shapes: Shape[]; bottom: number } {
  const bars = segmentBars(segments, placed, top, trunks);
  const boxes = [...bars.boxes.values()];
  const shapes = [...bars.shapes, ...bars.trunks.flatMap(([x, from, to]) => cable(x, from, to, "wire", boxes))];
  const hostTop = bars.bottom + 6;
  const moveTo = (x: number) => (shape: Shape) => moved(shape, x, hostTop);
  for (const { picture, x } of placed) shapes.push(...picture.back.map(moveTo(x)));
  for (const { picture, x } of placed) {
    for (const lane of picture.lanes) {
      const { y, height } = bars.boxes.get(lane.segment)!;
      shapes.push(...cable(x + lane.x, y + height, hostTop + lane.y, lane.class, boxes));
      shapes.push(...socket(lane, x, y + height, hostTop, picture.width));
    }
    shapes.push(...[...picture.lines, ...picture.front].map(moveTo(x)));
  }
  return { shapes, bottom: hostTop + Math.max(...placed.map(({ picture }) => picture.height)) };
}

interface SegmentBars {
  shapes: Shape[];
  boxes: Map<string, Box>;
  /** [x, from, to] of cables to the bars of an earlier row. */
  trunks: [number, number, number][];
  bottom: number;
}

/** Each as low as the segments above it allow that are over the same hosts. */
function segmentBars(
  segments: readonly Segment[],
  placed: readonly Placed[],
  top: number,
  trunks: Trunks,
): SegmentBars {
  const made: SegmentBars = { shapes: [], boxes: new Map(), trunks: [], bottom: top };
  const tops = placed.map(() => top);
  for (const segment of segments) {
    const on = placed.flatMap(({ host }, at) => (reaches(host, segment) ? [at] : []));
    if (on.length === 0) continue;
    const [first, last] = [on[0]!, on.at(-1)!];
    const textX = laneTo(placed[first]!, segment) + 8;
    const bar = segmentBar(segment, right(placed[first]!) - textX - 10);
    const trunk = trunks.get(segment.id);
    const x = trunk ? trunk.x - 8 : textX - 20;
    const begin = trunk ? 0 : first;
    const y = Math.max(...tops.slice(begin, last + 1));
    const box = { x, y, width: right(placed[last]!) - x, height: bar.height };
    made.shapes.push(...bar.draw({ ...box, textX }));
    made.boxes.set(segment.id, box);
    tops.fill(y + bar.height + uplinkGap, begin, last + 1);
    if (trunk?.from !== undefined) made.trunks.push([trunk.x, trunk.from, y]);
    if (trunk) trunk.from = y + bar.height;
  }
  made.bottom = Math.max(...tops);
  return made;
}

function right({ x, picture }: Placed): number {
  return x + picture.width;
}

function laneTo({ x, picture }: Placed, { id }: Segment): number {
  return x + picture.lanes.find(({ segment }) => segment === id)!.x;
}

/** A cable straight down, which passes over the bars that it has nothing to do with. */
function cable(x: number, from: number, to: number, className: string, bars: readonly Box[]): Shape[] {
  const crossed = bars.filter((bar) => bar.x < x && x < bar.x + bar.width && from < bar.y && bar.y + bar.height < to);
  return [
    ...crossed.map(({ y, height }) => line("halo", [x, y - 2], [x, y + height + 2])),
    line(className, [x, from], [x, to]),
  ];
}

/** The interface: at the host's edge its socket, at the segment its name. */
function socket(lane: Lane, x: number, segmentBottom: number, hostTop: number, hostWidth: number): Shape[] {
  const at = x + lane.x;
  const text = fitted(lane.label, "mono", hostWidth - lane.x - 14);
  return [
    { kind: "glyph", x: at - 6, y: hostTop - 5, glyph: "jack", class: lane.class },
    ...(text ? [words(at + 7, segmentBottom + 17, text, "mono", "text")] : []),
  ];
}
