// What a pair of balancers loses to each fault, and to its end: two balancers, a client and the servers behind them, in
// network namespaces on this machine. One request every 20 ms, each on a connection of its own, with a limit of 1 s.
//
//   npx ts-node -T bench/failover.ts [ROUNDS]
import { setTimeout as sleep } from "node:timers/promises";
import { BalancerLab, members, webFarm, type Load } from "../test/providers/handlers/balancer-lab";

interface Fault {
  strike(lab: BalancerLab, active: 0 | 1): void;
  /** Undefined where it heals by itself. */
  heal?(lab: BalancerLab, struck: 0 | 1): void;
}

const kill = (program: string) => (lab: BalancerLab, active: 0 | 1) => {
  lab.balancers[active].machine.say("pkill", "-KILL", "-x", program);
};

const faults: { [name: string]: Fault } = {
  "HAProxy killed": { strike: kill("haproxy") },
  "HAProxy hangs": {
    strike: (lab, active) => void lab.balancers[active].machine.say("pkill", "-STOP", "-x", "haproxy"),
    heal: (lab, struck) => void lab.balancers[struck].machine.say("pkill", "-CONT", "-x", "haproxy"),
  },
  "keepalived killed": { strike: kill("keepalived") },
  "link without carrier": {
    strike: (lab, active) => lab.link(active, "down"),
    heal: (lab, struck) => lab.link(struck, "up"),
  },
  "link silent": {
    strike: (lab, active) => lab.link(active, "silent"),
    heal: (lab, struck) => lab.link(struck, "up"),
  },
  "balancer killed": { strike: (lab, active) => void lab.balancers[active].machine.stop() },
};

async function measured(load: Promise<{ stop(): Promise<Load> }>, work: () => Promise<void>): Promise<Load> {
  const running = await load;
  await sleep(1000);
  await work();
  return running.stop();
}

function row(name: string, loads: readonly Load[]): string {
  const of = (field: "failed" | "gap" | "outages") => loads.map((load) => load[field]).join(", ");
  const requests = loads.map((load) => load.requests).join(", ");
  return `| ${name} | ${requests} | ${of("failed")} | ${of("gap")} | ${of("outages")} |`;
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 3);
  const lab = await BalancerLab.make();
  console.log("| fault | requests | failed | longest gap, ms | outages |\n| --- | --- | --- | --- | --- |");
  try {
    await lab.serve(...members);
    await lab.up(webFarm(members));
    for (const [name, { strike, heal }] of Object.entries(faults)) {
      const struckLoads: Load[] = [];
      const healedLoads: Load[] = [];
      for (let round = 0; round < (name === "balancer killed" ? 1 : rounds); round++) {
        const active = await lab.active();
        struckLoads.push(
          await measured(lab.load(), async () => {
            strike(lab, active);
            await sleep(4000);
          }),
        );
        if (!heal) continue;
        healedLoads.push(
          await measured(lab.load(), async () => {
            heal(lab, active);
            await sleep(4000);
          }),
        );
        const now = await lab.active();
        if (now === active) console.log(`(${name}: the address went back)`);
      }
      console.log(row(name, struckLoads));
      if (heal) console.log(row(`... healed`, healedLoads));
    }
  } finally {
    await lab.stop();
  }
}

void main();
