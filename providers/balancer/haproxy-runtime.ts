import type { FarmInputs, MemberState } from "../schema/balancer-farm";
import type { HaproxyServerInputs } from "../schema/haproxy-server";

/** A member as a running HAProxy has it. */
export interface RunningMember {
  farm: string;
  name: string;
  /** What administrators want of it. */
  state: MemberState;
  weight: number;
  /** "UP", "DOWN", "MAINT", "DRAIN", "no check". */
  health: string;
}

const shown = { ready: "ready", drain: "drain", maintenance: "maint" } as const;

/** What is said to a running HAProxy so that its members are as declared, where they are not. */
export function stateCommands({ farms }: HaproxyServerInputs, running: readonly RunningMember[]): string[] {
  return wanted(farms).flatMap(({ farm, name, state, weight }) => {
    const now = running.find((one) => one.farm === farm && one.name === name);
    if (!now || isAs(now, { state, weight })) return [];
    return [
      // One that drains in the configuration has the weight 0.
      ...(state !== "drain" && now.weight !== weight ? [`set server ${farm}/${name} weight ${weight}`] : []),
      ...(now.state === state ? [] : [`set server ${farm}/${name} state ${shown[state]}`]),
    ];
  });
}

/** Members whose state or weight somebody has changed at the runtime socket: "www/web-1 drains". */
export function strayed({ farms }: HaproxyServerInputs, running: readonly RunningMember[]): string[] {
  return wanted(farms).flatMap(({ farm, name, state, weight }) => {
    const now = running.find((one) => one.farm === farm && one.name === name);
    if (!now) return [`${farm}/${name} is missing`];
    if (isAs(now, { state, weight })) return [];
    const words = { ready: "is ready", drain: "drains", maintenance: "is in maintenance" };
    return [now.state === state ? `${farm}/${name} has weight ${now.weight}` : `${farm}/${name} ${words[now.state]}`];
  });
}

function isAs(now: RunningMember, wanted: { state: MemberState; weight: number }): boolean {
  return now.state === wanted.state && (wanted.state === "drain" || now.weight === wanted.weight);
}

function wanted(farms: { [name: string]: FarmInputs }) {
  return Object.entries(farms).flatMap(([farm, { members }]) =>
    members.map(({ name, state, weight }) => ({ farm, name, state, weight })),
  );
}

// Of `srv_admin_state` in `show servers state`, management guide 9.3. That of the configuration (4) stays for ever.
const forcedMaintenance = 0x01;
const forcedDrain = 0x08;

/** What `show servers state` and `show stat` say, in this order, with an empty line between. */
export function runningMembers(said: string): RunningMember[] {
  const lines = said.split("\n");
  const states = table(lines, /^# be_id be_name /, " ");
  const stats = table(lines, /^# pxname,/, ",");
  return states.map((row) => {
    const administered = Number(row["srv_admin_state"]);
    const weight = Number(row["srv_uweight"]);
    const found = stats.find((one) => one["pxname"] === row["be_name"] && one["svname"] === row["srv_name"]);
    return {
      farm: row["be_name"]!,
      name: row["srv_name"]!,
      weight,
      health: found?.["status"] ?? "unknown",
      state:
        (administered & forcedMaintenance) > 0
          ? "maintenance"
          : (administered & forcedDrain) > 0 || weight === 0
            ? "drain"
            : "ready",
    };
  });
}

function table(lines: readonly string[], head: RegExp, separator: string): { [column: string]: string }[] {
  const at = lines.findIndex((line) => head.test(line));
  if (at < 0) return [];
  const columns = lines[at]!.slice(2).split(separator);
  const end = lines.findIndex((line, index) => index > at && line.trim() === "");
  return lines
    .slice(at + 1, end < 0 ? undefined : end)
    .map((line) => Object.fromEntries(line.split(separator).map((value, index) => [columns[index] ?? "", value])));
}

/** The health of each farm's members: { www: { "web-1": "UP" } }. */
export function healthOf(running: readonly RunningMember[]): { [farm: string]: { [member: string]: string } } {
  const farms: { [farm: string]: { [member: string]: string } } = {};
  for (const { farm, name, health } of running) (farms[farm] ??= {})[name] = health;
  return farms;
}
