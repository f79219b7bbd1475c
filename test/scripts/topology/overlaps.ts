import { flat, type Box, type Point, type Scene, type Shape } from "../../../scripts/topology/scene";
import { textBox } from "../../../scripts/topology/text-metrics";

interface Named extends Box {
  what: string;
}

interface Stretch {
  from: Point;
  to: Point;
  class: string;
}

/** Everything in a picture that a reader would stumble over, in words. */
export function blemishes(scene: Scene): string[] {
  const shapes = flat(scene.shapes);
  const texts = shapes.flatMap((shape): Named[] =>
    shape.kind === "text" ? [{ ...textBox(shape), what: `text ${JSON.stringify(shape.text)}` }] : [],
  );
  const rects = (kind: string) =>
    shapes.flatMap((shape): Named[] =>
      shape.kind === "rect" && shape.class.split(" ")[0] === kind
        ? [{ ...shape, what: `${kind} at ${shape.x},${shape.y}` }]
        : [],
    );
  const dots = shapes.flatMap((shape): Named[] =>
    shape.kind === "dot" ? [{ x: shape.x - 4, y: shape.y - 4, width: 8, height: 8, what: "dot" }] : [],
  );
  const glyphs = shapes.flatMap((shape): Named[] =>
    shape.kind === "glyph" ? [{ x: shape.x, y: shape.y, width: 12, height: 12, what: `glyph ${shape.glyph}` }] : [],
  );
  const lines = shapes.flatMap((shape): Stretch[] =>
    shape.kind === "line" && shape.class !== "halo"
      ? shape.points.slice(1).map((to, at) => ({ from: shape.points[at]!, to, class: shape.class }))
      : [],
  );
  const [cards, hosts, bars, segments] = ["card", "host", "bar", "segment"].map(rects) as [
    Named[],
    Named[],
    Named[],
    Named[],
  ];
  const frames = rects("frame").filter(({ width }) => width > 16);
  const page = { x: 0, y: 0, width: scene.width, height: scene.height };
  return [
    ...pairs(texts, texts),
    ...pairs(texts, dots),
    ...pairs(texts, glyphs),
    ...pairs(cards, cards),
    ...pairs(hosts, hosts),
    ...pairs(bars, bars),
    ...pairs(segments, segments),
    ...pairs(cards, bars),
    ...pairs(hosts, segments),
    ...pairs(frames, frames),
    ...pairs(frames, bars),
    ...[...cards, ...bars, ...frames]
      .filter((box) => !hosts.some((host) => inside(box, host)))
      .map(({ what }) => `${what} is outside of its host`),
    ...[...texts, ...hosts, ...segments]
      .filter((box) => !inside(box, page))
      .map(({ what }) => `${what} is outside of the page`),
    ...texts.flatMap((text) =>
      [...cards, ...bars, ...segments]
        .filter((box) => overlap(text, box) && !inside(text, box))
        .map(({ what }) => `${text.what} leaves ${what}`),
    ),
    ...lines.flatMap((line) =>
      [...texts, ...cards]
        .filter((box) => crosses(line, box))
        .map(({ what }) => `a line ${line.class} from ${line.from.join()} to ${line.to.join()} crosses ${what}`),
    ),
    ...lines.flatMap((line, at) =>
      lines
        .slice(at + 1)
        .filter((other) => other.class !== line.class && runTogether(line, other))
        .map((other) => `lines ${line.class} and ${other.class} run together at ${line.from.join()}`),
    ),
    ...numbers(scene.shapes)
      .filter((number) => !Number.isInteger(number))
      .map((number) => `${number} is not a whole number`),
  ];
}

function pairs(some: readonly Named[], others: readonly Named[]): string[] {
  return some.flatMap((one, at) =>
    others
      .filter((other, place) => (some !== others || place > at) && overlap(one, other))
      .map((other) => `${one.what} and ${other.what} overlap`),
  );
}

function overlap(one: Box, other: Box): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

function inside(inner: Box, outer: Box): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

function boxOf({ from, to }: Stretch): Box {
  const [x, y] = [Math.min(from[0], to[0]), Math.min(from[1], to[1])];
  return { x, y, width: Math.max(from[0], to[0]) - x, height: Math.max(from[1], to[1]) - y };
}

/** A line may end at a card's edge; its stroke is two pixels wide. */
function crosses(line: Stretch, box: Box): boolean {
  const { x, y, width, height } = boxOf(line);
  const stroke = { x: x - 1, y: y - 1, width: width + 2, height: height + 2 };
  return overlap(stroke, { x: box.x, y: box.y + 1, width: box.width, height: box.height - 2 });
}

/** Whether two lines could be taken for one. */
function runTogether(one: Stretch, other: Stretch): boolean {
  const [a, b] = [boxOf(one), boxOf(other)];
  const close = (from: number, to: number) => Math.abs(from - to) < 6;
  if (a.width === 0 && b.width === 0) return close(a.x, b.x) && a.y < b.y + b.height && b.y < a.y + a.height;
  if (a.height === 0 && b.height === 0) return close(a.y, b.y) && a.x < b.x + b.width && b.x < a.x + a.width;
  return false;
}

function numbers(shapes: readonly Shape[]): number[] {
  return flat(shapes).flatMap((shape) => {
    if (shape.kind === "line") return shape.points.flat();
    return [shape.x, shape.y, ...(shape.kind === "rect" ? [shape.width, shape.height] : [])];
  });
}
