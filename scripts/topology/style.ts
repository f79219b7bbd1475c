import { fonts } from "./text-metrics";

interface Theme {
  page: string;
  host: string;
  card: string;
  border: string;
  edge: string;
  text: string;
  muted: string;
  segment: string;
  running: string;
  paused: string;
  nets: string[];
}

// The colours of switches are told apart with colour vision deficiencies too: neighbours differ in lightness or along
// blue and yellow. Each has at least 4.5:1 against its page.
const light: Theme = {
  page: "#ffffff",
  host: "#f6f8fa",
  card: "#ffffff",
  border: "#c3ccd6",
  edge: "#8c98a5",
  text: "#17202b",
  muted: "#566270",
  segment: "#dfe5ec",
  running: "#1a7f37",
  paused: "#9a6700",
  nets: ["#0b62c4", "#b25000", "#00795f", "#8a3fc7", "#b3225c", "#5f6b00", "#007391", "#7a4a2b"],
};

const dark: Theme = {
  page: "#0d1117",
  host: "#141a22",
  card: "#1c232d",
  border: "#3a4552",
  edge: "#77828f",
  text: "#e8edf3",
  muted: "#9aa7b5",
  segment: "#28313c",
  running: "#4ac26b",
  paused: "#d9a21b",
  nets: ["#6cb4ff", "#f2a25c", "#3fd0a9", "#c79bff", "#ff8fb8", "#c8d04a", "#4fc9e8", "#d6a583"],
};

const sans = `ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif`;
const mono = `ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace`;

/** The picture's style sheet: light, and dark where the reader prefers it. */
export function styleSheet(): string {
  return [
    `text { font-family: ${sans}; }`,
    ...Object.entries(fonts).map(([name, { size, weight, mono: fixed }]) => {
      const rest = `${weight ? ` font-weight: ${weight};` : ""}${fixed ? ` font-family: ${mono};` : ""}`;
      return `.${name} { font-size: ${size}px;${rest} }`;
    }),
    ".line { fill: none; stroke-width: 2; }",
    ".route { fill: none; stroke-width: 2; }",
    ".wire { fill: none; stroke-width: 3; }",
    ".host { stroke-width: 1.5; }",
    ".frame { fill: none; stroke-dasharray: 2 3; }",
    ".undeclared { stroke-dasharray: 5 4; }",
    ".off { stroke-dasharray: 4 3; }",
    ".text.off { opacity: 0.65; }",
    ".icon { fill: none; stroke-width: 1.4; }",
    ".bar { fill-opacity: 0.13; stroke-width: 1.5; }",
    ...theme(light),
    "@media (prefers-color-scheme: dark) {",
    ...theme(dark).map((rule) => `  ${rule}`),
    "}",
  ].join("\n");
}

function theme(of: Theme): string[] {
  return [
    `.page { fill: ${of.page}; }`,
    `.text { fill: ${of.text}; }`,
    `.muted { fill: ${of.muted}; }`,
    `.host { fill: ${of.host}; stroke: ${of.edge}; }`,
    `.card { fill: ${of.card}; stroke: ${of.border}; }`,
    `.frame { stroke: ${of.edge}; }`,
    `.segment { fill: ${of.segment}; stroke: ${of.edge}; }`,
    `.icon { stroke: ${of.muted}; }`,
    `.running { fill: ${of.running}; }`,
    `.paused { fill: ${of.paused}; }`,
    `.shutoff { fill: none; stroke: ${of.muted}; stroke-width: 1.5; }`,
    `.route, .wire { stroke: ${of.edge}; }`,
    `.halo { fill: none; stroke: ${of.page}; stroke-width: 7; }`,
    `.glyph.route { fill: ${of.edge}; stroke: none; }`,
    `.chip { fill: ${of.edge}; }`,
    `.chip-text { fill: ${of.page}; }`,
    `.glyph.plain { fill: ${of.edge}; }`,
    ...of.nets.flatMap((colour, at) => [
      `.line.net${at} { stroke: ${colour}; }`,
      `.bar.net${at} { fill: ${colour}; stroke: ${colour}; }`,
      `.dot.net${at}, .chip.net${at}, .glyph.net${at} { fill: ${colour}; }`,
    ]),
  ];
}
