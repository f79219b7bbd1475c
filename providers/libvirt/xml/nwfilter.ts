import { attribute, child, children, element, parse, replaceChild, serialize, text, type Element } from "./document";
import { adopt, setAttribute } from "./edit";
import { parseRule, ruleElement, type FilterRule } from "./nwfilter-rule";

/** Values of a filter's variables; several make a rule for each. */
export interface FilterParameters {
  [name: string]: string[];
}

/** Another filter whose rules hold too. */
export interface FilterReference {
  name: string;
  parameters?: FilterParameters;
}

/** libvirt's network filter document (https://libvirt.org/formatnwfilter.html). */
export interface NetworkFilterModel {
  name: string;
  uuid?: string;
  /** The chain that its rules are in: "root", or one of a protocol such as "arp" or "ipv4-mine". */
  chain: string;
  /** The place of the chain among all, where libvirt's own is not meant. */
  priority?: number;
  rules: FilterRule[];
  filters: FilterReference[];
}

/** A model of which some parts are left as they are. */
export type NetworkFilterEdit = Partial<NetworkFilterModel>;

export function networkFilterXML(model: NetworkFilterModel): string {
  const root = element("filter", {}, model.uuid !== undefined && element("uuid", {}, model.uuid));
  edit(root, model);
  return serialize(root);
}

export function parseNetworkFilter(xml: string): NetworkFilterModel {
  const root = parse(xml);
  const priority = attribute(root, "priority");
  return {
    name: attribute(root, "name") ?? "",
    uuid: text(root, "uuid"),
    chain: attribute(root, "chain") ?? "root",
    ...(priority !== undefined && { priority: Number(priority) }),
    rules: children(root, "rule").map(parseRule),
    filters: children(root, "filterref").map(parseFilterReference),
  };
}

/** The document brought to what `news` says; what it leaves out stays. */
export function editNetworkFilter(xml: string, news: NetworkFilterEdit): string {
  const root = parse(xml);
  edit(root, news);
  return serialize(root);
}

function edit(root: Element, news: NetworkFilterEdit): void {
  if (news.name !== undefined) setAttribute(root, "name", news.name);
  if (news.chain !== undefined) setAttribute(root, "chain", news.chain);
  if (news.chain !== undefined || news.priority !== undefined) setAttribute(root, "priority", news.priority);
  if (news.rules) replaceAll(root, "rule", news.rules.map(ruleElement));
  if (news.filters)
    replaceAll(
      root,
      "filterref",
      news.filters.map((reference) => filterReferenceElement(reference)),
    );
}

function replaceAll(root: Element, name: string, wanted: Element[]): void {
  for (const old of children(root, name)) root.removeChild(old);
  for (const made of wanted) adopt(root, made);
}

/** A reference as it stands in a filter, and in a guest's interface. */
export function filterReferenceElement({ name, parameters = {} }: FilterReference): Element {
  return element(
    "filterref",
    { filter: name },
    Object.entries(parameters).flatMap(([key, values]) =>
      values.map((value) => element("parameter", { name: key, value })),
    ),
  );
}

export function parseFilterReference(from: Element): FilterReference {
  const parameters: FilterParameters = {};
  for (const parameter of children(from, "parameter")) {
    const name = attribute(parameter, "name") ?? "";
    parameters[name] = [...(parameters[name] ?? []), attribute(parameter, "value") ?? ""];
  }
  const name = attribute(from, "filter") ?? "";
  return Object.keys(parameters).length > 0 ? { name, parameters } : { name };
}

/** The filter of an interface of a guest. */
export function filterOf(nic: Element | undefined): FilterReference | undefined {
  const found = child(nic, "filterref");
  return found && parseFilterReference(found);
}

/** Sets or removes the filter of an interface of a guest. */
export function setFilterOf(nic: Element, reference: FilterReference | undefined): void {
  replaceChild(nic, "filterref", reference && filterReferenceElement(reference));
}
