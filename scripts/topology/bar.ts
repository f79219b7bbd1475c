import type { NetworkMode, Segment, VirtualSwitch } from "./model";
import type { Font, Shape } from "./scene";
import { fitted, textWidth } from "./text-metrics";

interface Item {
  text: string;
  font: Font;
  class: string;
  chip?: boolean;
}

const lineHeight = 21;
const between = 12;

/** A bar with what is to be said about it, in as many lines as the space for text needs. */
export interface Bar {
  height: number;
  draw(box: { x: number; y: number; width: number; textX: number }): Shape[];
}

export const modeNames: { [Mode in NetworkMode]: string } = {
  nat: "NAT",
  route: "routed",
  open: "open",
  isolated: "isolated",
  bridge: "bridge",
  macvtap: "macvtap",
};

export function switchBar(of: VirtualSwitch, colour: number, textWidth: number, title: string): Bar {
  const { kind, mode, networks, addresses, automatic, declared } = of;
  const items: Item[] = [
    { text: of.name, font: "name", class: "text" },
    { text: mode ? modeNames[mode] : kind, font: "label", class: `chip net${colour}`, chip: true },
    ...(declared ? [] : [{ text: "not in this stack", font: "label" as const, class: "chip plain", chip: true }]),
    ...addresses.map((text): Item => ({ text, font: "mono", class: "text" })),
    ...muted([
      ...automatic.map((how) => `address by ${how}`),
      ...(kind === "bridge" && declared && !of.routed ? ["no address of the host"] : []),
      ...(of.bridge ? [of.bridge] : []),
      ...(networks.length > 0 ? [`network ${networks.join(", ")}`] : []),
      ...of.details,
    ]),
  ];
  return bar(items, `bar net${colour}${declared ? "" : " undeclared"}`, textWidth, title);
}

export function segmentBar(of: Segment, textWidth: number): Bar {
  const gateways = gatewayWords(of);
  const items: Item[] = [
    { text: of.name, font: "name", class: "text" },
    ...of.subnets.map((text): Item => ({ text, font: "mono", class: "text" })),
    ...muted(gateways),
  ];
  const title = [of.name, ...of.subnets, ...gateways].join("\n");
  return bar(items, `segment${of.declared ? "" : " undeclared"}`, textWidth, title);
}

export function gatewayWords({ gateways }: Segment): string[] {
  return gateways.length > 0 ? [`gateway ${gateways.join(", ")}`] : [];
}

function muted(texts: readonly string[]): Item[] {
  return texts.map((text) => ({ text, font: "small", class: "muted" }));
}

function bar(items: readonly Item[], className: string, available: number, title: string): Bar {
  const lines: { item: Item; at: number; width: number }[][] = [[]];
  let at = 0;
  for (const given of items) {
    const room = available - (given.chip ? 14 : 0);
    const item = { ...given, text: fitted(given.text, given.font, room) };
    const width = item.chip ? 2 * Math.ceil(textWidth(item.text, item.font) / 2) + 14 : textWidth(item.text, item.font);
    if (at > 0 && at + width > available) {
      lines.push([]);
      at = 0;
    }
    lines.at(-1)!.push({ item, at, width });
    at += width + between;
  }
  const height = lines.length * lineHeight + 9;
  return {
    height,
    draw: ({ x, y, width, textX }) => [
      {
        kind: "group",
        title,
        class: "bar-group",
        shapes: [
          { kind: "rect", x, y, width, height, radius: 4, class: className },
          ...lines.flatMap((line, row) =>
            line.flatMap(({ item, at, width }): Shape[] => {
              const baseline = y + 19 + row * lineHeight;
              if (!item.chip) return [{ ...item, kind: "text", x: textX + at, y: baseline }];
              return [
                { kind: "rect", x: textX + at, y: baseline - 13, width, height: 17, radius: 8, class: item.class },
                { ...item, kind: "text", x: textX + at + width / 2, y: baseline, centred: true, class: "chip-text" },
              ];
            }),
          ),
        ],
      },
    ],
  };
}
