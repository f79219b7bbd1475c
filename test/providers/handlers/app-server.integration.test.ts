import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readContent } from "../../../providers/content/folder";
import { AppServerHandler } from "../../../providers/handlers/app-server";
import { ContainerLab } from "./container-lab";
import { Played } from "./played";
import { tomcatPackages } from "./tomcat-packages";

/** A server in Perl, which every Debian has: answers with a word, its environment and its user. */
const server = (word: string) => `#!/usr/bin/perl
use strict;
use IO::Socket::INET;
my $listener = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 10, ReuseAddr => 1) or die "cannot listen: $!\\n";
while (my $client = $listener->accept) {
  while (defined(my $line = <$client>)) { last if $line =~ /^\\r?\\n$/ }
  print $client "HTTP/1.0 200 OK\\r\\n\\r\\n${word} $ENV{MOTTO} @{[$> == 0 ? 'root' : 'user']}";
  close $client;
}
`;

describe("an application that is a program of its own", function () {
  this.timeout(180_000);
  let lab: ContainerLab;
  let folder: string;
  let address: string;
  const played = new Played(new AppServerHandler());

  before(async function () {
    lab = await ContainerLab.up(this, tomcatPackages);
    folder = mkdtempSync(join(tmpdir(), "kvm-app-"));
    const domain = lab.domain();
    await domain.up({
      ...lab.args("app", await lab.root("app")),
      nics: [{ network: "lan" }],
      ready: { booted: true, addresses: true, timeout: "90s" },
    });
    address = domain.state["ipv4"];
  });

  after(async () => {
    await lab?.down();
    if (folder) rmSync(folder, { recursive: true });
  });

  const args = (text: string, more: object = {}) => {
    const source = join(folder, "source");
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, "server"), text);
    chmodSync(join(source, "server"), 0o755);
    const { digest: content } = readContent(source);
    const environment = { MOTTO: 'say "$HOME" \\ `x` %h' };
    return {
      machine: lab.machine("app"),
      name: "api",
      source,
      content,
      command: ["./server"],
      environment,
      port: 8000,
      ...more,
    };
  };
  const get = () => lab.host.get(`http://${address}:8000/`);
  const motto = 'say "$HOME" \\ `x` %h user';

  it("serves as nobody in particular, with its environment word by word", async () => {
    assert.deepEqual(await played.up(args(server("one"))), ["create"]);
    assert.equal(await get(), `one ${motto}`);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args(server("one"))), []);
    assert.doesNotMatch(
      await lab.inside("app", "sh", "-c", "cat /proc/[0-9]*/cmdline /etc/systemd/system/app-api*"),
      /HOME/,
    );
  });

  it("goes on with what ran where the new one does not serve, and says why", async () => {
    await assert.rejects(
      played.up(args('#!/bin/sh\necho "no such luck" >&2\nexit 3\n')),
      /it (ends as soon as it was started|does not serve)[^]*no such luck/,
    );
    assert.equal(await get(), `one ${motto}`);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args(server("two"))), ["content: live"]);
    assert.equal(await get(), `two ${motto}`);
    assert.deepEqual(await played.up(args(server("two"), { environment: { MOTTO: "other" } })), ["environment: live"]);
    assert.equal(await get(), "two other user");
  });

  it("is put right, and leaves nothing", async () => {
    await lab.inside(
      "app",
      "sh",
      "-c",
      "echo >>/srv/pulumi-kvm/app-api/content/current/server; systemctl stop app-api",
    );
    assert.deepEqual(await played.refresh(), ["condition"]);
    assert.equal(played.state["condition"], "stopped, changed by hand: server");
    await played.up(args(server("two"), { environment: { MOTTO: "other" } }));
    assert.equal(await get(), "two other user");
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
    const left = "ls -d /srv/pulumi-kvm/* /etc/systemd/system/app-* 2>/dev/null || echo none";
    assert.equal(await lab.inside("app", "sh", "-c", left), "none");
  });

  it("leaves nothing where it never served", async () => {
    await assert.rejects(played.up(args("#!/bin/sh\nexit 1\n")), /cannot create: it/);
    const left = "ls -d /srv/pulumi-kvm/* /etc/systemd/system/app-* 2>/dev/null || echo none";
    assert.equal(await lab.inside("app", "sh", "-c", left), "none");
  });
});
