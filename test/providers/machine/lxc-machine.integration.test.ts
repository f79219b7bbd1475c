import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { hostname } from "node:os";
import { LocalMachine } from "../../../providers/machine/local-machine";
import { LxcMachine } from "../../../providers/machine/lxc-machine";
import { SshMachine } from "../../../providers/machine/ssh-machine";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import { skip } from "../../skip";
import { conforms } from "./conformance";
import { PrivateSshd } from "./private-sshd";

/** Namespaces as a container has them, led by `unshare` as a real one is by libvirt_lxc. */
class Namespaces {
  private constructor(private readonly process: ChildProcess) {}

  static async start(name: string): Promise<Namespaces> {
    const kinds = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "--kill-child", "--mount-proc"];
    const inside = 'hostname "$1"; mount -t tmpfs none /mnt; echo ready; exec sleep infinity';
    const process = spawn("unshare", [...kinds, "sh", "-c", inside, "sh", name], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve, reject) => process.stdout!.once("data", resolve).once("end", reject));
    return new Namespaces(process);
  }

  get leader(): number {
    return this.process.pid!;
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await exited;
  }
}

describe("lxc machine", function () {
  this.timeout(60_000);
  let namespaces: Namespaces | undefined;

  before(async function () {
    if (process.getuid?.() !== 0) skip(this, "needs root, to enter a container");
    namespaces = await Namespaces.start("kvm-c1");
  });

  after(() => namespaces?.stop());

  const open = () => new LxcMachine("container c1", new LocalMachine(), async () => namespaces!.leader);

  conforms(open);

  it("is inside every namespace of the container, with an environment of its own", async () => {
    process.env["KVM_HOST_ONLY"] = "1";
    const script = "hostname; ls -d /proc/[0-9]* | wc -l; ls /sys/class/net; env";
    const { stdout } = await open()
      .run(["sh", "-c", script])
      .finally(() => delete process.env["KVM_HOST_ONLY"]);
    const [host, processes] = stdout.split("\n");
    assert.equal(host, "kvm-c1");
    assert.notEqual(host, hostname());
    assert.ok(Number(processes) < 10, stdout);
    assert.match(stdout, /^HOME=\/root$/m);
    assert.doesNotMatch(stdout, /KVM_HOST_ONLY/);
  });

  it("writes the container's files, not the host's", async () => {
    await open().write("/mnt/kvm-c1", "inside");
    assert.equal(await new LocalMachine().status("/mnt/kvm-c1"), undefined);
    assert.equal((await open().read("/mnt/kvm-c1")).toString(), "inside");
  });

  it("follows the container when it is started again", async () => {
    let current = await Namespaces.start("kvm-before");
    const machine = new LxcMachine("container c1", new LocalMachine(), async () => current.leader);
    assert.equal((await machine.run(["hostname"])).stdout, "kvm-before\n");
    await current.stop();
    current = await Namespaces.start("kvm-after");
    assert.equal((await machine.run(["hostname"])).stdout, "kvm-after\n");
    await current.stop();
  });

  it("enters what its leader leads, whatever process had that number before", async () => {
    const script = `for name in kvm-first kvm-second; do
      unshare --uts sh -c 'hostname "$1"; echo ready; exec sleep infinity' sh $name &
      read -r next
      kill $!
      wait $!
    done`;
    const leader = spawn("bash", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
    const ready = () => new Promise((resolve) => leader.stdout.once("data", resolve));
    const machine = new LxcMachine("container c1", new LocalMachine(), async () => leader.pid!);
    await ready();
    assert.equal((await machine.run(["hostname"])).stdout, "kvm-first\n");
    leader.stdin.write("next\n");
    await ready();
    assert.equal((await machine.run(["hostname"])).stdout, "kvm-second\n");
    const ended = new Promise((resolve) => leader.once("exit", resolve));
    leader.stdin.end("next\n");
    await ended;
  });

  it("says that the container is gone", async () => {
    const gone = new LxcMachine("container c1", new LocalMachine(), async () => 4194303);
    const error = await gone.run(["true"]).catch((reason) => reason);
    assert.ok(error instanceof UnreachableError);
    assert.match(error.message, /^container c1: its process 1 was not found on this machine\n/);
  });

  it("is reached through its host's sshd", async function () {
    const reason = PrivateSshd.missing();
    if (reason) skip(this, reason);
    const sshd = await PrivateSshd.start();
    try {
      const machine = new LxcMachine("container c1", new SshMachine(sshd.spec()), async () => namespaces!.leader);
      const result = await machine.run(["sh", "-c", 'hostname; cat; echo "$X"'], { stdin: "in\n", env: { X: "a'b" } });
      assert.equal(result.stdout, "kvm-c1\nin\na'b\n");
    } finally {
      await sshd.stop();
      sshd.remove();
    }
  });
});
