import { parse } from "yaml";
import { OperatorError } from "../../dynamic/errors";
import { glob } from "./glob";
import { isOwn, readText } from "./own-file";
import type { HostFiles } from "./renderer";

/** Where ours live. */
export const folder = "/etc/netplan";

/** Where netplan looks, the most important first (netplan(5)). */
const folders = ["/run/netplan", folder, "/lib/netplan"];

const types = ["ethernets", "wifis", "modems", "bonds", "bridges", "vlans", "tunnels", "vrfs", "dummy-devices"];

/** One of somebody else's definitions, as one file has it. */
export interface Definition {
  path: string;
  type: string;
  id: string;
  value: {
    match?: { name?: string | string[]; macaddress?: string };
    "set-name"?: string;
    interfaces?: string[];
    renderer?: string;
  };
}

export interface Netplan {
  /** "networkd" or "NetworkManager". */
  renderer: string;
  definitions: Definition[];
}

/** What others' files say. */
export async function readNetplan(host: HostFiles): Promise<Netplan> {
  const paths = new Map<string, string>();
  for (const from of folders)
    for (const name of await host.list(from))
      if (name.endsWith(".yaml") && !isOwn(name) && !paths.has(name)) paths.set(name, `${from}/${name}`);
  const netplan: Netplan = { renderer: "networkd", definitions: [] };
  for (const [, path] of [...paths].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const network = object(readYaml((await readText(host, path)) ?? "", path)["network"]);
    if (typeof network["renderer"] === "string") netplan.renderer = network["renderer"];
    for (const type of types)
      for (const [id, value] of Object.entries(object(network[type])))
        netplan.definitions.push({ path, type, id, value: object(value) });
  }
  return netplan;
}

function readYaml(text: string, path: string): { [key: string]: unknown } {
  try {
    return object(parse(text, { version: "1.1" }));
  } catch (error) {
    throw new OperatorError(`${path} is not YAML: ${(error as Error).message.split("\n")[0]}`, {
      fix: "correct it; `netplan generate` has to run without an error",
      cause: error,
    });
  }
}

function object(value: unknown): { [key: string]: unknown } {
  return typeof value === "object" && value !== null ? (value as { [key: string]: unknown }) : {};
}

/** Whether a definition is of the link. */
export function isOf({ id, type, value }: Definition, link: string, mac: string | undefined): boolean {
  const { match, "set-name": name } = value;
  if (name !== undefined) return name === link;
  if (!match || type !== "ethernets") return id === link;
  const names = match.name === undefined ? [] : [match.name].flat();
  return (
    (names.length === 0 || names.some((pattern) => glob(pattern).test(link))) &&
    (match.macaddress === undefined || match.macaddress.toLowerCase() === mac?.toLowerCase())
  );
}
