import { children, serialize, type Element } from "../libvirt/xml/document";

/** A document for people to read: one element a line. Its elements have attributes only, no text. */
export function indented(root: Element): string {
  indent(root, "\n");
  return `<?xml version="1.0" encoding="UTF-8"?>\n${serialize(root)}\n`;
}

function indent(parent: Element, margin: string): void {
  const found = children(parent);
  if (found.length === 0) return;
  const text = (content: string) => parent.ownerDocument!.createTextNode(content);
  for (const child of found) {
    parent.insertBefore(text(`${margin}  `), child);
    indent(child, `${margin}  `);
  }
  parent.appendChild(text(margin));
}
