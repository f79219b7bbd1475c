import type { Machine } from "../../machine/machine";
import type { BridgeConfig } from "../model";

export const rendererNames = ["networkd", "networkmanager", "ifupdown", "netplan", "ifcfg"] as const;

export type RendererName = (typeof rendererNames)[number];

/** What a renderer may look at: files of the host, never changed through it. */
export type HostFiles = Pick<Machine, "read" | "status"> & {
  /** Names in a folder; none where it is missing. */
  list(folder: string): Promise<string[]>;
};

/** One configuration file as it shall be. */
export interface ConfigFile {
  path: string;
  content: string;
  /** Permission bits: 0o600 for NetworkManager's and netplan's, else 0o644. */
  mode: number;
}

/** How the host's configuration comes to say what is declared. */
export interface Persistence {
  files: ConfigFile[];
  /** Files that shall not be there any more: ours of an earlier `up`. */
  remove: string[];
  /** What tells a running manager of the files, in order; nothing where none runs. It may touch links. */
  handover: string[][];
  /** What an operator should know, one line each. */
  warnings: string[];
}

/** One of the ways in which hosts keep their network configuration. */
export interface Renderer {
  readonly name: RendererName;
  /** What makes the host bring up `config` at its next boot. `ours` are the files that an earlier `up` wrote. */
  persist(config: BridgeConfig, host: HostFiles, ours: readonly string[]): Promise<Persistence>;
  /** What takes the bridge out of the configuration again, as it was before us. */
  forget(config: BridgeConfig, host: HostFiles, ours: readonly string[]): Promise<Persistence>;
}
