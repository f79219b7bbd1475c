import type { Connection } from "../libvirt/connection";
import { child, children, parse } from "../libvirt/xml/document";
import { filterOf, parseNetworkFilter } from "../libvirt/xml/nwfilter";
import { found } from "./adopt";
import { guestDocuments } from "./guest-documents";
import type { Connect } from "./guest-drivers";

/** "guest web-1, filter web-out": who names the filter, guests that are off too; undefined when nobody does. */
export async function filterUsers(
  connection: Connection,
  name: string,
  connect?: Connect,
): Promise<string | undefined> {
  const [guests, filters] = await Promise.all([
    guestDocuments(connection, connect),
    referringFilters(connection, name),
  ]);
  const using = guests.filter(({ live, config }) => [live, config].some((xml) => xml && namesFilter(xml, name)));
  const names = [
    ...new Set(using.map(({ domain }) => `guest ${domain.name}`)),
    ...filters.map((filter) => `filter ${filter}`),
  ];
  return names.length > 0 ? names.join(", ") : undefined;
}

function namesFilter(xml: string, name: string): boolean {
  // Parsing is what costs.
  if (!xml.includes(name)) return false;
  return children(child(parse(xml), "devices"), "interface").some((nic) => filterOf(nic)?.name === name);
}

async function referringFilters(connection: Connection, name: string): Promise<string[]> {
  const filters = await connection.connectListAllNWFilters();
  const referring = filters.map(async (filter) => {
    const xml = filter.name === name ? undefined : await found(connection.nwfilterGetXMLDesc(filter));
    if (!xml?.includes(name)) return [];
    return parseNetworkFilter(xml).filters.some((reference) => reference.name === name) ? [filter.name] : [];
  });
  return (await Promise.all(referring)).flat();
}
