import { DOMParser } from "@xmldom/xmldom";
import * as v from "valibot";

/** What has a field of its own, which would undo it. */
const ours = ["name", "uuid", "title", "description", "memory", "currentMemory", "vcpu", "on_crash"];

/** What is wrong with the text; undefined when it is a <domain>. */
function problem(xml: string): string | undefined {
  let malformed: string | undefined;
  const parser = new DOMParser({
    onError: (level, message) => {
      if (level !== "warning") malformed ??= message.split("\n")[0];
    },
  });
  try {
    const root = parser.parseFromString(xml, "text/xml").documentElement;
    if (malformed === undefined && root?.nodeName !== "domain") return "is not a <domain> element";
    const taken = [...(root?.childNodes ?? [])].find(({ nodeName }) => ours.includes(nodeName));
    if (malformed === undefined) return taken && `says <${taken.nodeName}>, which has a field of its own`;
  } catch (error) {
    malformed ??= (error as Error).message.split("\n")[0];
  }
  return `is not well-formed XML: ${malformed}`;
}

/** Part of a domain document, as text. */
export const domainOverlay = v.pipe(
  v.string(),
  v.check(
    (text) => problem(text) === undefined,
    (issue) =>
      `${problem(issue.input)}. Allowed: a <domain> with what no field says, e.g. "<domain><devices><watchdog model='itco'/></devices></domain>"`,
  ),
);
