import assert from "node:assert/strict";
import { classify } from "../../../providers/dynamic/diff";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { PartialError } from "../../../providers/dynamic/errors";
import { PackageHandler, type PackageState } from "../../../providers/handlers/package";
import { fits } from "../../../providers/handlers/package-manager/package-manager";
import type { PackageInputs } from "../../../providers/schema/package";
import { FakeMachine } from "../machine/fake-machine";
import { FakeContext } from "./fake-context";

const spec = { kind: "agent" as const, uri: "qemu:///system", domain: "web-1" };
const inputs = (names: string[], state: PackageInputs["state"] = "present"): PackageInputs => ({
  machine: spec,
  names,
  state,
});

/** A guest with apt. */
class DebianGuest extends FakeMachine {
  readonly available = new Map([
    ["nginx", "1.22.1-9"],
    ["curl", "7.88.1-10"],
    ["openssl", "3.0.1"],
  ]);
  readonly installed = new Map([["dash", "0.5.12-2"]]);
  automatic: string[] = [];
  /** What else goes when a package is removed. */
  readonly dependents = new Map<string, string[]>();
  fresh = true;

  constructor() {
    super();
    const words = (argv: readonly string[]) => argv.slice(argv.indexOf("--") + 1);
    const names = (argv: readonly string[]) => words(argv).map((word) => word.split("=")[0]!);
    const missing = (argv: readonly string[]) => names(argv).find((name) => !this.available.has(name));
    const unable = (argv: readonly string[]) => ({
      exitCode: 100,
      stderr: `E: Unable to locate package ${missing(argv)}`,
    });
    this.on(/var\/lib\/dpkg\/status/, { stdout: "apt\n" })
      .on(/var\/lib\/apt\/lists/, () => ({ exitCode: this.fresh ? 0 : 1 }))
      .on(/^dpkg-query .*Status/, (argv) => {
        const there = words(argv).filter((name) => this.installed.has(name));
        const stdout = there.map((name) => `${name}\tamd64\tinstalled\t${this.installed.get(name)}\n`).join("");
        return { stdout, exitCode: there.length < words(argv).length ? 1 : 0 };
      })
      .on(/^dpkg-query .*Essential/, (argv) => ({
        stdout: words(argv)
          .map((name) => `${name}\t${name === "dash" ? "yes" : "no"}\tno\n`)
          .join(""),
      }))
      .on(/^apt-mark showauto/, () => ({ stdout: this.automatic.join("\n") }))
      .on(/^apt-get .* -s install/, (argv) => (missing(argv) ? unable(argv) : {}))
      .on(/^apt-get (?!.* -s ).*install/, (argv) => {
        if (missing(argv)) return unable(argv);
        for (const name of names(argv)) this.installed.set(name, this.available.get(name)!);
        return {};
      })
      .on(/^apt-get .* update/, () => {
        this.fresh = true;
        return {};
      })
      .on(/^apt-get .* remove /, (argv) => {
        const going = words(argv).flatMap((name) => [name, ...(this.dependents.get(name) ?? [])]);
        if (!argv.includes("-s")) for (const name of going) this.installed.delete(name);
        return { stdout: going.map((name) => `Remv ${name} [1]\n`).join("") };
      });
  }

  /** What changed something, without apt's options. */
  get deeds(): string[] {
    return this.commands
      .filter((command) => /^(apt-get|dpkg) /.test(command) && !/ -s /.test(command))
      .map((command) => command.replace(/ -y -q( -o \S+)+/, ""));
  }
}

