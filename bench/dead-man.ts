// Makes every mishap happen to hosts of a lab, many times, and tells how often the old network came back and how soon:
//
//   node -r ts-node/register bench/dead-man.ts [rounds, 20 by default] [window, "5s" by default]
//
// Needs root. Each mishap has a host of its own, all of them at the same time. Seconds are those of the host's own log: from the
// moment before the first command to that in which the old network was back.
import { Lab } from "../test/lab/lab";
import { BridgeHost } from "../test/providers/handlers/bridge-host";
import { mishaps, survive } from "../test/providers/handlers/dead-man";

const [rounds, window] = [Number(process.argv[2] ?? 20), process.argv[3] ?? "5s"];

interface Tally {
  survived: number;
  seconds: number[];
  failures: string[];
}

async function main(): Promise<void> {
  const names = Object.keys(mishaps);
  const lab = await Lab.up({ name: "dead-man", hosts: names.length });
  try {
    const tallies = await Promise.all(names.map((name, at) => repeat(name, new BridgeHost(lab.hosts[at]!))));
    console.log(`\n| Mishap, window ${window} | Survived | Back after, seconds (median, most) |\n| - | - | - |`);
    tallies.forEach(({ survived, seconds }, at) => {
      const sorted = seconds.sort((a, b) => a - b);
      const times =
        sorted.length > 0 ? `${sorted[sorted.length >> 1]!.toFixed(2)}, ${sorted.at(-1)!.toFixed(2)}` : "never changed";
      console.log(`| ${names[at]} | ${survived} of ${rounds} | ${times} |`);
    });
    for (const failure of tallies.flatMap(({ failures }) => failures)) console.log(failure);
    if (tallies.some(({ survived }) => survived < rounds)) process.exitCode = 1;
  } finally {
    await lab.down();
  }
}

async function repeat(name: string, on: BridgeHost): Promise<Tally> {
  const tally: Tally = { survived: 0, seconds: [], failures: [] };
  for (let round = 1; round <= rounds; round++)
    try {
      await survive(mishaps[name]!, on, window);
      tally.survived++;
      const seconds = on.seconds();
      if (seconds !== undefined) tally.seconds.push(seconds);
    } catch (error) {
      tally.failures.push(`${name}, round ${round}: ${(error as Error).message}`);
    }
  return tally;
}

void main();
