import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { ConnectError } from "../../../../providers/libvirt/errors";
import { parseConnectionUri } from "../../../../providers/libvirt/rpc/connection-uri";
import { sshArgv } from "../../../../providers/libvirt/rpc/transport-ssh";

function refuses(uri: string, message: RegExp): void {
  assert.throws(
    () => parseConnectionUri(uri),
    (error) => error instanceof ConnectError && message.test(error.message),
  );
}

describe("a connection URI", () => {
  it("is taken apart", () => {
    const { driver, transport, user, host, port, path, name } = parseConnectionUri("qemu+ssh://root@kvm1:2222/system");
    assert.deepEqual(
      { driver, transport, user, host, port, path, name },
      {
        driver: "qemu",
        transport: "ssh",
        user: "root",
        host: "kvm1",
        port: 2222,
        path: "/system",
        name: "qemu:///system",
      },
    );
  });

  it("goes over the unix socket without a host, over TLS with one", () => {
    assert.equal(parseConnectionUri("lxc:///system").transport, "unix");
    assert.equal(parseConnectionUri("qemu://kvm1/system").transport, "tls");
    assert.equal(parseConnectionUri("qemu+tcp://[::1]/system").host, "::1");
  });

  it("keeps the client's parameters from the daemon and passes on the driver's", () => {
    const uri = parseConnectionUri("esx+unix:///system?socket=/tmp/s&no_auto=1");
    assert.deepEqual(uri.params, { socket: "/tmp/s" });
    assert.equal(uri.name, "esx:///system?no_auto=1");
    assert.equal(parseConnectionUri("qemu+tcp://localhost/system?name=test:///default").name, "test:///default");
  });

  it("is refused when it means nothing or asks for what is not there", () => {
    refuses("kvm1", /not a libvirt connection URI. Fix: write it like qemu:\/\/\/system/);
    refuses("qemu+libssh2://kvm1/system", /transport libssh2 is not supported. Fix: use one of unix, tls, tcp, ssh/);
    refuses("qemu+ssh:///system", /needs a host/);
    refuses("qemu+ssh://kvm1/system?no_verify=1", /no_verify is not supported. Fix: .*accept the host key once/);
    refuses("qemu+tls://kvm1/system?keyfile=x", /keyfile has no meaning for transport tls/);
    refuses("qemu+ssh://-oProxyCommand=x/system", /must not start with a dash/);
    refuses("qemu+ssh://%2doProxyCommand=x@kvm1/system", /must not start with a dash/);
  });

  it("does not repeat a password", () => {
    assert.throws(
      () => parseConnectionUri("qemu+ssh://root:hunter2@kvm1/system"),
      (error: Error) => !error.message.includes("hunter2") && /is no secret/.test(error.message),
    );
  });
});

describe("the ssh tunnel's argv", () => {
  const argv = (uri: string) => sshArgv(parseConnectionUri(uri));

  it("ends its options before the host and keeps OpenSSH's defaults for host keys", () => {
    const words = argv("qemu+ssh://root@kvm1:2222/system?keyfile=/k");
    assert.deepEqual(words.slice(0, -1), [
      ...["ssh", "-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-e", "none"],
      ...["-p", "2222", "-l", "root", "-i", "/k", "--", "kvm1"],
    ]);
    assert(!words.join(" ").includes("StrictHostKeyChecking"));
  });

  it("prefers virt-ssh-helper and takes netcat for a socket", () => {
    assert.match(argv("qemu+ssh://kvm1/system").at(-1)!, /exec virt-ssh-helper .*qemu:\/\/\/system.*-U/);
    const explicit = argv("qemu+ssh://kvm1/system?socket=/tmp/sock").at(-1)!;
    assert(!explicit.includes("virt-ssh-helper"));
    assert.match(explicit, /\/tmp\/sock/);
    assert(!argv("qemu+ssh://kvm1/system?proxy=native").at(-1)!.includes("-U"));
  });

  it("gives the host's shells nothing to run", () => {
    const path = "/tmp/'$(touch x)`id`\"; y";
    const script = argv(`qemu+ssh://kvm1/system?socket=${encodeURIComponent(path)}`).at(-1)!;
    // What the login shell and then sh make of it, with every command replaced by one that shows its arguments.
    const shown = execFileSync("sh", ["-c", script.replace(/^sh -c /, "printf %s ")], { encoding: "utf8" });
    const quoted = /for s in (.*?); do/.exec(shown)![1]!;
    assert.equal(execFileSync("sh", ["-c", `printf %s ${quoted}`], { encoding: "utf8" }), path);
  });
});
