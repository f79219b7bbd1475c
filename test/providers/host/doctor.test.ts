import assert from "node:assert/strict";
import { diagnosisText } from "../../../providers/host/diagnosis-text";
import { checks, judge } from "../../../providers/host/doctor";
import { ConnectError } from "../../../providers/libvirt/errors";
import { declares, folder, plainHost } from "./plain-host";

describe("the doctor", () => {
  it("finds nothing on a plain host, as root and as a member of the group libvirt", async () => {
    const target = { ...declares("192.168.190.0/24", "fd00:190::/64"), needs: { images: true } };
    for (const root of [true, false]) {
      const chains = root ? undefined : { chains: undefined };
      const { errors, warnings } = await judge(plainHost({ target, survey: { root, ...chains } }));
      assert.deepEqual([errors, warnings], [[], []]);
    }
  });

  it("has a name of its own for each check", () => {
    assert.equal(new Set(checks.map(({ name }) => name)).size, checks.length);
  });

  it("reports everything at once, and what the machine says also without libvirt", async () => {
    const inspection = plainHost({
      target: declares("192.168.155.0/24"),
      survey: { programs: new Set(["iptables"]), folders: [{ ...folder("/srv"), available: 1000 }] },
    });
    inspection.libvirt = new ConnectError("qemu:///system", "nobody answers", "systemctl start libvirtd");
    const { errors } = await judge(inspection);
    assert.deepEqual(
      errors.map(({ field, problem }) => `${field}: ${problem.split(" ").slice(0, 3).join(" ")}`),
      [
        "connection: nobody answers",
        "needs: not installed: qemu-img",
        "directories: /srv has 0.0",
        "subnets: subnet 192.168.155.0/24 of",
      ],
    );
  });

  it("says in one line each what a connection or a machine answered", async () => {
    const inspection = plainHost();
    inspection.libvirt = new Error("authentication failed:\n  access denied by policy\n");
    inspection.machine = new Error(
      "ssh root@kvm1: cannot connect\n  Host key verification failed.\nFix: ssh root@kvm1 once",
    );
    const { errors } = await judge(inspection);
    assert.deepEqual(errors, [
      {
        level: "error",
        field: "connection",
        problem: "libvirt does not answer: authentication failed:; access denied by policy",
        fix: "see libvirtd's log, or try as root",
      },
      {
        level: "error",
        field: "machine",
        problem: "ssh root@kvm1: cannot connect; Host key verification failed",
        fix: "ssh root@kvm1 once",
      },
    ]);
  });

  it("warns where no machine is known, and then asks libvirt only", async () => {
    const inspection = plainHost({ target: { connection: "qemu+tls://kvm1/system" } });
    inspection.machine = undefined;
    const { errors, warnings, results } = await judge(inspection);
    assert.deepEqual(errors, []);
    assert.match(warnings.map(({ problem }) => problem).join(), /^qemu\+tls:\/\/kvm1\/system carries libvirt only/);
    assert.equal(results.find(({ check }) => check === "subnets")!.skipped, "no machine is declared");
  });

  it("lets a check fail without the others", async () => {
    const broken = { name: "broken", look: () => Promise.reject(new Error("no such command")) };
    const { results } = await judge(plainHost(), [broken, ...checks]);
    assert.deepEqual(results[0], { check: "broken", findings: [], skipped: "could not look: no such command" });
    assert.equal(results.length, checks.length + 1);
  });

  it("ends when it is told to", async () => {
    const signal = AbortSignal.abort(new Error("interrupted"));
    const broken = { name: "broken", look: () => Promise.reject(new Error("killed")) };
    await assert.rejects(judge({ ...plainHost(), signal }, [broken]), /interrupted/);
  });

  it("prints facts, marks, fixes and totals", async () => {
    const text = diagnosisText(await judge(plainHost({ survey: { programs: new Set() } })));
    assert.match(text, /^qemu:\/\/\/system, kvm1, libvirt 9\.0\.0, QEMU 7\.2\.22, x86_64, 8 CPUs, 16\.0 GiB, kvm \(/);
    assert.match(text, /\n {2}ok {4}connection to libvirt\n/);
    assert.match(
      text,
      /\n {2}fail {2}programs: not installed: qemu-img \(makes volumes\)\n {8}Fix: apt-get install qemu-utils\n/,
    );
    assert.match(text, /\n {2}skip {2}SELinux: SELinux is not enforced\n/);
    assert.match(text, /\n1 problem, 0 warnings$/);
  });
});
