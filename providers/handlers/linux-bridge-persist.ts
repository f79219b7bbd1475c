import { detectRenderer, renderers } from "../host-network/persist";
import { isOwn } from "../host-network/persist/own-file";
import type { HostFiles, Persistence, RendererName } from "../host-network/persist/renderer";
import type { BridgeConfig } from "../host-network/model";
import type { Machine } from "../machine/machine";
import { NotFoundError } from "../machine/not-found-error";
import type { LinuxBridgeInputs } from "../schema/linux-bridge";
import type { LinuxBridgeState } from "./linux-bridge";

/** What a change does to the host's configuration, beside its running network. */
export interface Kept extends Persistence {
  renderer: RendererName | "none";
  /** Every file that is written by now, also by earlier runs. */
  ours: string[];
  /** What tells the host's network manager of it when the change is taken back. */
  handback: string[][];
  /** Whether a network manager runs that asks DHCP by itself. */
  managed: boolean;
}

export const nothingKept: Kept = {
  renderer: "none",
  managed: false,
  ours: [],
  files: [],
  remove: [],
  handover: [],
  handback: [],
  warnings: [],
};

/** How the host's configuration is written: as declared, as before, or as the host does it. */
export async function rendererOf(
  machine: Machine,
  { persist }: LinuxBridgeInputs,
  config: BridgeConfig,
  before?: RendererName | "none",
): Promise<RendererName | "none"> {
  if (persist !== "auto") return persist;
  if (before !== undefined && before !== "none") return before;
  const [first] = config.uplinks.flatMap((uplink) =>
    uplink.kind === "bond" ? uplink.ports : uplink.kind === "vlan" ? [uplink.link] : [uplink.name],
  );
  return (await detectRenderer(machine, first)) ?? "none";
}

/** What has to be written so that the bridge is there after a reboot; nothing where all of it is there already. */
export async function kept(
  machine: Machine,
  renderer: RendererName | "none",
  config: BridgeConfig,
  olds?: LinuxBridgeState,
): Promise<Kept> {
  const files = filesOf(machine);
  const before = olds?.files ?? [];
  const old = olds && olds.renderer !== "none" && olds.renderer !== renderer ? olds.renderer : undefined;
  const left = old ? await renderers[old].forget(olds!.config, files, before) : undefined;
  if (renderer === "none") return { ...nothingKept, ...left, renderer, handback: left?.handover ?? [], ours: [] };
  const wanted = await renderers[renderer].persist(config, files, left ? [] : before);
  const changed = await differing(machine, wanted.files);
  const quiet = changed.length + wanted.remove.length === 0;
  const handover = quiet ? [] : [...(left?.handover ?? []), ...wanted.handover];
  return {
    renderer,
    managed: wanted.handover.length > 0,
    ours: [
      ...new Set([...wanted.files.map(({ path }) => path), ...before.filter((path) => !wanted.remove.includes(path))]),
    ],
    files: [...(left?.files ?? []), ...changed],
    remove: [...new Set([...(left?.remove ?? []), ...wanted.remove])],
    handover,
    handback: before.length > 0 || quiet ? handover : (await renderers[renderer].forget(config, files, [])).handover,
    warnings: wanted.warnings,
  };
}

/** What takes the bridge out of the host's configuration. */
export async function forgotten(machine: Machine, { renderer, config, files }: LinuxBridgeState): Promise<Kept> {
  if (renderer === "none") return nothingKept;
  const host = filesOf(machine);
  const left = await renderers[renderer].forget(config, host, files);
  const managed = left.handover.length > 0;
  const handback = managed ? (await renderers[renderer].persist(config, host, files)).handover : [];
  return { ...left, renderer: "none", managed, handback, ours: [] };
}

/** Our own files that are not there, or not as they were written; others' may change. */
export async function changedFiles(machine: Machine, paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.filter(isOwn).map(async (path) => ({ path, status: await machine.status(path) })),
  );
  return found.filter(({ status }) => status?.type !== "file").map(({ path }) => path);
}

async function differing(machine: Machine, files: Persistence["files"]): Promise<Persistence["files"]> {
  const there = await Promise.all(files.map(({ path }) => text(machine, path)));
  return files.filter(({ content }, at) => there[at] !== content);
}

async function text(machine: Machine, path: string): Promise<string | undefined> {
  try {
    return (await machine.read(path)).toString();
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

const LIST = 'cd -- "$1" 2>/dev/null || exit 0; ls -A';

function filesOf(machine: Machine): HostFiles {
  return {
    read: (path, options) => machine.read(path, options),
    status: (path, options) => machine.status(path, options),
    async list(folder) {
      const { stdout } = await machine.run(["sh", "-c", LIST, "sh", folder]);
      return stdout.split("\n").filter((name) => name !== "");
    },
  };
}
