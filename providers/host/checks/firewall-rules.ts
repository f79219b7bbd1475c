import type { Finding } from "../finding";
import { firewallBackend } from "../firewall";
import { ofBoth, type LibvirtSide, type MachineSide } from "../inspection";
import { privileged } from "../privileged";
import type { Chain, Survey } from "../survey";
import type { Target } from "../target";

/** The bridges that libvirt and container engines make for themselves. */
const madeBridges = /^(virbr|docker|br-[0-9a-f]{12}$|lxcbr|lxdbr|incusbr|podman|cni)/;

/**
 * No other firewall drops what guests send. A packet has to be accepted in every table: libvirt's iptables rules come
 * first in the chain that Docker and ufw give the policy DROP, but its nftables rules are in a table of their own.
 */
export const firewallRules = ofBoth("firewall", async (machine, libvirt, { target, signal }) => {
  const { survey } = machine;
  if (!survey.chains && survey.legacyRules === undefined)
    return { skipped: survey.root ? "no firewall rules can be listed" : "only root can list firewall rules" };
  const findings = await hostBridges(machine, libvirt, signal);
  if (target.subnets.length === 0) return findings;
  const backend = firewallBackend(survey, libvirt.report);
  const ours = (chain: Chain) => backend !== "nftables" && chain.table === "filter" && chain.family.startsWith("ip");
  const families = new Set(["inet", ...target.subnets.map(({ subnet }) => (subnet.includes(":") ? "ip6" : "ip"))]);
  const dropping = (survey.chains ?? []).filter(
    (chain) => chain.policy === "drop" && families.has(chain.family) && !ours(chain),
  );
  for (const chain of dropping) {
    const effect = effects[chain.hook ?? ""];
    if (!effect) continue;
    const text = await tableText(machine, chain, signal);
    if (mentions(text, chain, target, libvirt)) continue;
    findings.push(blocked(chain, effect, text, survey));
  }
  if (backend === "nftables" && /^-P FORWARD DROP$/m.test(survey.legacyRules ?? "") && families.has("ip"))
    findings.push(
      blocked(
        { family: "ip", table: "filter", name: "FORWARD", hook: "forward" },
        effects["forward"]!,
        survey.legacyRules!,
        survey,
      ),
    );
  return findings;
});

const effects: { [hook: string]: string } = {
  forward: "guests reach nobody beyond the host",
  input: "guests get no address and no names from the host",
};

async function tableText({ machine }: MachineSide, { family, table }: Chain, signal?: AbortSignal): Promise<string> {
  const { stdout } = await machine.run(["nft", "list", "table", family, table], {
    env: { PATH: "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin" },
    timeout: 30_000,
    signal,
  });
  return stdout;
}

/** Whether the table has rules for libvirt's bridges, which then are taken for what they should be. */
function mentions(text: string, { hook }: Chain, target: Target, { report }: LibvirtSide): boolean {
  const names = new Set(target.subnets.map(({ name }) => name));
  const bridges = report.networks.flatMap(({ name, bridge }) => (names.has(name) ? (bridge ?? []) : []));
  if (["virbr", "vir*", ...bridges].some((name) => text.includes(name))) return true;
  return hook === "input" && /\bdport (67|bootps|\{[^}]*\b(67|bootps)\b)/.test(text);
}

function blocked(chain: Chain, effect: string, text: string, survey: Survey): Finding {
  const iptables = chain.table === "filter" && (chain.family === "ip" || chain.family === "ip6");
  const who = /\bDOCKER\b/.test(text) ? "Docker's " : /\bufw-/.test(text) ? "ufw's " : "";
  const rules = [
    `nft insert rule ${chain.family} ${chain.table} ${chain.name} iifname "virbr*" accept`,
    ...(chain.hook === "forward"
      ? [`nft insert rule ${chain.family} ${chain.table} ${chain.name} oifname "virbr*" accept`]
      : []),
  ];
  return {
    level: "warning",
    field: "subnets",
    problem: `${who}firewall chain ${chain.family} ${chain.table} ${chain.name} has the policy drop, which libvirt's own rules do not lift: ${effect}`,
    fix: iptables
      ? 'set firewall_backend = "iptables" in /etc/libvirt/network.conf and restart libvirtd (or virtnetworkd): libvirt then writes its rules into that chain'
      : `${rules.map((rule) => privileged(survey, rule)).join("; ")}, and in your firewall's own configuration`,
  };
}

/** Guests plugged into a bridge of the host's own: where bridged frames pass iptables, its policy stops them. */
async function hostBridges(machine: MachineSide, { report }: LibvirtSide, signal?: AbortSignal): Promise<Finding[]> {
  const { survey } = machine;
  if (survey.files.get("/proc/sys/net/bridge/bridge-nf-call-iptables") !== "1") return [];
  const virtual = new Set(report.networks.map(({ bridge }) => bridge));
  const bridges = (survey.interfaces ?? []).filter(
    ({ name, kind }) => kind === "bridge" && !virtual.has(name) && !madeBridges.test(name),
  );
  const forward = survey.chains?.find(
    ({ family, table, hook }) => family === "ip" && table === "filter" && hook === "forward",
  );
  const legacy = /^-P FORWARD DROP$/m.test(survey.legacyRules ?? "") ? survey.legacyRules! : undefined;
  if (bridges.length === 0 || (forward?.policy !== "drop" && legacy === undefined)) return [];
  const rules = forward?.policy === "drop" ? await tableText(machine, forward, signal) : legacy!;
  return bridges
    .filter(({ name }) => !rules.split(/[\s"]+/).includes(name) && !rules.includes("physdev-is-bridged"))
    .map(({ name }) => ({
      level: "warning",
      field: "machine",
      problem: `the FORWARD chain's policy is DROP and bridged frames pass it (bridge-nf-call-iptables is 1): guests on bridge ${name} are cut off from the network`,
      fix: privileged(survey, `iptables -I FORWARD -i ${name} -o ${name} -j ACCEPT`),
    }));
}
