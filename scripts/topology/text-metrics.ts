import type { Box, Font, Text } from "./scene";

interface FontStyle {
  size: number;
  weight?: number;
  mono?: boolean;
}

export const fonts: { [Name in Font]: FontStyle } = {
  title: { size: 24, weight: 700 },
  heading: { size: 16, weight: 700 },
  name: { size: 13, weight: 600 },
  small: { size: 11.5 },
  label: { size: 11.5, weight: 600 },
  mono: { size: 11.5, mono: true },
};

// Advance widths in em, as upper bounds over the fonts that browsers put in for sans-serif (DejaVu Sans is the widest of
// them), so that a text fits wherever it is shown. Fixed-width fonts have one width, of 0.6 em.
const classes: [RegExp, number][] = [
  [/[ ·]/, 0.33],
  [/[ijl|'.,:;()[\]]/, 0.4],
  [/[frt\-/"]/, 0.46],
  [/[mwMW@%—→…]/, 1],
  [/[A-Z&+=<>#~]/, 0.8],
  [/[\x20-\x7e]/, 0.65],
];
const bold = 1.1;

/** How wide a text is at most. */
export function textWidth(text: string, font: Font): number {
  const { size, weight = 400, mono } = fonts[font];
  const ems = [...text].reduce((sum, character) => sum + advance(character, mono), 0);
  return Math.ceil(ems * size * (weight > 400 && !mono ? bold : 1));
}

function advance(character: string, mono: boolean | undefined): number {
  const known = classes.find(([pattern]) => pattern.test(character));
  // Anything else may be an ideograph or a picture, a full square.
  if (!known) return 1.05;
  return mono ? 0.61 : known[1];
}

/** The text, or as much of it as fits, with an ellipsis: in the middle of an address, whose ends tell more. */
export function fitted(text: string, font: Font, width: number): string {
  if (textWidth(text, font) <= width) return text;
  const characters = [...text];
  for (let kept = characters.length - 1; kept > 1; kept--) {
    const tail = fonts[font].mono ? Math.floor(kept / 2) : 0;
    const short = [...characters.slice(0, kept - tail), "…", ...characters.slice(characters.length - tail)].join("");
    if (textWidth(short, font) <= width) return short;
  }
  return "…";
}

/** The space that a text takes. */
export function textBox({ x, y, centred, text, font }: Text): Box {
  const { size } = fonts[font];
  const width = textWidth(text, font);
  return { x: centred ? x - width / 2 : x, y: y - Math.ceil(size * 0.8), width, height: Math.ceil(size) };
}
