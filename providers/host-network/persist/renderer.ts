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
  /** Folders on the way that are missing are made. */
  path: string;
  content: string;
  /** Permission bits: 0o600 for NetworkManager's and netplan's, else 0o644. */
  mode: number;
  /**
   * Somebody else's file with a few lines out of force, because nothing can override them: ifupdown's and ifcfg's.
   * Nobody's to remove: `forget` returns it with those lines back in force.
   */
  foreign?: true;
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

/**
 * One of the ways in which hosts keep their network configuration.
 *
 * Both calls look at the host as it is and say what is to be written, so a second `persist` of the same bridge returns
 * the files as they are: what differs from the host is drift. Foreign files are returned only where they have to change.
 * Both reject with an OperatorError for what this way cannot express.
 */
export interface Renderer {
  readonly name: RendererName;
  /** What makes the host bring up `config` at its next boot. `ours` are the files that an earlier `up` wrote. */
  persist(config: BridgeConfig, host: HostFiles, ours: readonly string[]): Promise<Persistence>;
  /** What takes the bridge out of the configuration again, as it was before us. */
  forget(config: BridgeConfig, host: HostFiles, ours: readonly string[]): Promise<Persistence>;
}
