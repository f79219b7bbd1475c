import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  access,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A guest small enough to boot under TCG in seconds: give all three to a Domain's direct kernel boot. */
export interface TinyGuest {
  kernel: string;
  initrd: string;
  /** Add words such as "tiny.noagent" or "tiny.panic"; tiny-guest-init.sh lists them. */
  cmdline: string;
  /** The least memory it boots in. */
  memory: string;
}

/** In the order in which they must be loaded. */
const modules = [
  "drivers/virtio/virtio_ring",
  "drivers/virtio/virtio",
  "drivers/virtio/virtio_pci_legacy_dev",
  "drivers/virtio/virtio_pci_modern_dev",
  "drivers/virtio/virtio_pci",
  "net/core/failover",
  "drivers/net/net_failover",
  "drivers/net/virtio_net",
  "drivers/block/virtio_blk",
  "drivers/char/virtio_console",
  "drivers/char/hw_random/virtio-rng",
  "drivers/virtio/virtio_balloon",
  "drivers/acpi/button",
  "drivers/input/evdev",
];

/** Copied to /extra in the order in which they must be loaded, for tests of networks; not loaded, because that takes time. */
const extraModules = [
  "net/llc/llc",
  "net/802/stp",
  "net/bridge/bridge",
  "net/802/garp",
  "net/802/mrp",
  "net/8021q/8021q",
  "net/tls/tls",
  "drivers/net/bonding/bonding",
  "drivers/net/veth",
];

/** Copied to /extra too: busybox has an `ip` of its own, which prints no JSON, and it takes that one before any other. */
const extraPrograms = ["/usr/bin/dash", "/usr/bin/setsid", "/sbin/ip", "/sbin/bridge"];

const packages = ["linux-image-cloud-amd64", "busybox-static", "qemu-guest-agent"];

/**
 * Debian's cloud kernel with an initramfs of busybox and the guest agent: DHCP on every NIC (hot-added ones too), its
 * boot id on port 80, powers off on request, prints to ttyS0. Built once from Debian packages and kept in the cache
 * folder (`/var/cache` for root, because QEMU's user cannot enter /root). Throws where Debian packages cannot be had.
 */
export async function tinyGuest(): Promise<TinyGuest> {
  const sources = await Promise.all(
    ["tiny-guest.ts", "tiny-guest-init.sh", "tiny-guest-dhcp.sh"].map((file) => readFile(path.join(__dirname, file))),
  );
  const key = createHash("sha256").update(Buffer.concat(sources)).digest("hex").slice(0, 16);
  const folder = path.join(cacheFolder(), "pulumi-kvm", `tiny-guest-${key}`);
  const kernel = path.join(folder, "vmlinuz");
  const initrd = path.join(folder, "initrd");
  if (!(await exists(initrd))) await build(folder);
  return { kernel, initrd, cmdline: "console=ttyS0 quiet panic=-1", memory: "96MiB" };
}

function cacheFolder(): string {
  if (process.getuid?.() === 0) return "/var/cache";
  return process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache");
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function build(folder: string): Promise<void> {
  const work = await mkdtemp(path.join(tmpdir(), "tiny-guest-"));
  const made = `${folder}.${randomUUID()}`;
  try {
    const debian = await unpackPackages(work);
    await mkdir(made, { recursive: true, mode: 0o755 });
    const boot = path.join(debian, "boot");
    const image = (await readdir(boot)).find((file) => file.startsWith("vmlinuz-"))!;
    await copyFile(path.join(boot, image), path.join(made, "vmlinuz"));
    const tree = await layOut(path.join(work, "tree"), debian, image.replace("vmlinuz-", ""));
    const initrd = path.join(made, "initrd");
    const busybox = path.join(tree, "bin", "busybox");
    await run("sh", ["-c", 'cd "$1" && find . | "$2" cpio -o -H newc > "$3"', "sh", tree, busybox, initrd]);
    for (const file of ["vmlinuz", "initrd"]) await chmod(path.join(made, file), 0o644);
    await rename(made, folder).catch(async (error) => {
      if (!(await exists(path.join(folder, "initrd")))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(made, { recursive: true, force: true });
  }
}

/** Downloads the packages (a meta package's one dependency in its place) and extracts them without installing. */
async function unpackPackages(work: string): Promise<string> {
  const debian = path.join(work, "debian");
  await chmod(work, 0o755);
  const { stdout } = await run("apt-cache", ["depends", packages[0]!]);
  const kernel = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (!kernel) throw new Error(`apt knows no ${packages[0]}. Fix: apt-get update on a Debian machine`);
  await run("apt-get", ["-q", "download", kernel, ...packages.slice(1)], { cwd: work });
  for (const file of await readdir(work))
    if (file.endsWith(".deb")) await run("dpkg-deb", ["-x", path.join(work, file), debian]);
  return debian;
}

async function layOut(tree: string, debian: string, release: string): Promise<string> {
  for (const directory of ["bin", "sbin", "modules", "extra", "lib64"])
    await mkdir(path.join(tree, directory), { recursive: true });
  await copyExecutable((await firstOf(debian, ["bin/busybox", "usr/bin/busybox"]))!, path.join(tree, "bin/busybox"));
  await symlink("busybox", path.join(tree, "bin/sh"));
  await copyExecutable(path.join(__dirname, "tiny-guest-init.sh"), path.join(tree, "init"));
  await copyExecutable(path.join(__dirname, "tiny-guest-dhcp.sh"), path.join(tree, "dhcp"));
  await writeFile(path.join(tree, "sbin/shutdown"), shutdown, { mode: 0o755 });
  await copyModules(tree, debian, release, modules, "modules");
  await copyModules(tree, debian, release, extraModules, "extra");
  await copyProgram(tree, path.join(debian, "usr/sbin/qemu-ga"), "bin");
  for (const program of extraPrograms) if (await exists(program)) await copyProgram(tree, program, "extra");
  return tree;
}

/** What the guest agent runs: `shutdown -h -P +0`, or with -r. */
const shutdown = `#!/bin/sh
case " $* " in *" -r "*) exec reboot -f ;; *) exec poweroff -f ;; esac
`;

async function copyModules(
  tree: string,
  debian: string,
  release: string,
  names: readonly string[],
  folder: string,
): Promise<void> {
  const order: string[] = [];
  for (const module of names) {
    const from = await firstOf(path.join(debian, "lib/modules", release, "kernel"), [
      `${module}.ko`,
      `${module}.ko.xz`,
    ]);
    if (!from) continue;
    order.push(path.basename(from));
    await copyFile(from, path.join(tree, folder, path.basename(from)));
  }
  await writeFile(path.join(tree, folder, "order"), order.join("\n"));
}

/** A program with the libraries that the machine's own programs need too. */
async function copyProgram(tree: string, program: string, folder: string): Promise<void> {
  await copyExecutable(program, path.join(tree, folder, path.basename(program)));
  const { stdout } = await run("ldd", [program]);
  if (stdout.includes("not found")) throw new Error(`${program} lacks libraries here: ${stdout}`);
  for (const [, library] of stdout.matchAll(/(\/\S+) \(0x/g)) {
    await mkdir(path.join(tree, path.dirname(library!)), { recursive: true });
    await copyExecutable(library!, path.join(tree, library!));
  }
}

async function copyExecutable(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o755);
}

async function firstOf(folder: string, names: string[]): Promise<string | undefined> {
  for (const name of names) if (await exists(path.join(folder, name))) return path.join(folder, name);
  return undefined;
}
