import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, serialize, type Element } from "../../../../providers/libvirt/xml/document";

/** A golden file's text; the files are indented for people. */
export function golden(name: string): string {
  return readFileSync(join(__dirname, "golden", name), "utf8");
}

/** The document without the blanks that only indent it. */
export function compact(xml: string): string {
  const root = parse(xml);
  strip(root);
  return serialize(root);
}

function strip(element: Element): void {
  const nodes = [...element.childNodes];
  const hasElements = nodes.some((node) => node.nodeType === 1);
  for (const node of nodes) {
    if (node.nodeType === 1) strip(node as Element);
    else if (hasElements && !node.nodeValue?.trim()) element.removeChild(node);
  }
}

export function assertGolden(xml: string, name: string): void {
  assert.equal(compact(xml), compact(golden(name)));
}
