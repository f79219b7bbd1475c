import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SshSpec } from "../../../providers/machine/ssh-machine";

/** An sshd on loopback with its own host key and one accepted key; the system's and the user's files are not touched. */
export class PrivateSshd {
  static readonly program = "/usr/sbin/sshd";
  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly daemon: ChildProcess,
  ) {}

  /** Why it cannot run here; undefined when it can. */
  static missing(): string | undefined {
    if (process.getuid?.() !== 0) return "needs root, to log in through an sshd of its own";
    return existsSync(PrivateSshd.program) ? undefined : "needs openssh-server";
  }

  static async start(): Promise<PrivateSshd> {
    const folder = mkdtempSync(join(tmpdir(), "kvm-sshd-"));
    for (const name of ["host", "client", "stranger"])
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
    mkdirSync("/run/sshd", { recursive: true });
    chmodSync("/run/sshd", 0o755);
    const port = await freePort();
    const config = [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/client.pub`,
      `PidFile ${folder}/pid`,
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "PermitRootLogin yes",
      "MaxStartups 100",
    ];
    writeFileSync(join(folder, "sshd_config"), config.join("\n"));
    const daemon = spawn(PrivateSshd.program, ["-D", "-e", "-f", join(folder, "sshd_config")], { stdio: "ignore" });
    const sshd = new PrivateSshd(folder, port, daemon);
    const hostKey = execFileSync("cut", ["-d", " ", "-f", "1,2", join(folder, "host.pub")]).toString();
    writeFileSync(join(folder, "known_hosts"), `[127.0.0.1]:${port} ${hostKey}`);
    await listening(port);
    return sshd;
  }

  /** How to log in; `options` are OpenSSH's. */
  spec(options: { [name: string]: string } = {}): SshSpec {
    return {
      kind: "ssh",
      host: "127.0.0.1",
      port: this.port,
      user: "root",
      options: {
        ...options,
        IdentityFile: options["IdentityFile"] ?? this.path("client"),
        IdentitiesOnly: "yes",
        UserKnownHostsFile: options["UserKnownHostsFile"] ?? this.path("known_hosts"),
        GlobalKnownHostsFile: "/dev/null",
      },
    };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Ends the daemon and every connection it serves. */
  async stop(): Promise<void> {
    if (this.daemon.exitCode !== null || this.daemon.signalCode !== null) return;
    const exited = new Promise((resolve) => this.daemon.once("exit", resolve));
    const children = readFileSync(`/proc/${this.daemon.pid}/task/${this.daemon.pid}/children`, "utf8");
    for (const pid of children.split(" ").filter(Boolean)) process.kill(Number(pid));
    this.daemon.kill();
    await exited;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error("sshd does not listen");
}
