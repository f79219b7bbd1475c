import type { GuestModel, GuestNic, VirtualSwitch } from "./model";
import { words, type Box, type Font, type Shape } from "./scene";
import { fitted, textWidth } from "./text-metrics";

/** How switches look: the number of their colour, and what guests' cards call them. */
export type Look = (switchId: string) => { colour: number; label: string };

interface Line {
  text: string;
  font: Font;
  class: string;
  /** What stands before the text: in the margin, and on the line. */
  mark?: { glyph: "publish" } | { dot: number };
  lead?: string;
  indented?: boolean;
}

const padding = 10;
/** Where texts begin that have something in the margin. */
const indent = 26;
const lineHeight = 16;
const head = 42;

export const cardWidths = { least: 132, most: 226 };

/** How wide a card would like to be. */
export function naturalCardWidth(guest: GuestModel, look: Look): number {
  const widths = [
    textWidth(guest.name, "name") + 54,
    textWidth([kinds[guest.kind], ...guest.size].join(" · "), "small") + 2 * padding,
    ...nicLines(guest, look).map(lineWidth),
  ];
  return Math.min(cardWidths.most, Math.max(cardWidths.least, ...widths.map((width) => 2 * Math.ceil(width / 2))));
}

export function cardHeight(guest: GuestModel, look: Look): number {
  const lines = nicLines(guest, look).length;
  return head + lines * lineHeight + (lines > 0 ? 7 : 3);
}

/** A guest: name, kind, power state, size, its NICs' addresses and what is published of it. */
export function card(guest: GuestModel, look: Look, { x, y, width, height }: Box): Shape {
  const off = guest.state === "shutoff" ? " off" : "";
  const lines = nicLines(guest, look);
  const shapes: Shape[] = [
    { kind: "rect", x, y, width, height, radius: 6, class: `card ${guest.kind}${off}` },
    { kind: "glyph", x: x + padding, y: y + 9, glyph: guest.kind, class: `icon${off}` },
    words(x + padding + 21, y + 20, fitted(guest.name, "name", width - 54), "name", `text${off}`),
    words(x + padding, y + 37, summary(guest, width - 2 * padding), "small", "muted"),
  ];
  if (guest.state !== "unknown")
    shapes.push({ kind: "glyph", x: x + width - 20, y: y + 10, glyph: guest.state, class: guest.state });
  lines.forEach((line, at) => {
    const baseline = y + head + 12 + at * lineHeight;
    const left = textLeft(line);
    const text = fitted(line.text, line.font, width - left - padding);
    if (line.mark && "dot" in line.mark)
      shapes.push({ kind: "dot", x: x + padding + 5, y: baseline - 4, class: `net${line.mark.dot}` });
    else if (line.mark)
      shapes.push({ kind: "glyph", x: x + padding, y: baseline - 10, glyph: line.mark.glyph, class: "icon" });
    if (line.lead !== undefined) shapes.push(words(x + indent, baseline, line.lead, "small", "text"));
    shapes.push(words(x + left, baseline, text, line.font, line.class));
  });
  return { kind: "group", title: tooltip(guest, look), class: "guest", shapes };
}

const kinds = { vm: "VM", container: "container" };
const states = { paused: "paused", shutoff: "shut off", running: "running", unknown: "state unknown" };

/** Kind, and the state where it is not the usual one; of the size as much as there is room for. */
function summary({ kind, state, size }: GuestModel, width: number): string {
  const first = [kinds[kind], ...(state === "paused" || state === "shutoff" ? [states[state]] : [])];
  const texts = [size, size.slice(-1), []].map((told) => [...first, ...told].join(" · "));
  return texts.find((text) => textWidth(text, "small") <= width) ?? fitted(first.join(" · "), "small", width);
}

/** Of each NIC its first address of either family, else its MAC address; with the switch's name where there are several. */
function nicLines(guest: GuestModel, look: Look): Line[] {
  const lines = guest.nics.flatMap((nic): Line[] => {
    const shown = firstAddresses(nic);
    const lines = (shown.length > 0 ? shown : [nic.mac]).map((text): Line => ({
      text,
      font: "mono",
      class: shown.length > 0 ? "text" : "muted",
      indented: guest.nics.length > 1,
    }));
    if (guest.nics.length === 1 && nic.port.length === 0) return lines;
    const { colour, label } = look(nic.switch);
    const name: Line = {
      text: nic.port.length > 0 ? `${label} (${nic.port.join(", ")})` : label,
      font: "small",
      class: "text",
      mark: { dot: colour },
    };
    const joined: Line = { ...lines[0]!, lead: name.text, mark: name.mark };
    return lineWidth(joined) <= cardWidths.most ? [joined, ...lines.slice(1)] : [name, ...lines];
  });
  return [
    ...lines,
    ...guest.published.map((text): Line => ({ text, font: "mono", class: "text", mark: { glyph: "publish" } })),
  ];
}

function lineWidth(line: Line): number {
  return textLeft(line) + textWidth(line.text, line.font) + padding;
}

/** Where a line's text begins. */
function textLeft({ lead, mark, indented }: Line): number {
  const glyph = mark && "glyph" in mark ? 3 : 0;
  return (mark || indented ? indent + glyph : padding) + (lead === undefined ? 0 : textWidth(lead, "small") + 6);
}

function firstAddresses({ addresses }: GuestNic): string[] {
  const families = [
    addresses.filter((address) => !address.includes(":")),
    addresses.filter((address) => address.includes(":")),
  ];
  return families.flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    return [more.length > 0 ? `${first} +${more.length}` : first];
  });
}

function tooltip(guest: GuestModel, look: Look): string {
  const { name, kind, state, size, group, nics, published, details } = guest;
  return [
    `${name}: ${[kinds[kind], states[state], ...size].join(", ")}`,
    ...details,
    ...(group ? [`of ${group.kind} ${group.name}`] : []),
    ...nics.map((nic, at) => {
      const told = [nic.mac, ...nic.addresses, ...nic.port];
      return `NIC ${at + 1} on ${look(nic.switch).label}: ${told.join(", ")}`;
    }),
    ...published.map((text) => `published: ${text}`),
  ].join("\n");
}

export function switchTooltip(of: VirtualSwitch): string {
  return [
    `${of.kind} ${of.name}${of.mode ? `, ${of.mode}` : ""}${of.declared ? "" : ", not declared in this stack"}`,
    ...(of.bridge ? [`bridge ${of.bridge}`] : []),
    ...of.networks.map((network) => `network ${network}`),
    ...of.addresses.map((address) => `the host's address ${address}`),
    ...of.automatic.map((how) => `the host's address by ${how}`),
    ...(of.uplink ? [`uplink ${of.uplink.label}`] : []),
    ...of.details,
    ...of.notes,
  ].join("\n");
}
