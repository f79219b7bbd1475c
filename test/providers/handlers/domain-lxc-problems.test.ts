import assert from "node:assert/strict";
import { DomainHandler } from "../../../providers/handlers/domain";
import { containerProblems } from "../../../providers/handlers/domain-lxc-problems";
import { hostOf } from "../../../providers/handlers/domain-lxc-host";
import type { Connection } from "../../../providers/libvirt/connection";
import { ConnectError } from "../../../providers/libvirt/errors";
import { domainSchema } from "../../../providers/schema/domain";
import { parsed } from "../schema/parse";
import { FakeContext } from "./fake-context";

const uri = "lxc+tls://kvm1/system";
const web = { kind: "lxc", connection: uri, name: "web", memory: "256MiB", root: "/srv/web" };

describe("what keeps a container from being made", () => {
  it("is a libvirt without its driver, where it answers for another", async () => {
    const asked: string[] = [];
    const connect = async (to: string): Promise<Connection> => {
      asked.push(to);
      if (to.startsWith("lxc")) throw new ConnectError(to, "no connection driver available for lxc:///system");
      return {} as Connection;
    };
    const handler = new DomainHandler(connect);
    assert.deepEqual(await handler.problems(parsed(domainSchema, web), undefined, [], new FakeContext()), [
      {
        field: "kind",
        reason:
          "libvirt runs no containers there: no connection driver available for lxc:///system. Fix: apt-get install libvirt-daemon-driver-lxc (Fedora, openSUSE: libvirt-daemon-lxc), then restart libvirtd",
      },
    ]);
    assert.deepEqual(asked, [uri, "qemu+tls://kvm1/system"]);
  });

  it("is nothing where the host does not answer at all", async () => {
    const connect = async (to: string): Promise<Connection> => {
      throw new ConnectError(to, "no route to host");
    };
    const problems = new DomainHandler(connect).problems(parsed(domainSchema, web), undefined, [], new FakeContext());
    assert.deepEqual(await problems, []);
  });

  it("is a readiness that only its host could tell, where nothing tells of the host", async () => {
    const ask = (ready: object) =>
      containerProblems({} as Connection, parsed(domainSchema, { ...web, ready }), undefined, new FakeContext());
    assert.deepEqual(await ask({ addresses: true }), []);
    assert.deepEqual(await ask({ booted: true }), [
      {
        field: "ready",
        reason:
          'booted is asked on the host, and the connection does not tell how to get there. Fix: say where its commands run, host: { kind: "ssh", host: "..." }',
      },
    ]);
  });

  it("is asked on the host that the program or the connection names", () => {
    assert.equal(hostOf({ connection: uri }), undefined);
    assert.deepEqual(hostOf({ connection: "lxc:///system" }), { kind: "local" });
    assert.equal(hostOf({ connection: "lxc:///system?socket=/run/a" }), undefined);
    assert.deepEqual(hostOf({ connection: uri, host: { kind: "ssh", host: "kvm1" } }), { kind: "ssh", host: "kvm1" });
  });
});
