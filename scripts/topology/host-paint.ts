import { paintBand, type Canvas } from "./band-paint";
import { switchBar } from "./bar";
import { card, cardHeight, switchTooltip, type Look } from "./card";
import { bandGap, cardGap, margin, type HostPlan } from "./host-plan";
import type { VirtualSwitch } from "./model";
import { dot, line, words, type Shape } from "./scene";
import { fitted, textWidth } from "./text-metrics";

/** A cable that leaves the host at its top edge. */
export interface Lane {
  x: number;
  /** Where it ends inside. */
  y: number;
  segment: string;
  /** The interface. */
  label: string;
  class: string;
}

/** A host, drawn at the origin, in layers: what is painted first, what crosses it, and what hides both. */
export interface HostPicture {
  width: number;
  height: number;
  /** From left to right. */
  lanes: Lane[];
  back: Shape[];
  lines: Shape[];
  front: Shape[];
}

const headHeight = 48;
const emptyGap = 16;

/** The host's box is at least `tall`. */
export function paintHost(plan: HostPlan, look: Look, tall = 0): HostPicture {
  const picture: HostPicture = { width: plan.width, height: 0, lanes: [], back: [], lines: [], front: [] };
  const canvas: Canvas = { plan, look, picture, trunkTops: new Map() };
  let y = headHeight;
  let bottom = headHeight;
  let barRight = plan.right;
  let routedAbove: number | undefined;
  plan.host.switches.forEach((each, level) => {
    const { colour } = look(each.id);
    const bar = switchBar(each, colour, plan.right - plan.left - 8, switchTooltip(each));
    const lane = plan.lanes.get(each);
    const x = lane === undefined ? plan.barLeft : lane - 10;
    const trunk = plan.trunks.get(level);
    if (trunk !== undefined) {
      barRight = trunk + 8;
      picture.lines.push(line(`net${colour}`, [trunk, canvas.trunkTops.get(level)!], [trunk, y]));
      picture.front.push(dot(colour, trunk, y));
    }
    if (each.uplink && lane !== undefined)
      picture.lanes.push({ x: lane, y, segment: each.uplink.segment, label: each.uplink.label, class: `net${colour}` });
    if (each.routed) {
      route(each, y, routedAbove, canvas);
      routedAbove = y + bar.height;
    }
    picture.front.push(...bar.draw({ x, y, width: barRight - x, textX: plan.left }));
    bottom = paintBand(level, y + bar.height, canvas);
    y = bottom + (plan.bands[level]!.rows.length > 0 ? bandGap : emptyGap);
  });
  if (plan.loose.length > 0) bottom = paintLoose(y, canvas);
  picture.height = Math.max(tall, bottom + margin);
  picture.back.unshift(box(plan, picture.height));
  picture.lanes.sort((one, other) => one.x - other.x);
  return picture;
}

/** What the host routes: from the routed switch above, or else from where the host's own routes lead. */
function route(to: VirtualSwitch, y: number, above: number | undefined, { plan, picture }: Canvas): void {
  const x = plan.spine;
  const { outside } = plan.host;
  if (above !== undefined) picture.lines.push(line("route", [x, above], [x, y]));
  else if (outside !== undefined) picture.lanes.push({ x, y, segment: outside, label: "", class: "route" });
  else return;
  picture.front.push({ kind: "glyph", x: x - 5, y: y - 14, glyph: to.mode === "nat" ? "out" : "both", class: "route" });
}

function box({ host, width, left }: HostPlan, height: number): Shape {
  const room = width - margin - left;
  const name = fitted(host.name, "heading", room);
  const factsX = left + textWidth(name, "heading") + 14;
  const facts = fitted(host.facts.join(" · "), "small", width - margin - factsX);
  const told = facts !== "" && factsX + textWidth(facts, "small") <= width - margin;
  return {
    kind: "group",
    title: [host.name, ...host.connections, ...host.facts].join("\n"),
    class: "host-group",
    shapes: [
      { kind: "rect", x: 0, y: 0, width, height, radius: 10, class: "host" },
      words(left, 31, name, "heading", "text"),
      ...(told ? [words(factsX, 31, facts, "small", "muted")] : []),
    ],
  };
}

/** Guests without a NIC, below everything. Returns where they end. */
function paintLoose(top: number, { plan, look, picture }: Canvas): number {
  const text = fitted("without a NIC", "small", plan.right - plan.left);
  picture.back.push(words(plan.left, top + 8, text, "small", "muted"));
  let y = top + 18;
  for (const row of plan.loose) {
    const height = Math.max(...row.map((guest) => cardHeight(guest, look)));
    row.forEach((guest, place) => {
      const x = plan.left + place * (plan.cardWidth + cardGap);
      picture.front.push(card(guest, look, { x, y, width: plan.cardWidth, height }));
    });
    y += height + cardGap;
  }
  return y - cardGap;
}
