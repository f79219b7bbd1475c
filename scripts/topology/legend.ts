import type { Topology } from "./model";
import { words, type GlyphName, type Shape } from "./scene";
import { textWidth } from "./text-metrics";

/** What the marks mean that are in this picture. */
export function legend(topology: Topology, x: number, y: number, width: number): { shapes: Shape[]; bottom: number } {
  const guests = topology.hosts.flatMap((host) => host.guests);
  const switches = topology.hosts.flatMap((host) => host.switches);
  const routes = topology.hosts.flatMap((host) => {
    const routed = host.switches.filter((each) => each.routed);
    return host.outside === undefined ? routed.slice(1) : routed;
  });
  const entries: [GlyphName | "frame" | "undeclared", string, string, boolean][] = [
    ["vm", "icon", "virtual machine", guests.some(({ kind }) => kind === "vm")],
    ["container", "icon", "container", guests.some(({ kind }) => kind === "container")],
    ["running", "running", "running", guests.some(({ state }) => state === "running")],
    ["paused", "paused", "paused", guests.some(({ state }) => state === "paused")],
    ["shutoff", "shutoff", "shut off", guests.some(({ state }) => state === "shutoff")],
    ["out", "route", "NAT: connections only outwards", routes.some(({ mode }) => mode === "nat")],
    ["both", "route", "routed by the host, both ways", routes.some(({ mode }) => mode !== "nat")],
    ["publish", "icon", "port of the host → the guest's", guests.some(({ published }) => published.length > 0)],
    ["jack", "plain", "network interface of the host", topology.segments.length > 0],
    ["frame", "frame", "guests of one component", guests.some(({ group }) => group)],
    [
      "undeclared",
      "undeclared segment",
      "not in this stack",
      switches.some(({ declared }) => !declared) || topology.segments.some(({ declared }) => !declared),
    ],
  ];
  const shapes: Shape[] = [];
  let at = x;
  let line = y;
  for (const [mark, className, text, used] of entries) {
    if (!used) continue;
    const needed = 24 + textWidth(text, "small");
    if (at > x && at + needed > x + width) {
      at = x;
      line += 24;
    }
    shapes.push(
      mark === "frame" || mark === "undeclared"
        ? { kind: "rect", x: at, y: line - 11, width: 16, height: 13, radius: 3, class: className }
        : { kind: "glyph", x: at + 1, y: line - 11, glyph: mark, class: className },
      words(at + 24, line, text, "small", "muted"),
    );
    at += needed + 24;
  }
  return { shapes, bottom: shapes.length > 0 ? line + 6 : y - 20 };
}
