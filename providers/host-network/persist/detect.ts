import type { Machine } from "../../machine/machine";
import { DETECT } from "./detect-script";
import type { RendererName } from "./renderer";

/**
 * How the host keeps its network, seen in one round trip: by what manages `uplink`, or where none is named the link of
 * the default route, and if nothing does, by what runs or is installed. Undefined where there is no sign of any.
 */
export async function detectRenderer(machine: Machine, uplink?: string): Promise<RendererName | undefined> {
  const { stdout } = await machine.run(["sh", "-s", "--", ...(uplink === undefined ? [] : [uplink])], {
    stdin: DETECT,
    timeout: 60_000,
  });
  return recognise(stdout);
}

/** Reads what DETECT prints. */
export function recognise(printed: string): RendererName | undefined {
  const facts = printed.split("\n").map((line) => [line.replace(/ .*/, ""), line.replace(/^\S+ ?/, "")] as const);
  const all = (key: string) => facts.flatMap(([name, value]) => (name === key ? [value] : []));
  const has = (key: string, value: string) => all(key).includes(value);
  const link = all("link")[0];
  const networkd = has("running", "systemd-network");
  const networkManager = has("running", "NetworkManager");
  const file = all("file")[0] ?? "";
  // "100 (connected)", but "100 (connected (externally))" for what others have set up.
  const state = all("nm")[0] ?? "";

  if (networkd && file !== "") return file.startsWith("/run/systemd/network/10-netplan-") ? "netplan" : "networkd";
  if (networkManager && /^\d+ \((connected|connecting|getting)(?!.*externally)/.test(state)) return "networkmanager";
  if (link !== undefined && has("iface", link) && has("program", "ifup")) return "ifupdown";
  if (link !== undefined && has("ifcfg", link) && !networkManager) return "ifcfg";

  if (all("netplan").length > 0 && has("program", "netplan") && (networkd || !networkManager)) return "netplan";
  if (networkd) return "networkd";
  if (networkManager) return "networkmanager";
  if (has("program", "ifup") && all("iface").length > 0) return "ifupdown";
  if (all("ifcfg").some((name) => name !== "lo")) return "ifcfg";
  return undefined;
}
