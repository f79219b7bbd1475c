/**
 * Several KVM hosts on this machine, made of namespaces (test/lab): for trying bridges without risking a server.
 *
 *   npm run lab -- up [--name NAME] [--hosts 2] [--network NETWORK] [--lan-dhcp]
 *   npm run lab -- status
 *   npm run lab -- shell NODE [--name NAME] [COMMAND...]
 *   npm run lab -- down [--name NAME | --all]
 */
import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { Lab } from "../test/lab/lab";
import { type HostNetwork, hostNetworks } from "../test/lab/lab-layout";

const usage = `npm run lab -- up [--name NAME] [--hosts 2] [--network ${hostNetworks.join("|")}] [--lan-dhcp]
npm run lab -- status
npm run lab -- shell NODE [--name NAME] [COMMAND...]
npm run lab -- down [--name NAME | --all]`;

interface Options {
  name: string;
  hosts: string;
  network: HostNetwork;
  lanDhcp: boolean;
  all: boolean;
}

async function main([verb, ...words]: string[]): Promise<number> {
  if (verb === "shell") return shell(words);
  const options = read(words);
  if (verb === "up") await up(options);
  else if (verb === "down") await down(options);
  else if (verb === "status") status();
  else throw new Error(usage);
  return 0;
}

function read(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      name: { type: "string", default: "lab" },
      hosts: { type: "string", default: "1" },
      network: { type: "string", default: "ifupdown" },
      "lan-dhcp": { type: "boolean", default: false },
      all: { type: "boolean", default: false },
    },
  });
  const network = hostNetworks.find((each) => each === values.network);
  if (!network) throw new Error(`--network ${values.network} is unknown. Allowed: ${hostNetworks.join(", ")}`);
  return { name: values.name, hosts: values.hosts, network, lanDhcp: values["lan-dhcp"], all: values.all };
}

async function up({ name, hosts, network, lanDhcp }: Options): Promise<void> {
  const begun = Date.now();
  const count = /^[0-9]+$/.test(hosts) ? Number(hosts) : hosts.split(",");
  const lab = await Lab.up({ name, hosts: count, network, lanDhcp, keep: true });
  console.log(describe(lab));
  const shell = `npm run lab -- shell${name === "lab" ? "" : ` --name ${name}`}`;
  const tries = [
    [`${shell} ${lab.hosts[0]?.name ?? "station"}`, "a shell on it; exit leaves it"],
    [`${shell} station ping -c 3 kvm1`, "from the LAN"],
    [`${shell} wan curl http://198.51.100.2`, "from the WAN: a server tells the address that it sees"],
    [`${lab.folder}/ssh kvm1`, "by ssh, as pulumi reaches it"],
  ];
  const width = Math.max(...tries.map(([command]) => command!.length));
  console.log(`\nUp in ${((Date.now() - begun) / 1000).toFixed(1)} s. To try:`);
  for (const [command, what] of tries) console.log(`  ${command!.padEnd(width)}  # ${what}`);
  console.log(`Its hosts for programs: ${lab.folder}/lab.json`);
}

async function down({ name, all }: Options): Promise<void> {
  const names = all ? Lab.names() : [name];
  for (const each of names) {
    await Lab.down(each);
    console.log(`${each} is down`);
  }
}

function status(): void {
  const labs = Lab.names().map((name) => ({ name, lab: Lab.find(name) }));
  if (labs.length === 0) console.log("there is no lab; npm run lab -- up makes one");
  for (const { name, lab } of labs) console.log(lab ? describe(lab) : `${name}: made by half; take it down`);
}

function describe(lab: Lab): string {
  const nodes = lab.nodes.map((node) => {
    const nics = node.plan.nics.map((nic) => `${nic.name} ${nic.segment} ${nic.addresses.join(" ") || "no address"}`);
    return `  ${node.name.padEnd(10)} ${node.process ? "on " : "off"} ${nics.join("; ")}`;
  });
  const uris = lab.hosts.map((host) => `  ${host.uri()}`);
  return [`${lab.name}:`, ...nodes, "libvirt:", ...uris].join("\n");
}

/** What follows the node's name is a command, with options of its own. */
function shell(words: string[]): number {
  let name = "lab";
  if (words[0] === "--name") [, name] = words.splice(0, 2) as [string, string];
  const [node, ...rest] = words;
  if (!node) throw new Error(usage);
  if (rest[0] === "--name") [, name] = rest.splice(0, 2) as [string, string];
  const lab = Lab.find(name);
  const fix = `Fix: npm run lab -- up${name === "lab" ? "" : ` --name ${name}`}`;
  if (!lab) throw new Error(`there is no lab ${name}. ${fix}`);
  const found = lab.node(node);
  if (!found.process) throw new Error(`${node} is off. ${fix}`);
  const command = rest.length > 0 ? rest : ["bash", "--login"];
  const [program, ...argv] = found.argv(command);
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", TERM: process.env.TERM, LANG: process.env.LANG };
  return spawnSync(program!, argv, { stdio: "inherit", env, cwd: path.parse(__filename).root }).status ?? 1;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    process.exit(2);
  },
);
