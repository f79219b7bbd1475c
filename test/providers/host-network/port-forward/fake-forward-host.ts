import { createHash } from "node:crypto";
import { CommandError } from "../../../../providers/machine/command-error";
import type { RunOptions, RunResult } from "../../../../providers/machine/machine";
import { FakeMachine } from "../../machine/fake-machine";

/**
 * A host as the script for port forwards finds it, in memory: the script's answers are made here, its files are kept here.
 * 192.168.155.32 on eth0, behind it the networks 192.168.150.0/24 and fd00:150::/64 on virbr1.
 */
export class FakeForwardHost extends FakeMachine {
  /** The forwards' files by id. */
  readonly forwards = new Map<string, string>();
  /** What each section of `look` prints; undefined for a command that fails. */
  sections: { [name: string]: string | undefined } = {
    user: "0\n",
    programs: "nft\nflock\nss\n",
    libvirt: "libvirtd (libvirt) 9.0.0\n",
    addresses: JSON.stringify([
      iface("lo", "127.0.0.1/8", "::1/128"),
      iface("eth0", "192.168.155.32/24", "fd00:155::32/64"),
      iface("virbr1", "192.168.150.1/24", "fd00:150::1/64"),
    ]),
    defaults: '[{"dst":"default","gateway":"192.168.155.1","dev":"eth0"}]\n[]\n',
    sockets: "",
    knobs: "/proc/sys/net/ipv4/ip_forward:1\n/proc/sys/net/ipv6/conf/all/forwarding:1\n",
    firewalld: undefined,
    hook: "",
    places: "iptables ahead\nip6tables ahead\n",
  };
  /** The rules in force; those of the files, unless somebody changed them. */
  rules?: string;
  /** How often it was looked at, and changed. */
  looks = 0;
  changes = 0;
  /** The ids whose rules nft refuses. */
  readonly refused = new Set<string>();
  private applied = "";

  override async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const [, , , , command, digest] = argv;
    if (this.away) throw this.away;
    // As slow as a process: calls of the same moment overlap.
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (command === "look") {
      this.looks++;
      return done(this.look());
    }
    if (digest !== this.digest) return done(this.look(), 75);
    this.changes++;
    const before = new Map(this.forwards);
    this.order(String(options.stdin));
    const bad = [...this.forwards.keys()].find((id) => this.refused.has(id));
    if (bad !== undefined) {
      this.forwards.clear();
      for (const [id, text] of before) this.forwards.set(id, text);
      throw new CommandError({ argv: ["sh"], machine: this.label, exitCode: 1, stdout: "", stderr: `bad: ${bad}` });
    }
    this.rules = this.forwards.size > 0 ? this.ruleset() : undefined;
    this.applied = this.digests + (this.rules ?? "");
    return done(this.look());
  }

  private order(text: string): void {
    for (const [, verb, id, rest] of text.matchAll(/^(put|remove) (\S+)\n((?:(?!put |remove ).*\n)*)/gm)) {
      if (verb === "put") this.forwards.set(id!, rest!);
      else this.forwards.delete(id!);
    }
  }

  private ruleset(): string {
    const added = [...this.forwards.values()].flatMap((text) => text.split("\n").filter((line) => /^add/.test(line)));
    return ["table inet pulumi_kvm {", ...added.map((line) => `\t\t${line}`), "}", ""].join("\n");
  }

  private get digests(): string {
    return [...this.forwards]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, text]) => `${sha256(text)}  ${id}.nft\n`)
      .join("");
  }

  private get digest(): string {
    return sha256(this.digests);
  }

  private look(): string {
    const files = [...this.forwards].map(([id, text]) => [`file ${id}.nft`, text] as const);
    const told = { ...this.sections, digests: this.digests, applied: this.applied, rules: this.rules };
    return [...Object.entries(told), ...files]
      .map(([name, text]) => `\x1e${name}\n${text ?? ""}\x1f${text === undefined ? 1 : 0}`)
      .join("");
  }
}

function done(stdout: string, exitCode = 0): RunResult {
  return { exitCode, stdout, stderr: "", truncated: false };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function iface(ifname: string, ...addresses: string[]) {
  return {
    ifname,
    addr_info: addresses.map((address) => {
      const [local, length] = address.split("/");
      return { local, prefixlen: Number(length), scope: ifname === "lo" ? "host" : "global" };
    }),
  };
}
