import { gatewayWords, modeNames } from "./bar";
import type { Group, GuestModel, HostModel, Mark, Segment, Topology, VirtualSwitch } from "./model";

/**
 * The stack as a flowchart of Mermaid (https://mermaid.js.org/syntax/flowchart.html), which GitHub and GitLab draw in
 * comments. What a preview would do is told by outlines.
 */
export function mermaid(topology: Topology): string {
  const ids = new Ids();
  const lines = ["flowchart TB"];
  for (const segment of topology.segments) lines.push(`  ${segmentNode(segment, ids)}`);
  for (const host of topology.hosts) lines.push(...hostNodes(host, ids).map((line) => `  ${line}`));
  for (const host of topology.hosts) lines.push(...links(host, ids).map((line) => `  ${line}`));
  const marks = new Set(
    topology.hosts.flatMap(({ guests, switches }) => [...guests, ...switches].map(({ change }) => change)),
  );
  for (const [mark, style] of Object.entries(markStyles))
    if (marks.has(mark as Mark)) lines.push(`  classDef ${mark} ${style}`);
  return `${lines.join("\n")}\n`;
}

const markStyles: { [Name in Mark]: string } = {
  new: "stroke:#1a7f37,stroke-width:3px",
  changed: "stroke:#9a6700,stroke-width:3px",
  removed: "stroke:#cf222e,stroke-width:3px,stroke-dasharray:5 4",
};

/** Short names for nodes, the same in every run. */
class Ids {
  private readonly known = new Map<string, string>();

  of(kind: string, id: string): string {
    const key = `${kind} ${id}`;
    const made = this.known.get(key) ?? `${kind}${this.known.size + 1}`;
    this.known.set(key, made);
    return made;
  }
}

function segmentNode(segment: Segment, ids: Ids): string {
  const { id, name, subnets } = segment;
  return `${ids.of("segment", id)}[["${label([name, ...subnets, ...gatewayWords(segment)])}"]]`;
}

function hostNodes(host: HostModel, ids: Ids): string[] {
  const groups = new Map<string, { group: Group; guests: GuestModel[] }>();
  for (const guest of host.guests) {
    if (!guest.group) continue;
    const members = groups.get(guest.group.id) ?? { group: guest.group, guests: [] };
    members.guests.push(guest);
    groups.set(guest.group.id, members);
  }
  return [
    `subgraph ${ids.of("host", host.id)}["${label([host.name])}"]`,
    ...[
      ...host.switches.map((each) => switchNode(each, ids)),
      ...[...groups.values()].flatMap(({ group, guests }) => [
        `subgraph ${ids.of("group", `${host.id} ${group.id}`)}["${label([group.name])}"]`,
        ...guests.map((guest) => `  ${guestNode(guest, ids)}`),
        "end",
      ]),
      ...host.guests.filter(({ group }) => !group).map((guest) => guestNode(guest, ids)),
    ].map((line) => `  ${line}`),
    "end",
  ];
}

function switchNode(of: VirtualSwitch, ids: Ids): string {
  const kind = of.mode ? modeNames[of.mode] : of.kind;
  const texts = [`${of.name} (${kind})`, ...of.addresses, ...(of.declared ? [] : ["not in this stack"])];
  return `${ids.of("switch", of.id)}["${label(texts)}"]${classOf(of.change)}`;
}

function guestNode(guest: GuestModel, ids: Ids): string {
  const state = guest.state === "paused" ? "paused" : guest.state === "shutoff" ? "shut off" : undefined;
  const kind = [guest.kind === "vm" ? "VM" : "container", state].filter(Boolean).join(", ");
  const addresses = guest.nics.flatMap((nic) => nic.addresses.slice(0, 1));
  const text = label([guest.name, kind, ...addresses, ...guest.published]);
  return `${ids.of("guest", guest.id)}("${text}")${classOf(guest.change)}`;
}

function classOf(mark: Mark | undefined): string {
  return mark ? `:::${mark}` : "";
}

function links(host: HostModel, ids: Ids): string[] {
  const routed = host.switches.filter((each) => each.routed);
  const first = host.outside === undefined ? routed[0] && ids.of("switch", routed[0].id) : undefined;
  const wayOut = first ?? (host.outside === undefined ? undefined : ids.of("segment", host.outside));
  const inside = host.outside === undefined ? routed.slice(1) : routed;
  return [
    ...host.switches.flatMap(({ id, uplink }) =>
      uplink ? [`${ids.of("segment", uplink.segment)} ---|"${label([uplink.label])}"| ${ids.of("switch", id)}`] : [],
    ),
    ...inside.map(({ id, mode }) => `${wayOut} -.-|"${mode ? modeNames[mode] : "routed"}"| ${ids.of("switch", id)}`),
    ...host.guests.flatMap(({ id, nics }) =>
      nics.map((nic) => `${ids.of("switch", nic.switch)} --- ${ids.of("guest", id)}`),
    ),
  ];
}

/** Lines of a label; everything that Mermaid or HTML could take for its own is written as an entity. */
function label(texts: readonly string[]): string {
  return texts.map(escape).join("<br>");
}

function escape(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}/gu, " ")
    .replace(/[^\p{L}\p{N} .,:/()+→-]/gu, (character) => `#${character.codePointAt(0)};`);
}
