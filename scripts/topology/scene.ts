/** A picture as plain data, in the order in which it is painted. Lengths are pixels. */
export interface Scene {
  width: number;
  height: number;
  /** For screen readers: what the picture is, and what is in it. */
  title: string;
  description: string;
  shapes: Shape[];
}

/** `class` names the style, see style.ts. */
export type Shape =
  | { kind: "rect"; x: number; y: number; width: number; height: number; radius?: number; class: string }
  | { kind: "line"; points: Point[]; class: string }
  | { kind: "dot"; x: number; y: number; class: string }
  | Text
  | { kind: "glyph"; x: number; y: number; glyph: GlyphName; class: string }
  | { kind: "group"; title: string; class: string; shapes: Shape[] };

export type Point = [x: number, y: number];

export interface Text {
  kind: "text";
  x: number;
  /** The baseline. */
  y: number;
  /** Whether x is its middle, not its beginning. */
  centred?: boolean;
  text: string;
  font: Font;
  class: string;
}

export type Font = "title" | "heading" | "name" | "small" | "label" | "mono";

export type GlyphName = "vm" | "container" | "running" | "paused" | "shutoff" | "out" | "both" | "publish" | "jack";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export function moved(shape: Shape, dx: number, dy: number): Shape {
  if (shape.kind === "group") return { ...shape, shapes: shape.shapes.map((each) => moved(each, dx, dy)) };
  if (shape.kind === "line") return { ...shape, points: shape.points.map(([x, y]): Point => [x + dx, y + dy]) };
  return { ...shape, x: shape.x + dx, y: shape.y + dy };
}

/** Every shape that is painted, without the groups around them. */
export function flat(shapes: readonly Shape[]): Exclude<Shape, { kind: "group" }>[] {
  return shapes.flatMap((shape) => (shape.kind === "group" ? flat(shape.shapes) : [shape]));
}

/** A line through points at right angles. */
export function line(className: string, ...points: Point[]): Shape {
  return { kind: "line", points, class: className };
}

/** Where a cable is plugged into a switch of this colour. */
export function dot(colour: number, x: number, y: number): Shape {
  return { kind: "dot", x, y, class: `net${colour}` };
}

/** Words that begin at x and stand on y. */
export function words(x: number, y: number, text: string, font: Font, className: string): Shape {
  return { kind: "text", x, y, text, font, class: className };
}
