import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { BridgeConfig } from "../../../../providers/host-network/model";
import type { ConfigFile, HostFiles, Persistence } from "../../../../providers/host-network/persist/renderer";
import type { FileStatus } from "../../../../providers/machine/machine";
import { NotFoundError } from "../../../../providers/machine/not-found-error";

const busConfig = `<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
`;

/** The addresses of its NICs. */
export const macOf: { [link: string]: string } = { eth0: "52:54:00:aa:00:10", eth1: "52:54:00:aa:00:11" };

/** The folders of /etc that it has for itself. Of the first, hooks and defaults are the machine's. */
const folders = ["network", "NetworkManager", "netplan", "systemd/network"];

/** Whether it could have an /etc. */
const overlay =
  "mount -t tmpfs t /run && mkdir /run/u /run/w && mount -t overlay -o lowerdir=/etc,upperdir=/run/u,workdir=/run/w o /etc";

/** What of them a test fills by itself. */
const configuration = ["network/interfaces.d", "NetworkManager/system-connections", "netplan", "systemd/network"];

/**
 * A host that is only its network: a folder for its disk, which stays, and namespaces for the rest, which are new at
 * every boot. Its eth0 is on a LAN with a router at 192.168.155.1 and fd00:155::1, in the namespace "lan". Needs root.
 */
export class SmallHost implements HostFiles {
  private process?: ChildProcess;
  private monitors = 0;
  private readonly disk = mkdtempSync("/tmp/small-host-");

  constructor(files: { [path: string]: string } = {}) {
    for (const folder of folders) {
      const [from, to] = [join("/etc", folder), join(this.disk, "etc", folder)];
      mkdirSync(to, { recursive: true });
      if (existsSync(from)) cpSync(from, to, { recursive: true, verbatimSymlinks: true });
    }
    for (const folder of configuration) {
      rmSync(join(this.disk, "etc", folder), { recursive: true, force: true });
      mkdirSync(join(this.disk, "etc", folder), { recursive: true });
    }
    for (const [path, content] of Object.entries(files))
      this.put(path, content, /NetworkManager|netplan/.test(path) ? 0o600 : 0o644);
  }

  /** Why there can be none; undefined when there can. */
  static obstacle(...programs: string[]): string | undefined {
    if (process.getuid?.() !== 0) return "needs root";
    const where = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/lib/systemd"];
    const missing = programs.filter((name) => !where.some((folder) => existsSync(join(folder, name))));
    if (missing.length > 0) return `needs ${missing.join(" and ")}`;
    const { status } = spawnSync("unshare", ["--mount", "sh", "-c", overlay], { stdio: "ignore" });
    return status === 0 ? undefined : "needs overlayfs";
  }

  /** What this kernel cannot make of a bridge; undefined when it can make all of it. */
  static lackOf({ vlans, uplinks }: BridgeConfig): string | undefined {
    const has = (kind: string) => uplinks.some((uplink) => uplink.kind === kind);
    if (vlans && !canMake("link add name x0 type bridge vlan_filtering 1"))
      return "needs a kernel with VLAN filtering of bridges";
    if (has("bond") && !canMake("link add name x0 type bond")) return "needs a kernel with bonding";
    if (has("vlan") && !canMake("link add name x0 type bridge", "link add link x0 name x0.5 type vlan id 5"))
      return "needs a kernel with VLAN interfaces";
    return undefined;
  }

  /** Power on, with nothing configured yet. */
  async boot(): Promise<void> {
    await this.powerOff();
    const namespaces = ["--mount", "--net", "--uts", "--pid", "--fork", "--kill-child"];
    const child = spawn("unshare", [...namespaces, "sh", join(__dirname, "small-host.sh"), this.disk]);
    this.process = child;
    let said = "";
    child.stderr.on("data", (data: Buffer) => (said += data.toString()));
    await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
    if (child.exitCode !== null) throw new Error(`the host does not boot: ${said}`);
  }

  /** At once, as when the plug is pulled. */
  async powerOff(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.stdin!.end();
    await gone;
  }

  async destroy(): Promise<void> {
    await this.powerOff();
    rmSync(this.disk, { recursive: true, force: true });
  }

  private enter(argv: readonly string[]): [program: string, argv: string[]] {
    const proc = `/proc/${this.process!.pid}/ns`;
    const namespaces = [`--mount=${proc}/mnt`, `--net=${proc}/net`, `--pid=${proc}/pid_for_children`];
    return ["nsenter", [...namespaces, "--wd=/", ...argv]];
  }

  /** What a command says, which has to end well. */
  sh(...argv: string[]): string {
    const { status, stdout, stderr } = this.try(...argv);
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
    return stdout;
  }

  try(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(...this.enter(argv), { encoding: "utf8" });
  }

  /** Starts a daemon, which lives as long as the host. What it says is in /run/NAME.log. */
  start(name: string, ...argv: string[]): ChildProcess {
    const script = 'exec "$@" >"$0" 2>&1';
    return spawn(...this.enter(["sh", "-c", script, `/run/${name}.log`, ...argv]), { stdio: "ignore" });
  }

  /** A system bus of its own, on which everybody may do everything. */
  async startBus(): Promise<void> {
    const path = "/run/dbus/small-host.conf";
    this.sh("sh", "-c", 'printf %s "$1" >"$0"', path, busConfig);
    this.start("dbus", "dbus-daemon", `--config-file=${path}`, "--nofork", "--nopidfile");
    await this.eventually(() => this.sh("test", "-S", "/run/dbus/system_bus_socket"));
  }

