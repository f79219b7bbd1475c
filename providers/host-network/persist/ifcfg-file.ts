import { readText } from "./own-file";
import type { HostFiles } from "./renderer";

/** Where RHEL's network scripts keep interfaces, one file each. */
export const folder = "/etc/sysconfig/network-scripts";

/** A file of shell assignments. */
export interface IfcfgFile {
  path: string;
  text: string;
  values: Map<string, string>;
}

/** All of them that the scripts read; editors' and rpm's copies they do not. */
export async function ifcfgFiles(host: HostFiles, edited: (text: string) => string): Promise<IfcfgFile[]> {
  const files: IfcfgFile[] = [];
  for (const name of (await host.list(folder)).sort()) {
    if (!/^ifcfg-/.test(name) || /(~|\.(bak|old|orig|rpmnew|rpmorig|rpmsave))$/.test(name)) continue;
    const path = `${folder}/${name}`;
    const found = await readText(host, path);
    if (found === undefined) continue;
    const text = edited(found);
    files.push({ path, text, values: assignments(text) });
  }
  return files;
}

/** Its keys with their lines' numbers. */
export function keysOf(text: string): { key: string; number: number }[] {
  return text.split("\n").flatMap((line, number) => {
    const [, key] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=/.exec(line) ?? [];
    return key === undefined ? [] : { key, number };
  });
}

function assignments(text: string): Map<string, string> {
  const lines = text.split("\n");
  return new Map(
    keysOf(text).map(({ key, number }) => {
      const value = lines[number]!.slice(lines[number]!.indexOf("=") + 1).trim();
      const [, quoted] = /^(?:"([^"]*)"|'[^']*')/.exec(value) ?? [];
      return [key, quoted ?? value.replace(/^'([^']*)'.*/, "$1").replace(/\s.*/, "")];
    }),
  );
}

/** Whether it is the link's: by its device, without one by the NIC's MAC address, without both by its name. */
export function isOf({ path, values }: IfcfgFile, link: string, mac: string | undefined): boolean {
  const [device, address] = [values.get("DEVICE"), values.get("HWADDR")];
  if (device !== undefined) return device === link;
  if (address !== undefined) return address.toLowerCase() === mac?.toLowerCase();
  return path === `${folder}/ifcfg-${link}`;
}
