import { element, serialize, type Content, type Element } from "../../providers/libvirt/xml/document";
import type { GlyphName, Scene, Shape } from "./scene";
import { styleSheet } from "./style";

/** Outlines in a square of 14, made of the elements of SVG. */
const glyphs: { [Name in GlyphName]: () => Element[] } = {
  vm: () => [
    element("rect", { x: 0.7, y: 1, width: 12.6, height: 8.6, rx: 1.4 }),
    element("path", { d: "M7 9.6v3.2M3.8 12.8h6.4" }),
  ],
  container: () => [
    element("rect", { x: 0.7, y: 2, width: 12.6, height: 10, rx: 1 }),
    element("path", { d: "M3.9 4.4v5.2M7 4.4v5.2M10.1 4.4v5.2" }),
  ],
  running: () => [element("circle", { cx: 6, cy: 6, r: 4.5 })],
  paused: () => [
    element("rect", { x: 2, y: 2, width: 3, height: 9 }),
    element("rect", { x: 7.5, y: 2, width: 3, height: 9 }),
  ],
  shutoff: () => [element("circle", { cx: 6, cy: 6, r: 4 })],
  out: () => [element("path", { d: "M5 0l5 8h-10z" })],
  both: () => [element("path", { d: "M5 0l4 5.5h-8zM5 13l4-5.5h-8z" })],
  publish: () => [element("path", { d: "M0 7h9M5.5 3.5l3.5 3.5-3.5 3.5M12.5 2v10" })],
  jack: () => [element("path", { d: "M0 0h12v10h-12z" })],
};

/** The picture as an SVG document, one element a line. */
export function svg(scene: Scene): string {
  const { width, height, title, description } = scene;
  const root = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-labelledby": "title description",
    },
    ...lines([
      element("title", { id: "title" }, printable(title)),
      element("desc", { id: "description" }, printable(description)),
      element("style", {}, `\n${styleSheet()}\n`),
      element("rect", { class: "page", width, height }),
      ...scene.shapes.map(draw),
    ]),
  );
  return `${serialize(root)}\n`;
}

function lines(elements: readonly Element[]): Content[] {
  return elements.flatMap((each) => ["\n", each]).concat("\n");
}

function draw(shape: Shape): Element {
  switch (shape.kind) {
    case "group":
      return element(
        "g",
        { class: shape.class },
        ...lines([element("title", {}, printable(shape.title)), ...shape.shapes.map(draw)]),
      );
    case "rect": {
      const { x, y, width, height, radius, class: className } = shape;
      return element("rect", { class: className, x, y, width, height, rx: radius });
    }
    case "line":
      return element("path", {
        class: `line ${shape.class}`,
        d: `M${shape.points.map(([x, y]) => `${x} ${y}`).join("L")}`,
      });
    case "dot":
      return element("circle", { class: `dot ${shape.class}`, cx: shape.x, cy: shape.y, r: 4 });
    case "text":
      return element(
        "text",
        {
          class: `${shape.font} ${shape.class}`,
          x: shape.x,
          y: shape.y,
          "text-anchor": shape.centred ? "middle" : undefined,
        },
        printable(shape.text),
      );
    case "glyph":
      return element(
        "g",
        { class: `glyph ${shape.class}`, transform: `translate(${shape.x} ${shape.y})` },
        ...glyphs[shape.glyph](),
      );
  }
}

/** XML has no way to say control characters and halves of surrogate pairs. */
function printable(text: string): string {
  return text.toWellFormed().replace(/[^\P{Cc}\n\t]|[\ufffe\uffff]/gu, "\ufffd");
}
