import { bytes } from "../schema/size";

/** What the java launcher reads as `@file`: one argument a line (java(1), "java Command-Line Argument Files"). */
export function argumentFile(options: readonly string[]): string {
  return `${options.map(quoted).join("\n")}\n`;
}

function quoted(option: string): string {
  return `"${option.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** Memory, what is declared, and what is for every server. */
export function serverOptions({
  heap,
  jvmFlags,
  properties,
}: {
  heap: { initial?: string; maximum: string };
  jvmFlags: string[];
  properties: { [name: string]: string };
}): string[] {
  return [
    `-Xmx${bytes(heap.maximum)}`,
    ...(heap.initial === undefined ? [] : [`-Xms${bytes(heap.initial)}`]),
    // What ran out of memory serves no more; the service manager starts it anew.
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    ...jvmFlags,
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
  ];
}

/** Packages of Java's own that classes outside of it look into. */
export function openPackages(names: readonly string[]): string[] {
  return names.map((name) => `--add-opens=${name}=ALL-UNNAMED`);
}
