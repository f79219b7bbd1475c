import { bytes, formatSize } from "../../schema/size";
import { attribute, child, children, element, replaceChild, text, type Element } from "./document";
import { sizeIn } from "./domain-size";
import { adopt, ensureChild, setAttribute } from "./edit";

/** A folder of the host at a place in the container. */
export interface MountModel {
  source: string;
  target: string;
  readonly: boolean;
}

/** What only a container has; all of it is undefined in the document of a machine. */
export interface ContainerModel {
  /** Process 1 and its arguments. */
  init?: string[];
  initEnv?: { [name: string]: string };
  /** The folder of the host that is its root. */
  root?: string;
  mounts?: MountModel[];
  idmap?: { start: number; count: number };
  capabilities?: { policy: string; add: string[]; drop: string[] };
  /** Character devices of the host. */
  devices?: string[];
  memtune?: { softLimit?: string; swapHardLimit?: string };
  cputune?: { shares?: number; quota?: number; period?: number };
}

type Editor = (root: Element, model: ContainerModel) => void;

/** How each field is written (https://libvirt.org/drvlxc.html, https://libvirt.org/formatdomain.html). */
export const containerEditors: { [Field in keyof ContainerModel]-?: Editor } = {
  init: (root, { init = [] }) => {
    const os = ensureChild(root, "os");
    const [program, ...args] = init;
    replaceChild(os, "init", program === undefined ? undefined : element("init", {}, program));
    for (const old of children(os, "initarg")) os.removeChild(old);
    for (const arg of args) adopt(os, element("initarg", {}, arg));
  },
  initEnv: (root, { initEnv = {} }) => {
    const os = ensureChild(root, "os");
    for (const old of children(os, "initenv")) os.removeChild(old);
    for (const [name, value] of Object.entries(initEnv)) adopt(os, element("initenv", { name }, value));
  },
  root: (domain, { root }) => {
    const devices = ensureChild(domain, "devices");
    const at = folders(devices).find((folder) => targetOf(folder) === "/");
    const wanted = root === undefined ? undefined : { source: root, target: "/", readonly: false };
    if (!at && wanted) devices.insertBefore(imported(devices, mountElement(wanted)), devices.firstChild);
    else if (wanted) setAttribute(child(at, "source")!, "dir", root);
    else if (at) devices.removeChild(at);
  },
  mounts: (domain, { mounts = [] }) => {
    const devices = ensureChild(domain, "devices");
    const places = new Map(folders(devices).map((folder) => [targetOf(folder), folder]));
    places.delete("/");
    for (const [target, at] of places) if (!mounts.some((mount) => mount.target === target)) devices.removeChild(at);
    for (const mount of mounts) {
      const at = places.get(mount.target);
      if (!at) adopt(devices, mountElement(mount));
      else {
        setAttribute(child(at, "source")!, "dir", mount.source);
        replaceChild(at, "readonly", mount.readonly ? element("readonly") : undefined);
      }
    }
  },
  idmap: (root, { idmap }) => {
    const range = idmap && { start: 0, target: idmap.start, count: idmap.count };
    replaceChild(root, "idmap", range && element("idmap", {}, element("uid", range), element("gid", range)));
  },
  capabilities: (root, { capabilities }) => {
    const { policy, add = [], drop = [] } = capabilities ?? {};
    const states = [...add.map((name) => [name, "on"]), ...drop.map((name) => [name, "off"])];
    const parts = states.map(([name, state]) => element(name!, { state }));
    replaceChild(
      ensureChild(root, "features"),
      "capabilities",
      capabilities && element("capabilities", { policy }, parts),
    );
  },
  devices: (root, { devices: wanted = [] }) => {
    const devices = ensureChild(root, "devices");
    const present = nodes(devices);
    for (const [path, at] of present) if (!wanted.includes(path)) devices.removeChild(at);
    for (const path of wanted.filter((path) => !present.has(path))) {
      const source = element("source", {}, element("char", {}, path));
      adopt(devices, element("hostdev", { mode: "capabilities", type: "misc" }, source));
    }
  },
  memtune: (root, { memtune = {} }) => {
    const limit = (name: string, size: string | undefined) =>
      size === undefined ? undefined : element(name, { unit: "KiB" }, bytes(size) / 1024);
    const { softLimit, swapHardLimit } = memtune;
    editGroup(root, "memtune", {
      soft_limit: limit("soft_limit", softLimit),
      swap_hard_limit: limit("swap_hard_limit", swapHardLimit),
    });
  },
  cputune: (root, { cputune = {} }) => {
    const number = (name: "shares" | "period" | "quota") =>
      cputune[name] === undefined ? undefined : element(name, {}, cputune[name]);
    editGroup(root, "cputune", { shares: number("shares"), period: number("period"), quota: number("quota") });
  },
};

