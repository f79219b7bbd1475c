import { execFileSync } from "node:child_process";
import { Connection } from "../providers/libvirt/connection";

/**
 * One call over the RPC client against one virsh process that does the same, in turns on the same daemon.
 * `node -r ts-node/register bench/rpc.ts [URI] [rounds]`; default qemu:///system, 40 rounds of 1 process and 10 calls.
 */
async function main(uri = "qemu:///system", rounds = "40"): Promise<void> {
  const calls: number[] = [];
  const processes: number[] = [];
  const virsh = () => execFileSync("virsh", ["-c", uri, "list", "--all", "--name"]);
  const connecting = await timed(() => connectOnce(uri));
  const connection = Connection.to(uri);
  await connection.connectListAllDomains();
  virsh();
  for (let round = 0; round < Number(rounds); round++) {
    processes.push(await timed(virsh));
    for (let call = 0; call < 10; call++) calls.push(await timed(() => connection.connectListAllDomains()));
  }
  const together =
    (await timed(() => Promise.all(Array.from({ length: 1000 }, () => connection.connectListAllDomains())))) / 1000;
  connection.close();
  print("connect, call, close", connecting);
  print("one call, alone", median(calls));
  print("one call of 1000 at once", together);
  print("one virsh process", median(processes));
  console.log(`virsh / call: ${(median(processes) / median(calls)).toFixed(0)}x`);
}

async function connectOnce(uri: string): Promise<void> {
  const connection = Connection.to(uri);
  await connection.connectListAllDomains();
  connection.close();
}

async function timed(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function print(what: string, milliseconds: number): void {
  console.log(`${what.padEnd(26)}${milliseconds.toFixed(3).padStart(9)} ms`);
}

void main(...process.argv.slice(2));
