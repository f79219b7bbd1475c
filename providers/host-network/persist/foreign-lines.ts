import type { BridgeConfig } from "../model";
import { OWN } from "./own-file";

/**
 * Lines of other people's files that are out of force while a bridge of ours has the link: each is kept as a comment
 * behind a mark that names the bridge, and comes back by that mark alone, whatever else was changed around it.
 */
function mark({ name }: Pick<BridgeConfig, "name">): string {
  return `#${OWN} ${name}# `;
}

/** Takes the lines with these numbers out of force. Blank lines and comments stay as they are. */
export function takeOut(text: string, numbers: ReadonlySet<number>, config: BridgeConfig): string {
  return text
    .split("\n")
    .map((line, number) => (numbers.has(number) && !/^\s*(#|$)/.test(line) ? mark(config) + line : line))
    .join("\n");
}

/** A line of ours in such a file, for formats that end a line with a comment. */
export function addedLine(line: string, config: BridgeConfig): string {
  return `${line} ${mark(config).trim()}`;
}

/** Puts every line of the bridge back into force, and removes ours. */
export function putBack(text: string, config: BridgeConfig): string {
  return text
    .split("\n")
    .filter((line) => !line.endsWith(` ${mark(config).trim()}`))
    .map((line) => (line.startsWith(mark(config)) ? line.slice(mark(config).length) : line))
    .join("\n");
}
