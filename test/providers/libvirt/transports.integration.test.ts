import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { Connection, events } from "../../../providers/libvirt/connection";
import { ConnectError } from "../../../providers/libvirt/errors";
import { skip } from "../../skip";
import { PrivateLibvirtd } from "./private-libvirtd";

const connections: Connection[] = [];

function to(uri: string): Connection {
  const connection = Connection.to(uri);
  connections.push(connection);
  return connection;
}

async function refuses(uri: string, message: RegExp): Promise<void> {
  await assert.rejects(to(uri).connect(), (error) => {
    assert(error instanceof ConnectError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

/** Calls, an event and a volume's bytes both ways. */
async function serves(uri: string): Promise<void> {
  const connection = to(uri);
  const [dom] = await connection.connectListAllDomains();
  const suspended = connection.waitForEvent(events.domainLifecycle, ({ event }) => event === 3);
  await connection.onDomainLifecycle(() => {}).ready;
  await connection.domainSuspend(dom!);
  assert.equal((await suspended).dom.name, "test");
  await connection.domainResume(dom!);
  await Promise.all(Array.from({ length: 100 }, () => connection.domainGetState(dom!)));
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

afterEach(() => {
  for (const connection of connections.splice(0)) connection.close();
});

describe("libvirt over the network", function () {
  this.timeout(60_000);
  let folder: string;
  let daemon: PrivateLibvirtd;
  let tls: number;
  let tcp: number;
  let deaf: number;

  function openssl(...argv: string[]): void {
    execFileSync("openssl", argv, { cwd: folder, stdio: "pipe" });
  }

  /** A CA, or a certificate that `ca` signs. */
  function certificate(name: string, extensions: string[], ca?: string): void {
    const config = join(folder, `${name}.cnf`);
    writeFileSync(
      config,
      [
        "[req]",
        "distinguished_name=dn",
        "prompt=no",
        "x509_extensions=v3",
        "[dn]",
        `CN=${name}`,
        "[v3]",
        ...extensions,
      ].join("\n"),
    );
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}-key.pem`];
    const signed = ca ? ["-CA", `${ca}.pem`, "-CAkey", `${ca}-key.pem`] : [];
    openssl("req", "-x509", ...key, "-out", `${name}.pem`, "-days", "2", "-config", config, ...signed);
  }

  /** A folder as `pkipath` takes it. */
  function pki(name: string, ca: string, client: string): string {
    const path = join(folder, name);
    mkdirSync(path);
    for (const [to, from] of Object.entries({ cacert: ca, clientcert: client, clientkey: `${client}-key` })) {
      writeFileSync(join(path, `${to}.pem`), readFileSync(join(folder, `${from}.pem`)));
    }
    return path;
  }

  before(async function () {
    if (PrivateLibvirtd.obstacle) skip(this, PrivateLibvirtd.obstacle);
    folder = mkdtempSync(join(tmpdir(), "rpc-tls-"));
    const authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,cRLSign"];
    const use = "keyUsage=digitalSignature,keyEncipherment";
    for (const ca of ["ca", "other-ca"]) certificate(ca, authority);
    certificate("server", ["subjectAltName=DNS:localhost", use, "extendedKeyUsage=serverAuth"], "ca");
    certificate("client", [use, "extendedKeyUsage=clientAuth"], "ca");
    certificate("stranger", [use, "extendedKeyUsage=clientAuth"], "other-ca");
    [tls, tcp, deaf] = (await freePorts(3)) as [number, number, number];
    const config = [
      'listen_addr = "127.0.0.1"',
      ...["listen_tls = 1", `tls_port = "${tls}"`, "listen_tcp = 1", `tcp_port = "${tcp}"`, 'auth_tcp = "none"'],
      ...[
        `ca_file = "${folder}/ca.pem"`,
        `cert_file = "${folder}/server.pem"`,
        `key_file = "${folder}/server-key.pem"`,
      ],
    ];
    daemon = await PrivateLibvirtd.start({ config, listen: true });
  });

  after(async () => {
    await daemon?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("serves over TCP on loopback", () => serves(`test+tcp://127.0.0.1:${tcp}/default`));

  it("serves over TLS with certificates that fit", async () => {
    await serves(`test+tls://localhost:${tls}/default?pkipath=${pki("good", "ca", "client")}`);
  });

  it("refuses a server that another CA vouches for", () =>
    refuses(
      `test+tls://localhost:${tls}/default?pkipath=${pki("other", "other-ca", "client")}`,
      /Fix: put the CA that signed/,
    ));

  it("refuses a server that is not the one that was asked for", () =>
    refuses(
      `test+tls://127.0.0.1:${tls}/default?pkipath=${pki("name", "ca", "client")}`,
      /Fix: use a host name that the server's certificate carries/,
    ));

  it("says that the server does not admit the client", () =>
    refuses(
      `test+tls://localhost:${tls}/default?pkipath=${pki("stranger", "ca", "stranger")}`,
      /client certificate|certificate/,
    ));

  it("says which certificate cannot be read", () =>
    refuses(
      `test+tls://localhost:${tls}/default?pkipath=/nonexistent`,
      /cannot read the CA certificate.*\/nonexistent\/cacert.pem.*Fix/,
    ));

  it("says that nobody listens, and that there is no such host", async () => {
    await refuses(
      `test+tcp://127.0.0.1:${deaf}/default`,
      new RegExp(`nobody answers on port ${deaf} of 127.0.0.1. Fix: start`),
    );
    await refuses("test+tcp://no-such-host.invalid/default", /unknown host no-such-host.invalid. Fix: check the name/);
  });

  it("says that what answers is not libvirt", async () => {
    const server = createServer((socket) => socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    await new Promise<void>((done) => server.listen(deaf, "127.0.0.1", done));
    await refuses(`test+tcp://127.0.0.1:${deaf}/default`, /protocol error/);
    server.close();
  });
});

describe("libvirt over ssh", function () {
  this.timeout(60_000);
  let folder: string;
  let daemon: PrivateLibvirtd;
  let sshd: ChildProcess;
  let port: number;

  /** The operator's ssh with a configuration of its own instead of ~/.ssh/config. */
  function ssh(name: string, options: string[]): string {
    const config = join(folder, `${name}.config`);
    const path = join(folder, name);
    const lines = [`UserKnownHostsFile ${folder}/known_hosts`, `IdentityFile ${folder}/key`, "IdentitiesOnly yes"];
    writeFileSync(config, [...options, ...lines, ""].join("\n"));
    writeFileSync(path, `#!/bin/sh\nexec ssh -F ${config} "$@"\n`, { mode: 0o755 });
    return path;
  }

  const uri = (parameters = "", at = port) =>
    `test+ssh://root@127.0.0.1:${at}/default?command=${join(folder, "ssh")}${parameters}`;

  before(async function () {
    if (PrivateLibvirtd.obstacle) skip(this, PrivateLibvirtd.obstacle);
    try {
      execFileSync("sh", ["-c", "command -v ssh && test -x /usr/sbin/sshd"]);
    } catch {
      skip(this, "needs ssh and sshd");
    }
    daemon = await PrivateLibvirtd.start();
    folder = mkdtempSync(join(tmpdir(), "rpc-ssh-"));
    chmodSync(folder, 0o700);
    for (const name of ["host_key", "key", "wrong_key"]) {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
    }
    [port] = (await freePorts(1)) as [number];
    writeFileSync(join(folder, "authorized_keys"), readFileSync(join(folder, "key.pub")));
    writeFileSync(
      join(folder, "known_hosts"),
      `[127.0.0.1]:${port} ${readFileSync(join(folder, "host_key.pub"), "utf8")}`,
    );
    const config = [
      ...["ListenAddress 127.0.0.1", `Port ${port}`, `HostKey ${folder}/host_key`, `PidFile none`, "UsePAM no"],
      ...[
        "PermitRootLogin yes",
        "PasswordAuthentication no",
        "StrictModes no",
        `AuthorizedKeysFile ${folder}/authorized_keys`,
      ],
    ];
    writeFileSync(join(folder, "sshd_config"), config.join("\n"));
    ssh("ssh", []);
    await startSshd();
  });

  after(async () => {
    sshd?.kill();
    await daemon?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  async function startSshd(): Promise<void> {
    // In the private daemon's /run: there /run/libvirt/libvirt-sock is that daemon's.
    const script = `mount --bind ${daemon.folder}/run /run && mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f ${folder}/sshd_config`;
    sshd = spawn("unshare", ["--mount", "sh", "-c", script], { stdio: "ignore" });
    for (;;) {
      const socket = connect(port, "127.0.0.1");
      const open = await new Promise((done) =>
        socket.once("connect", () => done(true)).once("error", () => done(false)),
      );
      socket.destroy();
      if (open) return;
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  it("serves through virt-ssh-helper", async function () {
    try {
      execFileSync("sh", ["-c", "command -v virt-ssh-helper"]);
    } catch {
      skip(this, "needs virt-ssh-helper");
    }
    await serves(uri("&proxy=native"));
    await serves(uri());
  });

  it("serves through netcat, to the usual socket and to a named one", async () => {
    const netcat = join(folder, "nc");
    const script =
      'if (process.argv[2] !== "-U") process.exit(1);\nconst socket = require("node:net").connect(process.argv[3]);\n';
    const pipes = "process.stdin.pipe(socket).pipe(process.stdout);";
    writeFileSync(netcat, `#!${process.execPath}\n${script}${pipes}\n`, { mode: 0o755 });
    await serves(uri(`&proxy=netcat&netcat=${netcat}`));
    await serves(uri(`&socket=${daemon.socketPath}&netcat=${netcat}`));
  });

  it("carries a volume both ways", async () => {
    const pools = to(`qemu+ssh://root@127.0.0.1:${port}/system?command=${join(folder, "ssh")}`);
    const path = join(folder, "pool");
    mkdirSync(path);
    const pool = await pools.storagePoolCreateXML(
      `<pool type='dir'><name>s</name><target><path>${path}</path></target></pool>`,
    );
    const data = randomBytes(3_000_001);
    const volume = await pools.storageVolCreateXML(
      pool,
      `<volume><name>v</name><capacity>${data.length}</capacity></volume>`,
    );
    await pools.storageVolUpload(volume, data);
    const parts: Buffer[] = [];
    const sink = new Writable({ write: (chunk: Buffer, _encoding, done) => (parts.push(chunk), done()) });
    await pools.storageVolDownload(volume, sink);
    assert(Buffer.concat(parts).equals(data));
    await pools.storageVolDelete(volume);
    await pools.storagePoolDestroy(pool);
  });

  it("refuses a host whose key is not known", async () => {
    const strict = ssh("strict", [`UserKnownHostsFile ${folder}/nobody`]);
    await refuses(
      `test+ssh://root@127.0.0.1:${port}/default?command=${strict}`,
      /Host key verification failed.*Fix: connect once with ssh by hand/,
    );
  });

  it("says that the key was not accepted", async () => {
    const wrong = ssh("wrong", [`IdentityFile ${folder}/wrong_key`]);
    writeFileSync(
      join(folder, "wrong.config"),
      readFileSync(join(folder, "wrong.config"), "utf8").replace(`IdentityFile ${folder}/key`, ""),
    );
    await refuses(
      `test+ssh://root@127.0.0.1:${port}/default?command=${wrong}`,
      /Permission denied \(publickey.*Fix: load the key into ssh-agent/,
    );
  });

  it("says that sshd, ssh, the socket or the helper is missing", async () => {
    const [free] = await freePorts(1);
    await refuses(uri("", free), /Connection refused.*Fix: check that sshd runs there/);
    await refuses(
      `test+ssh://127.0.0.1/default?command=${folder}/none`,
      /ssh cannot be started.*Fix: install openssh-client/,
    );
    await refuses(
      uri("&socket=/nonexistent/sock"),
      /no libvirt socket among: \/nonexistent\/sock.*Fix: start libvirtd on the host/,
    );
    await refuses(uri("&proxy=netcat&netcat=/nonexistent/nc"), /not found.*Fix: install/);
  });

  it("does not take a file that is missing on the way for libvirt's", async () => {
    const lost = ssh("lost", ["ProxyCommand cat /nonexistent/way"]);
    await refuses(
      `test+ssh://root@127.0.0.1:${port}/default?command=${lost}`,
      /No such file or directory; .*Connection closed by.*Fix: see what ssh to that host says by hand/,
    );
  });

  it("comes back after the tunnel broke", async () => {
    const connection = to(uri());
    const hostname = await connection.connectGetHostname();
    execFileSync("pkill", ["-P", String(sshd.pid)]);
    assert.equal(await connection.connectGetHostname(), hostname);
  });
});
