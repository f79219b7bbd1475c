import assert from "node:assert/strict";
import { AgentMachine } from "../../../providers/machine/agent-machine";
import { UnreachableError } from "../../../providers/machine/unreachable-error";

interface Command {
  execute: string;
  arguments: { pid?: number; arg?: string[]; "input-data"?: string };
}

/** An agent that plays a guest's part: every process it starts ends with what `outcome` says of its input. */
class ScriptedAgent {
  readonly commands: Command[] = [];
  private readonly inputs: string[] = [];
  concurrent = 0;
  mostConcurrent = 0;
  /** How often a process is said to be running still. */
  patience = 0;

  constructor(private readonly outcome: (input: string, arg: string[]) => object) {}

  readonly transport = async (text: string): Promise<string> => {
    this.mostConcurrent = Math.max(this.mostConcurrent, ++this.concurrent);
    const command = JSON.parse(text) as Command;
    this.commands.push(command);
    await new Promise((resolve) => setImmediate(resolve));
    this.concurrent--;
    return JSON.stringify({ return: this.answer(command) });
  };

  private answer({ execute, arguments: given }: Command): object {
    if (execute === "guest-exec") {
      this.inputs.push(Buffer.from(given["input-data"] ?? "", "base64").toString());
      return { pid: this.commands.length - 1 };
    }
    if (this.patience-- > 0) return { exited: false };
    const started = this.commands[given.pid!]!;
    const input = Buffer.from(started.arguments["input-data"] ?? "", "base64").toString();
    return { exited: true, ...this.outcome(input, started.arguments.arg!) };
  }
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** How the keeper in the guest would end: with the token of the input's first line. */
const ending =
  (code: number, stdout = "", stderr = "") =>
  (input: string) => ({
    exitcode: 0,
    "out-data": base64(stdout),
    "err-data": base64(`${stderr}\x1e${input.split("\n")[0]} ${code}\n`),
  });

describe("AgentMachine", () => {
  it("starts a shell, hands the command over by its input, and asks until it has ended", async () => {
    const agent = new ScriptedAgent(ending(3, "out", "err"));
    agent.patience = 3;
    const result = await new AgentMachine("guest web-1", agent.transport).run(["echo", "secret"], { accept: [3] });
    assert.deepEqual(result, { exitCode: 3, stdout: "out", stderr: "err", truncated: false });
    assert.deepEqual(
      agent.commands.map(({ execute }) => execute),
      ["guest-exec", ...Array.from({ length: 4 }, () => "guest-exec-status")],
    );
    assert.ok(!JSON.stringify(agent.commands[0]!.arguments.arg).includes("secret"));
  });

  it("sends one command at a time", async () => {
    const agent = new ScriptedAgent(ending(0));
    const machine = new AgentMachine("guest web-1", agent.transport);
    await Promise.all(Array.from({ length: 10 }, () => machine.run(["true"])));
    assert.equal(agent.mostConcurrent, 1);
  });

  it("takes a shell that ended without its last words for a broken guest", async () => {
    const agent = new ScriptedAgent(() => ({ exitcode: 1, "err-data": base64("mkdir: No space left on device") }));
    const error = await new AgentMachine("guest web-1", agent.transport).run(["true"]).catch((reason) => reason);
    assert.ok(error instanceof UnreachableError);
    assert.equal(
      error.message,
      "guest web-1: the guest's shell ended early (exit code 1)\n  mkdir: No space left on device",
    );
    assert.equal(error.mayHaveRun, true);
  });

  it("passes on that the agent does not answer, before anything was started", async () => {
    const away = new UnreachableError("guest web-1", "the guest agent does not answer");
    const machine = new AgentMachine("guest web-1", () => Promise.reject(away));
    assert.equal(await machine.run(["true"]).catch((reason) => reason), away);
  });

  it("uploads long input in pieces, and cleans up after a failure", async () => {
    const agent = new ScriptedAgent((input, arg) => (arg[1]!.includes("cat >>") ? { exitcode: 0 } : ending(0)(input)));
    await new AgentMachine("guest web-1", agent.transport).run(["true"], { stdin: Buffer.alloc(5 * 1024 * 1024) });
    const uploads = agent.commands.filter(({ arguments: given }) => given.arg?.[1]!.includes("cat >>"));
    assert.equal(uploads.length, 3);
    assert.ok(uploads.every(({ arguments: given }) => given["input-data"]!.length < 4194304));

    const full = new ScriptedAgent((_input, arg) =>
      arg[1]!.includes("cat >>") ? { exitcode: 1, "err-data": base64("No space left on device") } : { exitcode: 0 },
    );
    await assert.rejects(
      new AgentMachine("guest web-1", full.transport).run(["true"], { stdin: Buffer.alloc(3 * 1024 * 1024) }),
      { message: "guest web-1: preparing the command failed (exit code 1)\n  No space left on device" },
    );
    assert.match(full.commands.findLast(({ execute }) => execute === "guest-exec")!.arguments.arg![1]!, /rm -rf/);
  });
});
