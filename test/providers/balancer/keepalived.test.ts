import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { keepalivedFiles } from "../../../providers/balancer/keepalived";
import { KEEPALIVED_CHECK } from "../../../providers/balancer/supervise";
import { KeepalivedServerHandler } from "../../../providers/handlers/keepalived-server";
import { keepalivedServerSchema, type KeepalivedServerInputs } from "../../../providers/schema/keepalived-server";

const golden = (name: string, text: string) => {
  const path = join(__dirname, "golden", name);
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, "utf8"));
};

const args = (more: object = {}) => ({
  machine: { kind: "local" },
  name: "lb",
  source: "192.0.2.41",
  peers: ["192.0.2.42"],
  routers: { www: { id: 51, addresses: ["192.0.2.40/24"] } },
  ...more,
});
const parsed = (more: object = {}) => v.parse(keepalivedServerSchema, args(more)) as KeepalivedServerInputs;

describe("keepalived's configuration", () => {
  it("has one router that stays where it is", () => {
    const devices = { "192.0.2.40/24": "eth0" };
    const made = keepalivedFiles({ inputs: parsed({ haproxy: "lb" }), interface: "eth0", devices });
    golden("one.conf", made["keepalived.conf"]!.content);
    assert.equal(made["addresses"]!.content, "eth0 192.0.2.40/24\n");
    assert.equal(made["patience"]!.content, "0.700\n");
  });

  it("has several routers, of both families, on several interfaces", () => {
    const inputs = parsed({
      advertise: "1s",
      routers: {
        one: { id: 1, addresses: ["192.0.2.40/24", "2001:db8::40/64"], preemptDelay: "10s" },
        two: { id: 2, addresses: ["198.51.100.1/24"], priority: 240, preemptDelay: "1m" },
      },
    });
    const devices = { "192.0.2.40/24": "eth0", "2001:db8::40/64": "eth0", "198.51.100.1/24": "eth1" };
    golden("two.conf", keepalivedFiles({ inputs, interface: "eth0", devices })["keepalived.conf"]!.content);
  });
});

describe("the age of a master", () => {
  it("lowers its priority by eight for each doubling, at most by 240", () => {
    const run = mkdtempSync(join(tmpdir(), "kvm-tenure-"));
    try {
      const now = Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]));
      const level = (age: number) => {
        writeFileSync(join(run, "www.since"), `${now - age}\n`);
        execFileSync("sh", ["-c", KEEPALIVED_CHECK, "sh", run]);
        return Number(readFileSync(join(run, "www.tenure"), "utf8"));
      };
      // The clock goes on while this runs.
      const near = (found: number, wanted: number) => assert.ok(found <= wanted && found >= wanted - 2, `${found}`);
      near(level(63), -48);
      near(level(1023), -80);
      near(level(95), -52);
      assert.equal(level(2 ** 40), -240);
      const ages = [100, 1_000, 10_000, 100_000, 10_000_000].map(level);
      assert.deepEqual(
        ages,
        [...ages].sort((a, b) => b - a),
      );
    } finally {
      rmSync(run, { recursive: true });
    }
  });
});

describe("KeepalivedServer's arguments", () => {
  const refused = (more: object, ...messages: string[]) => {
    const { issues } = v.safeParse(keepalivedServerSchema, args(more));
    assert.deepEqual(
      issues?.map((issue) => issue.message),
      messages,
    );
  };

  it("are refused where they cannot be, with the reason", () => {
    const www = { id: 51, addresses: ["192.0.2.40/24"] };
    refused({ routers: { www: { ...www, id: 256 } } }, "got 256. Allowed: a whole number from 1 to 255");
    refused(
      { routers: { www, other: { id: 51, addresses: ["192.0.2.50/24"] } } },
      "routers.other.id: 51 is that of www already. Fix: choose another, 1 to 255",
    );
    refused(
      { routers: { www, other: { id: 52, addresses: ["192.0.2.40/24"] } } },
      "routers.other.addresses: 192.0.2.40/24 is there twice",
    );
    refused({ peers: ["192.0.2.41"] }, "source is among the peers. Fix: name only the others there");
    refused(
      { peers: ["2001:db8::1"] },
      "source and peers are of different families. Fix: give all of them as IPv4, or all as IPv6",
    );
    refused({ advertise: "10ms" }, 'got "10ms". Allowed: "50ms" to "40s", in steps of 10 ms');
    refused(
      { routers: { www: { ...www, addresses: ["192.0.2.40"] } } },
      '"192.0.2.40" is not an address with its subnet. Allowed: CIDR notation, e.g. "192.168.155.32/24"',
    );
  });

  it("clash with another router of the same id in the subnet, but not with the other one of the pair", () => {
    const handler = new KeepalivedServerHandler();
    const other = (address: string, id = 51) =>
      parsed({ name: "mail", source: "192.0.2.43", routers: { mail: { id, addresses: [address] } } });
    assert.deepEqual(handler.clashes(parsed(), [other("192.0.2.60/24")]), [
      {
        field: "routers.www.id",
        reason:
          "51 is that of mail of mail in the same subnet already, with other addresses. Fix: choose another, 1 to 255",
      },
    ]);
    const pair = parsed({ source: "192.0.2.42", peers: ["192.0.2.41"] });
    assert.deepEqual(handler.clashes(parsed(), [pair, other("192.0.2.60/24", 52), other("198.51.100.60/24")]), []);
  });
});
