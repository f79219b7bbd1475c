import { spawn, type ChildProcess, execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What a guest boots from. */
export interface BootFiles {
  path: string;
  kernel: string;
  initrd: string;
  cmdline: string;
}

type Reply = { return?: { [field: string]: unknown }; error?: { desc: string } };

/** A guest run by QEMU alone, without libvirt and without hardware acceleration, on an overlay in `folder`. */
export class BootedGuest {
  private readonly socket: string;
  private readonly console: string;
  private readonly process: ChildProcess;
  private agent?: Socket;
  private received = "";

  constructor(image: BootFiles, folder: string, options: { size?: string; words?: string; memory?: number } = {}) {
    this.socket = join(folder, "agent.sock");
    this.console = join(folder, "console.log");
    const disk = join(folder, "root.qcow2");
    const size = options.size ? [options.size] : [];
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.path, disk, ...size]);
    this.process = spawn(
      "qemu-system-x86_64",
      [
        ...["-machine", "q35,accel=tcg", "-smp", "2", "-m", String(options.memory ?? 384)],
        ...["-nodefaults", "-display", "none", "-serial", `file:${this.console}`],
        ...["-kernel", image.kernel, "-initrd", image.initrd],
        ...["-append", `${image.cmdline} ${options.words ?? ""}`],
        ...["-drive", `file=${disk},if=virtio,format=qcow2,cache=unsafe`],
        ...["-netdev", "user,id=lan,restrict=on", "-device", "virtio-net-pci,netdev=lan"],
        ...["-chardev", `socket,path=${this.socket},server=on,wait=off,id=agent`],
        ...["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
      ],
      { stdio: "ignore" },
    );
  }

  /** Waits until the agent answers. Rejects with the console's last lines. */
  async ready(seconds = 120): Promise<void> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(200)) {
      if (this.process.exitCode !== null) break;
      if (!existsSync(this.socket)) continue;
      this.agent ??= this.open();
      const id = Date.now();
      const reply = await Promise.race([this.ask("guest-sync", { id }), sleep(2000, undefined)]);
      if (Number(reply?.return) === id) return;
    }
    throw new Error(`the agent does not answer. The console's last lines:\n${this.lastLines()}`);
  }

  /** Runs a shell script in the guest and returns what it printed. */
  async run(script: string): Promise<string> {
    const argument = { path: "/bin/sh", arg: ["-c", script], "capture-output": true };
    const { return: started, error } = await this.ask("guest-exec", argument);
    if (!started) throw new Error(error?.desc);
    for (;;) {
      const { return: status } = await this.ask("guest-exec-status", { pid: started["pid"] });
      if (status!["exited"])
        return Buffer.from(String(status!["out-data"] ?? ""), "base64")
          .toString()
          .trim();
      await sleep(200);
    }
  }

  lastLines(): string {
    return existsSync(this.console) ? readFileSync(this.console, "utf8").split("\n").slice(-30).join("\n") : "";
  }

  async stop(): Promise<void> {
    this.agent?.destroy();
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await ended;
  }

  private open(): Socket {
    const agent = connect(this.socket);
    agent.on("data", (data) => (this.received += data.toString()));
    agent.on("error", () => (this.agent = undefined));
    return agent;
  }

  /** The next answer that carries this request's kind of value; what earlier, given up requests get is passed over. */
  private async ask(execute: string, argument: object): Promise<Reply> {
    this.agent?.write(`${JSON.stringify({ execute, arguments: argument })}\n`);
    for (;;) {
      const end = this.received.indexOf("\n");
      if (end < 0) {
        await sleep(50);
        continue;
      }
      const line = this.received.slice(0, end);
      this.received = this.received.slice(end + 1);
      const reply = JSON.parse(line) as Reply;
      const late = typeof reply.return === "number" && execute !== "guest-sync";
      if (!late) return reply;
    }
  }
}
