// Requests a second through a balancer that is declared, and processor time of its HAProxy for each, beside one whose HAProxy
// is configured by hand for the same: the same program, machine and servers behind them, one after the other in turns. In
// network namespaces on this machine; on a busy one only the processor time can be compared.
//
//   npx ts-node -T bench/balancer-throughput.ts [ROUNDS]
import { BalancerLab } from "../test/providers/handlers/balancer-lab";

const servers = `
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 1s
frontend servers
  bind 192.168.155.51:8080
  bind 192.168.155.52:8080
  http-request return status 200 content-type text/plain string "hello"
`;

// What the farm declares, in the words of an administrator.
const byHand = `
global
  user haproxy
  group haproxy
defaults
  mode http
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response response-timeout
  timeout connect 500ms
  timeout client 60s
  timeout server 60s
  timeout check 1s
frontend www
  bind *:80
  bind :::80 v6only
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  default_backend www
backend www
  balance roundrobin
  http-request disable-l7-retry unless METH_GET
  option httpchk GET /
  server web-1 192.168.155.51:8080 check inter 500ms fall 2
  server web-2 192.168.155.52:8080 check inter 500ms fall 2
`;

interface Figures {
  /** Requests a second. */
  rate: number;
  /** Microseconds of processor time for each. */
  cost: number;
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 7);
  const lab = await BalancerLab.make();
  try {
    await lab.back.write("/root/servers.cfg", servers);
    lab.back.spawn(["haproxy", "-db", "-f", "/root/servers.cfg"]);
    const members = [1, 2].map((at) => ({ name: `web-${at}`, address: `192.168.155.5${at}`, port: 8080 }));
    await lab.balancers[0].haproxy.up(lab.haproxyArgs({ www: { port: 80, members, check: { type: "http" } } }));
    const hand = lab.balancers[1].machine;
    await hand.write("/root/hand.cfg", byHand);
    // In a session of its own, as every service: Linux gives each session the same share of the processors.
    hand.spawn(["setsid", "haproxy", "-W", "-db", "-f", "/root/hand.cfg"]);
    const ready = 'until curl -sf -o /dev/null --noproxy "*" "http://$0/"; do sleep 0.1; done';
    for (const { address } of lab.balancers) await lab.client.run(["sh", "-c", ready, address], { timeout: 30_000 });
    const ticks = (at: 0 | 1) =>
      Number(
        lab.balancers[at].machine.say(
          "sh",
          "-c",
          "cat /proc/[0-9]*/stat | awk '/ \\(haproxy\\) /{t += $14 + $15} END {print t}'",
        ),
      );
    const once = async (at: 0 | 1): Promise<Figures> => {
      const before = ticks(at);
      const argv = ["wrk", "-t1", "-c32", "-d3s", `http://${lab.balancers[at].address}/`];
      const { stdout } = await lab.client.run(argv, { timeout: 60_000 });
      const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
      if (refused > 0) throw new Error(`${refused} answers are errors: the figures would be of nothing`);
      const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
      // USER_HZ is 100 everywhere.
      return {
        rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
        cost: ((ticks(at) - before) * 1e4) / requests,
      };
    };
    const rates: number[] = [];
    const costs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const found = {} as { 0: Figures; 1: Figures };
      for (const at of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) found[at] = await once(at);
      const [ours, theirs] = [found[0], found[1]];
      rates.push(ours.rate / theirs.rate);
      costs.push(ours.cost / theirs.cost);
      const said = ({ rate, cost }: Figures) => `${rate.toFixed(0)} a second, ${cost.toFixed(1)} us each`;
      console.log(`declared ${said(ours)}; by hand ${said(theirs)}`);
    }
    for (const [what, ratios] of Object.entries({ rate: rates, "processor time": costs })) {
      ratios.sort((a, b) => a - b);
      const [least, middle, most] = [ratios[0]!, ratios[ratios.length >> 1]!, ratios.at(-1)!];
      console.log(
        `${what}, declared / by hand: median ${middle.toFixed(3)} (${least.toFixed(2)} to ${most.toFixed(2)})`,
      );
    }
  } finally {
    await lab.stop();
  }
}

void main();
