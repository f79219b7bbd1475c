import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentMachine } from "../../../providers/machine/agent-machine";
import { tinyGuest } from "../../lab/tiny-guest";

/** Debian's kernel with its modules for bridges, VLANs and bonds, as a machine to work on: QEMU and the guest agent alone. */
export class KernelGuest {
  readonly machine = new AgentMachine("guest tiny", (command) => this.ask(command));
  private received = "";

  private constructor(
    private readonly folder: string,
    private readonly qemu: ChildProcess,
    private readonly agent: Socket,
  ) {
    agent.on("data", (data) => (this.received += data.toString()));
  }

  static async boot(): Promise<KernelGuest> {
    const { kernel, initrd, cmdline } = await tinyGuest();
    const folder = mkdtempSync(join(tmpdir(), "kernel-guest-"));
    const [socket, console] = [join(folder, "agent"), join(folder, "console")];
    const qemu = spawn(
      "qemu-system-x86_64",
      [
        ...["-machine", "q35,accel=tcg", "-smp", "2", "-m", "160", "-nodefaults", "-display", "none"],
        ...[
          "-serial",
          `file:${console}`,
          "-kernel",
          kernel,
          "-initrd",
          initrd,
          "-append",
          `${cmdline} tiny.nonet tiny.nohttp`,
        ],
        ...["-chardev", `socket,path=${socket},server=on,wait=off,id=agent`],
        ...["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
      ],
      { stdio: "ignore" },
    );
    try {
      const up = () => existsSync(console) && readFileSync(console, "utf8").includes("tiny-guest up");
      while (!existsSync(socket) || !up()) {
        if (qemu.exitCode !== null) throw new Error("QEMU ended");
        await sleep(100);
      }
      const agent = connect(socket);
      await once(agent, "connect");
      return new KernelGuest(folder, qemu, agent);
    } catch (error) {
      qemu.kill("SIGKILL");
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    const ended = this.qemu.exitCode === null && once(this.qemu, "exit");
    this.qemu.kill("SIGKILL");
    await ended;
    rmSync(this.folder, { recursive: true });
  }

  /** Runs a shell script in there; what it printed. */
  async run(script: string): Promise<string> {
    return (await this.machine.run(["sh", "-c", script])).stdout;
  }

  /** One command at a time: the machine sees to that. */
  private async ask(command: string): Promise<string> {
    this.agent.write(`${command}\n`);
    while (!this.received.includes("\n")) await sleep(5);
    const [line, ...rest] = this.received.split("\n");
    this.received = rest.join("\n");
    const { error } = JSON.parse(line!) as { error?: { desc: string } };
    if (error) throw new Error(error.desc);
    return line!;
  }
}
