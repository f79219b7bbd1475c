import { parseArgs } from "node:util";
import type { LabHost } from "../test/lab/lab-host";
import { compareWithEmpty } from "./whole-commands";

const usage = `NAT networks, each with a port forward, on a host of the lab that is reached over ssh, beside an empty program:
seconds of the whole command. Needs root.

  npx ts-node bench/networks.ts [--networks 50] [--runs 3] [--out FILE]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      networks: { type: "string", default: "50" },
      runs: { type: "string", default: "3" },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(usage);
  const networks = {
    project: "networks",
    things: (count: number) => `${count} networks and ${count} port forwards`,
    part: { name: "resource", per: 2 },
    check,
  };
  await compareWithEmpty(networks, [Number(values.networks)], Number(values.runs), values.out);
}

/** A figure counts only where the host is as asked for. */
async function check(host: LabHost, count: number): Promise<void> {
  const script = `virsh --quiet net-list --name | grep -c ^bench-
    nft list chain inet pulumi_kvm published 2>/dev/null | grep -c dport`;
  const { stdout } = await host.run(["sh", "-c", script], { accept: "any" });
  if (stdout.trim() !== `${count}\n${count}`)
    throw new Error(`the host has ${stdout.trim().replace("\n", " networks and ")} forwards, not ${count}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
