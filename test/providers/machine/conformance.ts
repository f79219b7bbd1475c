import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../../../providers/machine/command-error";
import type { Machine } from "../../../providers/machine/machine";
import { NotFoundError } from "../../../providers/machine/not-found-error";

/** What every kind of machine has to do in the same way. Needs a root shell there, for owners. */
export function conforms(open: () => Machine): void {
  describe("conformance", () => suite(open));
}

function suite(open: () => Machine): void {
  let machine: Machine;
  let folder: string;
  const sh = async (script: string, ...args: string[]) =>
    (await machine.run(["sh", "-c", script, "sh", ...args])).stdout.trim();
  const failure = async (argv: string[], options: Parameters<Machine["run"]>[1] = {}): Promise<CommandError> => {
    const error = await machine.run(argv, options).then(
      () => assert.fail("the command did not fail"),
      (reason) => reason,
    );
    assert.ok(error instanceof CommandError, `${error.stack}`);
    return error;
  };
  /** Processes on the machine whose command line holds `text`; the machine may be an agent in this very host. */
  const alive = async (text: string) => {
    const found = await sh(
      '(ps -eo args || ps -o args) 2>/dev/null | grep -F -- "$1" | grep -v -e grep -e "sh -c" || :',
      text,
    );
    return found.split("\n").filter((line) => line !== "");
  };
  const gone = async (text: string) => {
    for (let i = 0; i < 50 && (await alive(text)).length > 0; i++) await sleep(100);
    assert.deepEqual(await alive(text), []);
  };

  before(async () => {
    machine = open();
    folder = await sh("mktemp -d");
  });

  after(async () => {
    if (folder) await machine.remove(folder);
  });

  describe("run", () => {
    it("hands over stdout, stderr and exit code 0", async () => {
      const result = await machine.run(["sh", "-c", "echo out; echo err >&2"]);
      assert.deepEqual(result, { exitCode: 0, stdout: "out\n", stderr: "err\n", truncated: false });
    });

    it("passes every character of every argument", async () => {
      const args = [
        "",
        " ",
        "'",
        "''\"",
        "$HOME `id` $(id)",
        "a\nb\n",
        "*",
        "\\",
        "\\n",
        "!!",
        "ü漢💾",
        "-n",
        "--",
        "\t;|&",
      ];
      const { stdout } = await machine.run(["printf", "[%s]", ...args]);
      assert.equal(stdout, args.map((arg) => `[${arg}]`).join(""));
    });

    it("passes an argument of 100 KiB and thousands of arguments", async () => {
      const long = "x".repeat(100 * 1024);
      assert.equal((await machine.run(["printf", "%s", long])).stdout, long);
      const many = Array.from({ length: 5000 }, (_, i) => String(i));
      assert.equal((await machine.run(["sh", "-c", 'echo "$#"', "sh", ...many])).stdout, "5000\n");
    });

    it("gives the command an empty standard input", async () => {
      assert.equal((await machine.run(["cat"])).stdout, "");
    });

    it("passes binary standard input whole", async () => {
      const data = randomBytes(300_000);
      const { stdout } = await machine.run(["sha256sum"], { stdin: data });
      assert.equal(stdout.split(" ")[0], createHash("sha256").update(data).digest("hex"));
    });

    it("ends with a command that leaves its standard input unread", async () => {
      assert.equal((await machine.run(["true"], { stdin: randomBytes(3_000_000) })).exitCode, 0);
    });

    it("adds variables, and lets none of its own be seen", async () => {
      const env = { KVM_A: "a b'c\n\"d $HOME", KVM_EMPTY: "", t: "kept" };
      const { stdout } = await machine.run(["sh", "-c", 'printf "%s|%s|%s|" "$KVM_A" "$KVM_EMPTY" "$t"; env'], { env });
      assert.ok(stdout.startsWith(`${env.KVM_A}||kept|`));
      assert.doesNotMatch(stdout, /^kvm_/m);
      assert.match(stdout, /^PATH=\//m);
    });

    it("shows variables and standard input in no process list", async () => {
      const secret = `hidden-${randomBytes(8).toString("hex")}`;
      const argv = ["sh", "-c", "cat >/dev/null; ps -eo args || ps -o args"];
      const { stdout } = await machine.run(argv, { env: { KVM_SECRET: secret }, stdin: secret });
      assert.ok(!stdout.includes(secret));
    });

    it("runs in the folder asked for", async () => {
      assert.equal((await machine.run(["pwd"], { cwd: folder })).stdout, `${folder}\n`);
      const error = await failure(["pwd"], { cwd: `${folder}/missing` });
      assert.match(error.message, /can't cd|No such file/);
    });

    it("tells exit code, command, machine and the end of stderr", async () => {
      const script = "for i in $(seq 100); do echo line $i >&2; done; exit 3";
      const error = await failure(["sh", "-c", script]);
      assert.equal(error.exitCode, 3);
      assert.deepEqual(error.argv, ["sh", "-c", script]);
      assert.ok(error.message.startsWith(`\`sh -c '${script}'\` on ${machine.label}: exit code 3\n  line 81\n`));
      assert.ok(error.message.endsWith("\n  line 100"));
    });

    it("shows stdout where stderr is empty", async () => {
      assert.match((await failure(["sh", "-c", "echo on stdout; exit 1"])).message, /exit code 1\n {2}on stdout$/);
    });

    it("accepts the exit codes it is told to, 255 among them", async () => {
      assert.equal((await machine.run(["sh", "-c", "exit 5"], { accept: [0, 5] })).exitCode, 5);
      assert.equal((await machine.run(["sh", "-c", "exit 255"], { accept: [255] })).exitCode, 255);
      assert.equal((await failure(["true"], { accept: [1] })).exitCode, 0);
    });

    it("names the signal that ended a command", async () => {
      const error = await failure(["sh", "-c", "kill -KILL $$"]);
      assert.equal(error.exitCode, 137);
      assert.equal(error.signal, "SIGKILL");
    });

    it("survives a command that kills its own process group", async () => {
      assert.equal((await failure(["sh", "-c", "kill -KILL 0"])).exitCode, 137);
    });

    it("tells of a command that does not exist", async () => {
      const error = await failure(["kvm-no-such-command"]);
      assert.equal(error.exitCode, 127);
      assert.match(error.message, /not found/);
    });

    it("refuses what cannot be a command", async () => {
      await assert.rejects(machine.run([]), /needs a program's name/);
      await assert.rejects(machine.run(["-x"]), /needs a program's name/);
      await assert.rejects(machine.run(["echo", "a\0b"]), /NUL/);
      await assert.rejects(machine.run(["true"], { env: { "A-B": "" } }), /"A-B" cannot be an environment variable/);
      await assert.rejects(machine.run(["true"], { cwd: "relative" }), /absolute path, got "relative"/);
    });

    it("kills a command and its grandchildren when its time is up", async () => {
      const mark = `4${randomBytes(3).readUIntBE(0, 3)}`;
      const error = await failure(["sh", "-c", `echo begun; (sleep ${mark} & sleep ${mark}) & sleep ${mark}`], {
        timeout: 1500,
      });
      assert.ok(error.stopped);
      assert.match(error.message, /: timed out after 1.5 s\n/);
      assert.match(error.stdout, /begun/);
      await gone(`sleep ${mark}`);
    });

    it("kills what does not listen to SIGTERM", async () => {
      const mark = `5${randomBytes(3).readUIntBE(0, 3)}`;
      await failure(["sh", "-c", `trap "" TERM; sleep ${mark} & sleep ${mark}; sleep ${mark}`], { timeout: 1500 });
      await gone(`sleep ${mark}`);
    });

    it("kills a command with unread standard input when its time is up", async () => {
      const mark = `6${randomBytes(3).readUIntBE(0, 3)}`;
      await failure(["sleep", mark], { timeout: 1500, stdin: randomBytes(60_000) });
      await gone(`sleep ${mark}`);
    });

    it("stops at its caller's signal", async () => {
      const mark = `7${randomBytes(3).readUIntBE(0, 3)}`;
      const caller = new AbortController();
      setTimeout(() => caller.abort(new Error("interrupted")), 1000);
      const error = await failure(["sleep", mark], { signal: caller.signal });
      assert.match(error.message, /: stopped: interrupted/);
      await gone(`sleep ${mark}`);
      await failure(["true"], { signal: caller.signal });
    });

    it("does not wait for a daemon that holds the outputs", async () => {
      const mark = `8${randomBytes(3).readUIntBE(0, 3)}`;
      const { stdout } = await machine.run(["sh", "-c", `setsid sleep ${mark} & echo $!`], { timeout: 60_000 });
      try {
        assert.equal((await alive(`sleep ${mark}`)).length, 1);
      } finally {
        await machine.run(["kill", stdout.trim()]);
      }
    });

    it("passes output on as it comes, each stream whole", async () => {
      const seen = { stdout: "", stderr: "" };
      await machine.run(["sh", "-c", "echo one; echo two >&2; printf three"], {
        onOutput: (stream, data) => (seen[stream] += data),
      });
      assert.deepEqual(seen, { stdout: "one\nthree", stderr: "two\n" });
    });

    it("keeps all of 6 MiB, and the end of more than 8 MiB", async () => {
      const six = await machine.run(["sh", "-c", "yes 0123456 | head -c 6291456"]);
      assert.equal(six.stdout.length, 6291456);
      assert.equal(six.truncated, false);
      const ten = await machine.run(["sh", "-c", "yes 0123456 | head -c 10485760; echo end"]);
      assert.equal(ten.stdout.length, 8388608);
      assert.ok(ten.stdout.endsWith("end\n"));
      assert.equal(ten.truncated, true);
    });

    it("runs many commands at once", async () => {
      const numbers = Array.from({ length: 25 }, (_, i) => String(i));
      const results = await Promise.all(numbers.map((number) => machine.run(["echo", number])));
      assert.deepEqual(
        results.map(({ stdout }) => stdout.trim()),
        numbers,
      );
    });

    it("leaves no file behind", async () => {
      assert.equal(await sh('ls -A /var/tmp | grep "^.pulumi-kvm-" | grep -v "$kvm_t" || :'), "");
    });
  });

  describe("files", () => {
    it("come back as they were written: empty, binary, 5 MiB", async () => {
      for (const data of [Buffer.alloc(0), Buffer.from([0, 10, 13, 255, 0, 128]), randomBytes(5 * 1024 * 1024)]) {
        await machine.write(`${folder}/data`, data);
        assert.ok((await machine.read(`${folder}/data`)).equals(data), `${data.length} bytes`);
      }
    });

    it("may have odd names", async () => {
      const names = [" ", "a b", "-rf", "'", '"', "$(id)", "a\nb", "ü漢💾", "*", "\\", "..x", "%s"];
      await machine.run(["mkdir", `${folder}/odd`]);
      for (const name of names) {
        const path = `${folder}/odd/${name}`;
        await machine.write(path, name);
        const [content, status] = await Promise.all([machine.read(path), machine.status(path)]);
        assert.equal(content.toString(), name);
        assert.equal(status?.size, Buffer.byteLength(name));
      }
      await Promise.all(names.map((name) => machine.remove(`${folder}/odd/${name}`)));
      assert.equal(await sh('ls -A "$1"', `${folder}/odd`), "");
    });

    it("get mode, owner and group", async () => {
      await machine.write(`${folder}/owned`, "x", { mode: 0o2750, owner: "nobody", group: "daemon" });
      const status = await machine.status(`${folder}/owned`);
      assert.deepEqual(status, {
        type: "file",
        mode: 0o2750,
        owner: "nobody",
        group: "daemon",
        uid: 65534,
        gid: 1,
        size: 1,
      });
      await machine.write(`${folder}/owned`, "x", { owner: "12345", group: "23456" });
      const numbered = await machine.status(`${folder}/owned`);
      assert.deepEqual(numbered, {
        type: "file",
        mode: 0o644,
        owner: "12345",
        group: "23456",
        uid: 12345,
        gid: 23456,
        size: 1,
      });
    });

    it("tell their hash, on request", async () => {
      await machine.write(`${folder}/hashed`, "abc");
      assert.equal(
        (await machine.status(`${folder}/hashed`, { digest: true }))?.sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      );
    });

    it("tell folders, symlinks and others apart", async () => {
      await sh('cd "$1" && mkdir kinds && ln -s missing kinds/link && mkfifo kinds/pipe', folder);
      const type = async (name: string) => (await machine.status(`${folder}/kinds/${name}`, { digest: true }))?.type;
      assert.equal(await type(""), "directory");
      assert.equal(await type("link"), "symlink");
      assert.equal(await type("pipe"), "other");
      assert.equal(await type("missing"), undefined);
      assert.equal(await type("missing/below"), undefined);
    });

    it("that are missing are said to be missing", async () => {
      const error = await machine.read(`${folder}/none`).catch((reason) => reason);
      assert.ok(error instanceof NotFoundError);
      assert.equal(error.message, `${folder}/none does not exist on ${machine.label}`);
      await machine.remove(`${folder}/none`);
    });

    it("cannot be read or written where a folder is", async () => {
      await assert.rejects(machine.read(folder), {
        message: `\`read ${folder}\` on ${machine.label}: exit code 1\n  is a folder`,
      });
      await assert.rejects(machine.write(folder, "x"), /is a folder/);
    });

    it("are not written into a folder that does not exist", async () => {
      await assert.rejects(machine.write(`${folder}/no/x`, "x"), {
        message: `\`write ${folder}/no/x\` on ${machine.label}: exit code 1\n  folder ${folder}/no does not exist`,
      });
    });

    it("leave the old content and no temporary file when they fail", async () => {
      await machine.run(["mkdir", `${folder}/failing`]);
      await machine.write(`${folder}/failing/file`, "old");
      await assert.rejects(
        machine.write(`${folder}/failing/file`, "new", { owner: "kvm-no-such-user" }),
        /kvm-no-such-user/,
      );
      assert.equal((await machine.read(`${folder}/failing/file`)).toString(), "old");
      assert.equal(await sh('ls -A "$1"', `${folder}/failing`), "file");
    });

    it("replace a symlink instead of following it", async () => {
      await sh('cd "$1" && echo kept >target && mkdir into && ln -s target link && ln -s into dirlink', folder);
      await machine.write(`${folder}/link`, "new");
      await machine.write(`${folder}/dirlink`, "new");
      assert.equal(await sh('cat "$1"', `${folder}/target`), "kept");
      assert.equal(await sh('ls -A "$1"', `${folder}/into`), "");
      assert.equal((await machine.status(`${folder}/link`))?.type, "file");
      assert.equal((await machine.status(`${folder}/dirlink`))?.type, "file");
    });

    it("are removed with what is below them, but not through symlinks", async () => {
      await sh('cd "$1" && mkdir -p kept/a gone/b && ln -s ../kept gone/link && ln -s kept away', folder);
      await machine.remove(`${folder}/gone`);
      await machine.remove(`${folder}/away/`);
      assert.equal(await machine.status(`${folder}/gone`), undefined);
      assert.equal(await machine.status(`${folder}/away`), undefined);
      assert.equal((await machine.status(`${folder}/kept/a`))?.type, "directory");
    });

    it("need an absolute path, and the root stays", async () => {
      await assert.rejects(machine.read("etc/passwd"), /must be absolute, got "etc\/passwd"/);
      for (const path of ["/", "//", "/tmp/..", "/."]) await assert.rejects(machine.remove(path), /root folder/);
    });

    it("written at once by many are whole, one of them", async () => {
      const contents = ["a", "b", "c", "d"].map((letter) => letter.repeat(200_000));
      await Promise.all(contents.map((content) => machine.write(`${folder}/raced`, content)));
      assert.ok(contents.includes((await machine.read(`${folder}/raced`)).toString()));
      assert.equal(await sh('ls -A "$1" | grep -c pulumi-kvm || :', folder), "0");
    });
  });
}