  /** DHCP and router advertisements on the LAN, which say that there is DHCPv6 where there is. The host gets .77. */
  serveLan(dhcp6: boolean): void {
    const ranges = ["192.168.155.100,192.168.155.150", dhcp6 ? "fd00:155::100,fd00:155::1ff,64" : "fd00:155::,ra-only"];
    this.start(
      "dnsmasq",
      ...["nsenter", "--net=/run/netns/lan", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0"],
      ...[
        "--user=root",
        "--pid-file=",
        "--leasefile-ro",
        "--interface=lan0",
        "--bind-interfaces",
        "--no-ping",
        "--enable-ra",
      ],
      ...ranges.map((range) => `--dhcp-range=${range}`),
      `--dhcp-host=${macOf["eth0"]},192.168.155.77,[fd00:155::77]`,
    );
  }

  /** Tries until the assertions hold; after ten seconds the last failure counts. */
  async eventually(assertions: () => void): Promise<void> {
    for (let tries = 0; ; tries++)
      try {
        return assertions();
      } catch (error) {
        if (tries === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
  }

  /** A file on its disk, whether or not it is on. */
  put(path: string, content: string, mode = 0o644): void {
    const file = join(this.disk, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode });
  }

  /** Does what a renderer asked for, but for the hand-over. Returns the files that are ours from now on. */
  store({ files, remove }: Persistence): string[] {
    for (const path of remove) rmSync(join(this.disk, path));
    for (const { path, content, mode } of files) this.put(path, content, mode);
    return files.flatMap(({ path, foreign }) => (foreign ? [] : path));
  }

  /** What the transaction does to the running system: eth0 into br0 with all that it has, or back. */
  moveAddresses(from: "eth0" | "br0", to: "eth0" | "br0"): void {
    const mac = macOf["eth0"]!;
    const local = "fe80::5054:ff:feaa:10/64";
    const batch = [
      ...(to === "br0" ? [`link add br0 address ${mac} type bridge stp_state 0 forward_delay 0`] : []),
      `address delete 192.168.155.9/24 dev ${from}`,
      `address delete fd00:155::9/64 dev ${from}`,
      ...(to === "br0"
        ? [
            "link set eth0 addrgenmode none",
            "link set eth0 master br0",
            "link set br0 up",
            `address delete ${local} dev eth0`,
          ]
        : ["link delete br0", "link set eth0 addrgenmode eui64", `address add ${local} dev eth0`]),
      `address add 192.168.155.9/24 dev ${to}`,
      `address add fd00:155::9/64 dev ${to}`,
      `route add default via 192.168.155.1 dev ${to} proto static`,
    ];
    this.sh("sh", "-c", 'printf "%s\\n" "$@" | ip -batch -', "sh", ...batch);
  }

  /** Runs commands, and returns what the kernel says went away meanwhile: addresses, routes, links. */
  async lostWhile(commands: string[][]): Promise<string[]> {
    const marker = (name: string) => this.sh("ip", "link", "add", name, "type", "bridge");
    const name = `monitor-${++this.monitors}`;
    const said = () => this.sh("cat", `/run/${name}.log`);
    this.start(name, "ip", "monitor", "link", "address", "route");
    await this.eventually(() => {
      if (this.try("ip", "link", "show", "first").status !== 0) marker("first");
      else this.sh("ip", "link", "delete", "first");
      assert.match(said(), /first/);
    });
    for (const argv of commands) this.sh(...argv);
    marker("last");
    await this.eventually(() => assert.match(said(), /last/));
    this.sh("ip", "link", "delete", "last");
    this.try("ip", "link", "delete", "first");
    return said()
      .split("\n")
      .filter((line) => /^Deleted/.test(line) && !/\b(first|last|fe80:.*)\b/.test(line));
  }

  /** Every file of its network's configuration by path. */
  get configuration(): { [path: string]: string } {
    const files = configuration.flatMap((folder) =>
      readdirSync(join(this.disk, "etc", folder), { recursive: true, withFileTypes: true }),
    );
    const paths = [
      ...files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name)),
      join(this.disk, "etc/network/interfaces"),
    ].sort();
    return Object.fromEntries(paths.filter(existsSync).map((path) => [path, readFileSync(path, "utf8")]));
  }

  /** Whether a file is on its disk as it shall be. */
  has({ path, content, mode }: ConfigFile): boolean {
    const file = join(this.disk, path);
    return readFileSync(file, "utf8") === content && (statSync(file).mode & 0o777) === mode;
  }

  read(path: string): Promise<Buffer> {
    const { status, stdout } = spawnSync(...this.enter(["cat", path]));
    return status === 0 ? Promise.resolve(stdout) : Promise.reject(new NotFoundError(path, "the small host"));
  }

  list(folder: string): Promise<string[]> {
    return Promise.resolve(this.try("ls", "-A", folder).stdout.split("\n").filter(Boolean));
  }

  status(path: string): Promise<FileStatus | undefined> {
    const { status, stdout } = this.try("stat", "-c", "%F:%a", path);
    if (status !== 0) return Promise.resolve(undefined);
    const [type, mode] = stdout.trim().split(":");
    return Promise.resolve({
      type: type === "directory" ? "directory" : type === "symbolic link" ? "symlink" : "file",
      mode: parseInt(mode!, 8),
      ...{ owner: "root", group: "root", uid: 0, gid: 0, size: 0 },
    });
  }
}

function canMake(...commands: string[]): boolean {
  const script = commands.map((command) => `ip ${command}`).join(" && ");
  return spawnSync("unshare", ["--net", "sh", "-c", script], { stdio: "ignore" }).status === 0;
}