describe("PackageHandler", () => {
  let machine: DebianGuest;
  let handler: PackageHandler;
  let context: FakeContext;

  beforeEach(() => {
    machine = new DebianGuest();
    handler = new PackageHandler(() => machine);
    context = new FakeContext();
  });

  const update = (olds: PackageState, news: PackageInputs) => {
    machine.ran.length = 0;
    return handler.update("id", olds, news, classify(handler.fields, olds, news), context);
  };

  describe("check", () => {
    const reasons = async (args: object) => {
      const { failures } = await dispatch(handler).check({}, { machine: spec, names: ["nginx"], ...args });
      return failures.map(({ reason }) => reason);
    };

    it("says what is wrong, and what is allowed", async () => {
      const allowed = 'Allowed: e.g. "nginx", or "nginx=1.22*" for a version';
      assert.deepEqual(await reasons({ names: ["--purge"] }), [`names.0: "--purge" is not a package. ${allowed}`]);
      assert.deepEqual(await reasons({ names: ["nginx-"] }), [`names.0: "nginx-" is not a package. ${allowed}`]);
      assert.deepEqual(await reasons({ names: ["a b"] }), [`names.0: "a b" is not a package. ${allowed}`]);
      assert.deepEqual(await reasons({ names: [] }), ["names: is empty. Allowed: one package or more"]);
      assert.deepEqual(await reasons({ names: ["nginx", "nginx=1"] }), [
        'names: "nginx" is named twice. Allowed: each package once',
      ]);
      assert.deepEqual(await reasons({ names: "nginx" }), [
        'names: is not a list. Allowed: a list of packages, e.g. ["nginx"]',
      ]);
    });

    it("takes the names that there are", async () => {
      for (const name of [
        "g++",
        "libstdc++6",
        "0ad",
        "libc6:i386",
        "nginx=1.22.1-9",
        "a=1:2.3~rc1+b1",
        "python3.11",
        "NetworkManager",
        "java-17-openjdk",
        "a_b",
      ])
        assert.deepEqual(await reasons({ names: [name] }), [], name);
    });
  });

  it("installs what is missing in one transaction, and removes only that on delete", async () => {
    machine.installed.set("curl", "7.88.1-10");
    const { id, state } = await handler.create(inputs(["nginx", "curl", "openssl"]), context);
    assert.equal(id, "guest web-1:nginx,curl,openssl");
    assert.deepEqual(machine.deeds, ["apt-get install --no-remove --allow-downgrades -- nginx openssl"]);
    assert.deepEqual(state.versions, { nginx: "1.22.1-9", curl: "7.88.1-10", openssl: "3.0.1" });
    assert.deepEqual(state.added, ["nginx", "openssl"]);
    machine.ran.length = 0;
    await handler.delete(id, state, context);
    assert.deepEqual(machine.deeds, ["apt-get remove -- nginx openssl"]);
    machine.ran.length = 0;
    await handler.delete(id, state, context);
    assert.deepEqual(machine.deeds, []);
  });

  it("never asks, and waits for another dpkg", async () => {
    await handler.create(inputs(["nginx"]), context);
    const { argv, options } = machine.ran.find(({ argv }) => argv[0] === "apt-get")!;
    assert.equal(options.env!["DEBIAN_FRONTEND"], "noninteractive");
    assert.ok(argv.includes("DPkg::Lock::Timeout=300"));
  });

  it("changes nothing where all is there", async () => {
    const { state } = await handler.create(inputs(["dash"]), context);
    assert.deepEqual(machine.deeds, []);
    await handler.delete("id", state, context);
    assert.deepEqual(machine.deeds, []);
  });

  it("fetches package lists when they are old, or know no such package", async () => {
    machine.fresh = false;
    await handler.create(inputs(["nginx"]), context);
    assert.deepEqual(machine.deeds[0], "apt-get update");
    machine.ran.length = 0;
    machine.on(/^apt-get .* update/, () => {
      machine.available.set("new", "1");
      return {};
    });
    await handler.create(inputs(["new"]), context);
    assert.deepEqual(machine.deeds, ["apt-get update", "apt-get install --no-remove --allow-downgrades -- new"]);
  });

  it("goes on when lists cannot all be fetched but the package is known", async () => {
    machine.fresh = false;
    machine.on(/^apt-get .* update/, { exitCode: 100, stderr: "E: Failed to fetch http://example.org" });
    await handler.create(inputs(["nginx"]), context);
    assert.match(context.said[1]!, /^package lists could not all be fetched: /);
  });

  it("says that there is no such package", async () => {
    await assert.rejects(handler.create(inputs(["ngnix"]), context), {
      message:
        /^`apt-get .* install --no-remove --allow-downgrades -- ngnix` on guest web-1: exit code 100\n {2}E: Unable to locate package ngnix$/,
    });
  });

  it("says when a name is only what other packages provide", async () => {
    machine.available.set("awk", "1");
    machine.on(/^apt-get (?!.* -s ).*install/);
    await assert.rejects(handler.create(inputs(["awk"]), context), {
      message: "apt reported success, but awk is not installed. Fix: name the package itself, not what it provides",
    });
  });

  it("keeps in the state what a failed transaction left behind", async () => {
    machine.on(/^apt-get (?!.* -s ).*install/, () => {
      machine.installed.set("nginx", "1.22.1-9");
      return { exitCode: 100, stderr: "E: openssl: post-installation script failed" };
    });
    const error = await handler.create(inputs(["nginx", "openssl"]), context).catch((reason) => reason);
    assert.ok(error instanceof PartialError);
    assert.deepEqual((error.state as PackageState).added, ["nginx"]);
  });

  it("finishes an installation that was cut off before", async () => {
    machine
      .on(
        /^apt-get (?!.* -s ).*install/,
        { exitCode: 100, stderr: "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'" },
        () => {
          machine.installed.set("nginx", "1.22.1-9");
          return {};
        },
      )
      .on(/^dpkg --configure -a/);
    await handler.create(inputs(["nginx"]), context);
    assert.equal(machine.deeds[1], "dpkg --configure -a");
  });

  it("asks for a version, and finds another one there", async () => {
    machine.installed.set("nginx", "1.18.0-6");
    const { state } = await handler.create(inputs(["nginx=1.22*"]), context);
    assert.deepEqual(machine.deeds, ["apt-get install --no-remove --allow-downgrades -- 'nginx=1.22*'"]);
    assert.deepEqual(state.added, []);
    machine.installed.set("nginx", "1.24.0-1");
    assert.deepEqual((await handler.read("id", state, context))!.names, []);
  });

  it("finds a package removed, and installs it again", async () => {
    const { state } = await handler.create(inputs(["nginx", "curl"]), context);
    assert.deepEqual(await handler.read("id", state, context), state);
    machine.installed.delete("nginx");
    const found = (await handler.read("id", state, context))!;
    assert.deepEqual(found.names, ["curl"]);
    const repaired = await update(found, inputs(["nginx", "curl"]));
    assert.deepEqual(machine.deeds, ["apt-get install --no-remove --allow-downgrades -- nginx"]);
    assert.deepEqual(repaired.added.toSorted(), ["curl", "nginx"]);
  });

  it("removes what the program no longer names, if we brought it", async () => {
    machine.installed.set("curl", "7.88.1-10");
    const { state } = await handler.create(inputs(["nginx", "curl"]), context);
    const updated = await update(state, inputs(["openssl"]));
    assert.deepEqual(machine.deeds, [
      "apt-get remove -- nginx",
      "apt-get install --no-remove --allow-downgrades -- openssl",
    ]);
    assert.deepEqual(updated.added, ["openssl"]);
    assert.deepEqual(updated.versions, { openssl: "3.0.1" });
  });

  it("lets a package stay that somebody else needs by now", async () => {
    const { id, state } = await handler.create(inputs(["nginx", "openssl"]), context);
    machine.installed.set("shop", "1");
    machine.dependents.set("openssl", ["shop"]);
    await handler.delete(id, state, context);
    assert.deepEqual(machine.deeds.slice(-1), ["apt-get remove -- nginx"]);
    assert.deepEqual(context.said, ["openssl stays: shop needs it"]);
  });

  it("takes along what came along", async () => {
    const { id, state } = await handler.create(inputs(["nginx"]), context);
    machine.dependents.set("nginx", ["libnginx-mod-geoip"]);
    machine.automatic = ["libnginx-mod-geoip"];
    await handler.delete(id, state, context);
    assert.deepEqual(machine.deeds.slice(-1), ["apt-get remove -- nginx"]);
  });

  it("removes packages that are to be absent, but none that the system or others need", async () => {
    machine.installed.set("nginx", "1.22.1-9");
    const { state } = await handler.create(inputs(["nginx"], "absent"), context);
    assert.deepEqual(machine.deeds, ["apt-get remove -- nginx"]);
    assert.deepEqual(await handler.read("id", state, context), state);
    machine.installed.set("nginx", "1.22.1-9");
    assert.deepEqual((await handler.read("id", state, context))!.names, []);
    await assert.rejects(handler.create(inputs(["dash"], "absent"), context), {
      message:
        "dash cannot be removed: the system cannot do without it. Fix: name what needs it as well, or leave it out",
    });
    machine.installed.set("shop", "1");
    machine.dependents.set("nginx", ["shop"]);
    await assert.rejects(handler.create(inputs(["nginx"], "absent"), context), {
      message: "nginx cannot be removed: shop needs it. Fix: name what needs it as well, or leave it out",
    });
  });

  it("says that there is no package manager", async () => {
    machine.on(/var\/lib\/dpkg\/status/, { stdout: "" });
    await assert.rejects(handler.create(inputs(["nginx"]), context), /neither apt-get nor dnf nor yum/);
  });

  describe("with dnf", () => {
    beforeEach(() => {
      machine.on(/var\/lib\/dpkg\/status/, { stdout: "dnf\n" });
    });

    it("installs, and finds versions with their release", async () => {
      machine
        .on(/^rpm -q/, { exitCode: 1, stdout: "package nginx is not installed\n" }, { stdout: "nginx\t1.22.1-4.el9\n" })
        .on(/^dnf .* install/);
      const { state } = await handler.create(inputs(["nginx=1.22.1"]), context);
      assert.ok(machine.commands.includes("dnf -y -q install nginx-1.22.1"));
      assert.deepEqual(state.versions, { nginx: "1.22.1-4.el9" });
    });

    it("removes none that others need", async () => {
      const state = { ...inputs(["nginx", "openssl"]), versions: {}, added: ["nginx", "openssl"] };
      machine
        .on(/^rpm -q/, { stdout: "nginx\t1-1\nopenssl\t3-1\n" })
        .on(/^rpm -e --test.*openssl/, {
          exitCode: 1,
          stderr: "error: Failed dependencies:\n\topenssl is needed by (installed) shop-1-1.noarch",
        })
        .on(/^rpm -e --test -- nginx$/)
        .on(/^dnf .* remove/);
      await handler.delete("id", state, context);
      assert.deepEqual(context.said, ["openssl stays: openssl is needed by (installed) shop-1-1.noarch"]);
      assert.equal(machine.commands.at(-1), "dnf -y -q --setopt=clean_requirements_on_remove=False remove nginx");
    });
  });
});

describe("fits", () => {
  it("takes wildcards, and leaves the release of a package open", () => {
    assert.ok(fits("1.22.1-9", undefined));
    assert.ok(fits("1.22.1-9", "1.22*"));
    assert.ok(fits("1.22.1-9", "1.22.1-9"));
    assert.ok(fits("1.22.1-4.el9", "1.22.1"));
    assert.ok(!fits("1.22.10-1", "1.22.1"));
    assert.ok(!fits("1x22", "1.22"));
    assert.ok(fits("1:2.3+b1", "1:2.3+b?"));
  });
});
