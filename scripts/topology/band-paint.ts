import { runs } from "./band";
import { card, cardHeight, type Look } from "./card";
import type { HostPicture } from "./host-paint";
import { bandGap, cardGap, levelsOf, trunked, type HostPlan } from "./host-plan";
import type { GuestModel } from "./model";
import { dot, line, words } from "./scene";
import { fitted, textWidth } from "./text-metrics";

/** What the parts of a host are painted on. */
export interface Canvas {
  plan: HostPlan;
  look: Look;
  picture: HostPicture;
  /** By level, where the trunk to a switch begins. */
  trunkTops: Map<number, number>;
}

/** Around the cards of one group, and below them for its name. */
const framePad = 6;
const captionHeight = 16;
const railGap = 9;
/** From a bar or rail down to a card. */
const stub = 20;
const rowGap = 16;

/** The guests under a bar that ends at `top`: the first row hangs from the bar, further ones from rails. Returns their end. */
export function paintBand(level: number, top: number, canvas: Canvas): number {
  const { plan, look, picture } = canvas;
  const { rows } = plan.bands[level]!;
  const { colour } = look(plan.host.switches[level]!.id);
  const net = `net${colour}`;
  let y = top;
  rows.forEach((row, at) => {
    const feed = y;
    const centers = row.map((_, place) => cardX(plan, place) + Math.round(plan.cardWidth / 2));
    if (at > 0) picture.lines.push(line(net, [plan.riser, top], [plan.riser, feed], [centers.at(-1)!, feed]));
    if (at === 1) picture.front.push(dot(colour, plan.riser, top));
    for (const x of centers) {
      picture.lines.push(line(net, [x, feed], [x, feed + stub]));
      picture.front.push(dot(colour, x, feed));
    }
    y = paintRow(level, row, feed + stub, canvas) + (at < rows.length - 1 ? rowGap : 0);
  });
  return y;
}

function cardX(plan: HostPlan, place: number): number {
  return plan.left + place * (plan.cardWidth + cardGap);
}

/** Cards, the frames of groups, and the cables that leave at the cards' bottom. Returns where all of it ends. */
function paintRow(level: number, row: readonly GuestModel[], y: number, canvas: Canvas): number {
  const { plan, look, picture } = canvas;
  const height = Math.max(...row.map((guest) => cardHeight(guest, look)));
  row.forEach((guest, place) =>
    picture.front.push(card(guest, look, { x: cardX(plan, place), y, width: plan.cardWidth, height })),
  );
  const bottom = y + height;
  const cables = lowerCables(plan, level, row);
  const frames = runs(row).map(({ group, from, to }) => {
    const x = cardX(plan, from) - framePad;
    const width = cardX(plan, to) + plan.cardWidth + framePad - x;
    const firstCable = cables.find(({ place }) => place >= from && place <= to)?.x ?? x + width;
    return { x, width, group, room: firstCable - x - 16 };
  });
  for (const { x, width, group, room } of frames) {
    const frame = { x, y: y - framePad, width, height: height + 2 * framePad + captionHeight };
    picture.back.push({ kind: "rect", ...frame, radius: 8, class: "frame" });
    const long = `${group.name} · ${group.kind.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase()}`;
    const text = textWidth(long, "small") <= room ? long : fitted(group.name, "small", room);
    // Where cables leave no room, the tooltip has the name.
    if (textWidth(text, "small") <= room) picture.back.push(words(x + 9, bottom + 16, text, "small", "muted"));
  }
  return paintCables(cables, bottom, bottom + (frames.length > 0 ? framePad + captionHeight : 0), canvas);
}

interface Cable {
  /** Of the guest in its row. */
  place: number;
  x: number;
  /** The switch's level. */
  to: number;
  /** Whether the switch is the next bar down, and nothing in between. */
  direct: boolean;
}

/** Each card's from the nearest switch to the furthest. */
function lowerCables(
  { host, cardWidth, bands, ...plan }: HostPlan,
  level: number,
  row: readonly GuestModel[],
): Cable[] {
  return row.flatMap((guest, place) => {
    const levels = levelsOf(host, guest);
    const far = trunked(bands[level]!, level, levels, guest);
    const lower = levels.slice(1);
    const apart = Math.min(14, Math.floor((cardWidth - 32) / lower.length));
    const right = plan.left + place * (cardWidth + cardGap) + cardWidth - 16;
    return lower.map((to, at) => ({
      place,
      to,
      x: right - apart * (lower.length - 1 - at),
      direct: !far.includes(to),
    }));
  });
}

/** Leads cables to the next bar, or to a rail under the row, one for each switch, and on to the switch's trunk. */
function paintCables(cables: readonly Cable[], from: number, rowBottom: number, canvas: Canvas): number {
  const { plan, look, picture, trunkTops } = canvas;
  const colourOf = (to: number) => look(plan.host.switches[to]!.id).colour;
  const lead = ({ x, to }: Cable, y: number) => {
    picture.lines.push(line(`net${colourOf(to)}`, [x, from], [x, y]));
    picture.front.push(dot(colourOf(to), x, y));
  };
  const far = cables.filter(({ direct }) => !direct);
  // The furthest switch has the highest rail and the outermost trunk: so rails and trunks of one row do not cross.
  const targets = [...new Set(far.map(({ to }) => to))].sort((one, other) => other - one);
  targets.forEach((to, at) => {
    const y = rowBottom + railGap * (at + 1);
    const trunk = plan.trunks.get(to)!;
    const own = far.filter((cable) => cable.to === to);
    picture.lines.push(line(`net${colourOf(to)}`, [own[0]!.x, y], [trunk, y]));
    for (const cable of own) lead(cable, y);
    if (trunkTops.has(to)) picture.front.push(dot(colourOf(to), trunk, y));
    else trunkTops.set(to, y);
  });
  const bottom = rowBottom + railGap * targets.length;
  for (const cable of cables) if (cable.direct) lead(cable, bottom + bandGap);
  return bottom;
}
