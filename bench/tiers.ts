import { parseArgs } from "node:util";
import type { LabHost } from "../test/lab/lab-host";
import { compareWithEmpty } from "./whole-commands";

const usage = `Web tiers of containers on a host of the lab that is reached over ssh, beside an empty program, and as many
resources that do nothing: seconds of the whole command. Needs root; the image is built once and kept.

  npx ts-node bench/tiers.ts [--nodes 2,20] [--runs 3] [--out FILE]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: "string", default: "2,20" },
      runs: { type: "string", default: "3" },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(usage);
  const tiers = {
    project: "tiers",
    things: (count: number) => `a tier of ${count}`,
    part: { name: "node", per: 1 },
    bare: "bare",
    check,
  };
  await compareWithEmpty(tiers, values.nodes.split(",").map(Number), Number(values.runs), values.out);
}

/** A figure counts only where every node serves. */
async function check(host: LabHost, count: number): Promise<void> {
  const script = `for at in $(seq "$1"); do
      address=$(virsh net-dhcp-leases bench 2>/dev/null | sed -n "s|.* \\([0-9.]*\\)/24 *web-$at .*|\\1|p")
      curl -sS -m 5 "http://$address/"
    done
    virsh -c lxc:///system --quiet list --all --name | grep -c ^web-`;
  const { stdout } = await host.run(["sh", "-c", script, "sh", String(count)], { accept: "any" });
  if (stdout.trim() !== `${"it serves\n".repeat(count)}${count}`)
    throw new Error(`not ${count} nodes serve: ${stdout}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
