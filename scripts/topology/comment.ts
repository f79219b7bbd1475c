import { mermaid } from "./mermaid";
import type { Topology } from "./model";

/** A comment on GitHub has 65,536 characters at most; Mermaid refuses texts over 50,000 and more than 500 lines between nodes. */
const longestComment = 65_000;
const longestChart = 50_000;
const mostLinks = 500;

/** The stack as a part of a comment, folded away, for a comment that has `length` characters already. */
export function topologyDetails(
  { stack, planned }: { stack: string; planned: Topology | undefined },
  length: number,
): string {
  if (!planned) return "";
  const chart = mermaid(planned);
  const links = planned.hosts.flatMap(({ guests, switches }) => [...guests.flatMap(({ nics }) => nics), ...switches]);
  const text = [
    "<details><summary>Topology after these changes</summary>",
    "",
    "Outlines: green is new, amber is changed, red and dashed is removed.",
    "",
    "```mermaid",
    `${chart}\`\`\``,
    "",
    "</details>",
    "",
  ].join("\n");
  if (chart.length > longestChart || links.length > mostLinks || length + text.length > longestComment)
    return `The topology is too large for a comment: \`npm run topology -- --stack ${stack} --output topology.svg\` draws it.\n`;
  return text;
}