/** Puts these elements into the group, which goes when nothing is left in it. */
function editGroup(root: Element, name: string, parts: { [name: string]: Element | undefined }): void {
  const group = ensureChild(root, name);
  for (const [part, made] of Object.entries(parts)) replaceChild(group, part, made);
  if (children(group).length === 0) root.removeChild(group);
}

function imported(into: Element, made: Element): Element {
  return into.ownerDocument!.importNode(made, true);
}

function mountElement({ source, target, readonly }: MountModel): Element {
  return element(
    "filesystem",
    { type: "mount", accessmode: "passthrough" },
    element("source", { dir: source }),
    element("target", { dir: target }),
    readonly && element("readonly"),
  );
}

/** The folders of the host; other kinds of file systems are not the model's. */
function folders(devices: Element | undefined): Element[] {
  return children(devices, "filesystem").filter(
    (at) => (attribute(at, "type") ?? "mount") === "mount" && attribute(child(at, "source"), "dir") !== undefined,
  );
}

function targetOf(at: Element): string {
  return attribute(child(at, "target"), "dir") ?? "";
}

function nodes(devices: Element | undefined): Map<string, Element> {
  const found = new Map<string, Element>();
  for (const at of children(devices, "hostdev")) {
    const path = text(at, "source", "char");
    if (attribute(at, "mode") === "capabilities" && path !== undefined) found.set(path, at);
  }
  return found;
}

export function isContainer(root: Element): boolean {
  return attribute(root, "type") === "lxc";
}

export function parseContainer(root: Element): ContainerModel {
  if (!isContainer(root)) return {};
  const os = child(root, "os");
  const devices = child(root, "devices");
  const all = folders(devices).map((at) => ({
    source: attribute(child(at, "source"), "dir")!,
    target: targetOf(at),
    readonly: child(at, "readonly") !== undefined,
  }));
  const init = text(os, "init");
  const env = children(os, "initenv").map((at) => [attribute(at, "name") ?? "", at.textContent ?? ""]);
  return {
    init: init === undefined ? undefined : [init, ...children(os, "initarg").map((at) => at.textContent ?? "")],
    initEnv: env.length > 0 ? (Object.fromEntries(env) as ContainerModel["initEnv"]) : undefined,
    root: all.find(({ target }) => target === "/")?.source,
    mounts: all.filter(({ target }) => target !== "/"),
    idmap: parseIdmap(child(root, "idmap", "uid")),
    capabilities: parseCapabilities(child(root, "features", "capabilities")),
    devices: [...nodes(devices).keys()],
    memtune: parseMemtune(child(root, "memtune")),
    cputune: parseCputune(child(root, "cputune")),
  };
}

function parseIdmap(uid: Element | undefined): ContainerModel["idmap"] {
  return uid && { start: Number(attribute(uid, "target")), count: Number(attribute(uid, "count")) };
}

function parseCapabilities(at: Element | undefined): ContainerModel["capabilities"] {
  if (!at) return undefined;
  const named = (state: string) =>
    children(at)
      .filter((one) => (attribute(one, "state") ?? "on") === state)
      .map((one) => one.nodeName);
  return { policy: attribute(at, "policy") ?? "default", add: named("on"), drop: named("off") };
}

function parseMemtune(at: Element | undefined): ContainerModel["memtune"] {
  const size = (name: string) => {
    const found = at && sizeIn(at, name);
    return found === undefined ? undefined : formatSize(found);
  };
  const found = { softLimit: size("soft_limit"), swapHardLimit: size("swap_hard_limit") };
  return (found.softLimit ?? found.swapHardLimit) ? found : undefined;
}

function parseCputune(at: Element | undefined): ContainerModel["cputune"] {
  const number = (name: string) => {
    const found = text(at, name);
    return found === undefined ? undefined : Number(found);
  };
  const found = { shares: number("shares"), quota: number("quota"), period: number("period") };
  return Object.values(found).some((value) => value !== undefined) ? found : undefined;
}
