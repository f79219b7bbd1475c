import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseCapabilities, parseDomainCapabilities } from "../../../providers/libvirt/capabilities";
import { Connection, events } from "../../../providers/libvirt/connection";
import * as vir from "../../../providers/libvirt/constants";
import { ConnectError, ConnectionLost, ErrorCode, OutcomeUnknown, isMissing } from "../../../providers/libvirt/errors";
import type { StoragePool } from "../../../providers/libvirt/handles";
import { skip } from "../../skip";
import { PrivateLibvirtd } from "./private-libvirtd";

const hash = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
const code = (wanted: number) => (error: any) => error.code === wanted || assert.fail(String(error));

describe("libvirt", function () {
  this.timeout(120_000);
  let daemon: PrivateLibvirtd;
  let driver: Connection;
  let connection: Connection;

  before(async function () {
    if (PrivateLibvirtd.obstacle) skip(this, PrivateLibvirtd.obstacle);
    daemon = await PrivateLibvirtd.start();
    driver = Connection.to(daemon.uri("test:///default"));
    connection = Connection.to(daemon.uri("qemu:///system"));
  });

  after(async () => {
    driver?.close();
    connection?.close();
    await daemon?.stop();
  });

  describe("over the test driver", () => {
    it("tells about itself and its host", async () => {
      assert.equal(await driver.connectGetType(), "TEST");
      assert((await driver.connectGetLibVersion()) > 1_000_000);
      assert.equal(await driver.connectGetURI(), "test:///default");
      assert.deepEqual((await driver.nodeGetInfo()).model, "i686");
      assert((await driver.nodeGetFreeMemory()) > 0);
      assert.equal((await driver.nodeGetSecurityModel()).model, "testSecurity");
      assert.equal(parseCapabilities(await driver.connectGetCapabilities()).guests[0]!.arch, "i686");
      assert.equal(await driver.connectGetHostname(), execFileSync("hostname", { encoding: "utf8" }).trim());
    });

    it("serves the other drivers of the same daemon", async function () {
      const lxc = Connection.to(daemon.uri("lxc:///system"));
      try {
        assert.equal(await lxc.connectGetType(), "LXC");
        assert.deepEqual(await lxc.connectListAllDomains(), []);
      } catch (error) {
        if (/no connection driver|not supported/i.test(String(error))) skip(this, "needs libvirt's lxc driver");
        throw error;
      } finally {
        lxc.close();
      }
    });

    it("agrees with virsh", async function () {
      const names = execFileSync("virsh", ["-c", daemon.uri("qemu:///system"), "pool-list", "--all", "--name"], {
        encoding: "utf8",
      });
      const pools = await connection.connectListAllStoragePools();
      assert.deepEqual(
        names
          .split("\n")
          .map((name) => name.trim())
          .filter(Boolean),
        pools.map(({ name }) => name),
      );
    });

    it("takes a guest through its life", async () => {
      const xml =
        "<domain type='test'><name>rpc-1</name><memory unit='KiB'>65536</memory><os><type>hvm</type></os></domain>";
      const defined = await driver.domainDefineXMLFlags(xml, 0);
      assert.equal(defined.id, -1);
      const running = await driver.domainCreateWithFlags(defined, 0);
      assert(running.id > 0);
      assert.deepEqual(await driver.domainLookupByName("rpc-1"), running);
      assert.deepEqual(await driver.domainLookupByUUID(defined.uuid.toUpperCase()), running);
      assert.deepEqual(await driver.domainLookupByID(running.id), running);
      await driver.domainSuspend(running);
      assert.equal((await driver.domainGetState(running)).state, vir.VIR_DOMAIN_PAUSED);
      await driver.domainResume(running);
      await driver.domainSetMemoryFlags(running, 32768, vir.VIR_DOMAIN_AFFECT_LIVE);
      const info = await driver.domainGetInfo(running);
      assert.deepEqual([info.state, info.maxMem, info.memory], [vir.VIR_DOMAIN_RUNNING, 65536, 32768]);
      await driver.domainSetAutostart(running, true);
      assert.equal(await driver.domainGetAutostart(running), true);
      const uri = "https://example.org/rpc";
      await driver.domainSetMetadata(running, vir.VIR_DOMAIN_METADATA_ELEMENT, "<a b='1'/>", "x", uri, 0);
      assert.match(await driver.domainGetMetadata(running, vir.VIR_DOMAIN_METADATA_ELEMENT, uri), /b=['"]1['"]/);
      assert.match(await driver.domainGetXMLDesc(running), /<name>rpc-1<\/name>/);
      assert.equal(await driver.domainIsActive(running), true);
      assert.equal(await driver.domainIsPersistent(running), true);
      const snapshot = await driver.domainSnapshotCreateXML(
        running,
        "<domainsnapshot><name>s1</name></domainsnapshot>",
      );
      assert.deepEqual(await driver.domainListAllSnapshots(running), [snapshot]);
      await driver.domainRevertToSnapshot(snapshot, 0);
      await driver.domainSnapshotDelete(snapshot, 0);
      assert.equal(await driver.domainHasCurrentSnapshot(running), false);
      await driver.domainDestroyFlags(running, 0);
      await driver.domainUndefineFlags(running, 0);
      await assert.rejects(driver.domainGetState(running), isMissing);
    });

    it("answers with codes", async () => {
      await assert.rejects(driver.domainLookupByName("no such"), code(ErrorCode.NO_DOMAIN));
      await assert.rejects(driver.networkLookupByName("no such"), code(ErrorCode.NO_NETWORK));
      await assert.rejects(driver.storagePoolLookupByName("no such"), code(ErrorCode.NO_STORAGE_POOL));
      await assert.rejects(driver.storageVolLookupByKey("no such"), code(ErrorCode.NO_STORAGE_VOL));
      await assert.rejects(driver.domainDefineXML("<domain type='test'/>"), code(ErrorCode.NO_NAME));
      await assert.rejects(driver.domainDefineXML("<domain"), code(ErrorCode.XML_DETAIL));
      await assert.rejects(Connection.to(daemon.uri("nosuch:///")).connect(), ConnectError);
    });

    it("reports events", async () => {
      const [dom] = await driver.connectListAllDomains();
      const seen: number[] = [];
      const stop = driver.onDomainLifecycle(({ event }) => seen.push(event));
      await stop.ready;
      await driver.domainSuspend(dom!);
      await driver.domainResume(dom!);
      const stopped = driver.waitForEvent(
        events.domainLifecycle,
        ({ event }) => event === vir.VIR_DOMAIN_EVENT_STOPPED,
      );
      await driver.domainDestroyFlags(dom!);
      assert.equal((await stopped).detail, vir.VIR_DOMAIN_EVENT_STOPPED_DESTROYED);
      await driver.domainCreateWithFlags(dom!);
      stop();
      const {
        VIR_DOMAIN_EVENT_SUSPENDED: suspended,
        VIR_DOMAIN_EVENT_RESUMED: resumed,
        VIR_DOMAIN_EVENT_STOPPED,
      } = vir;
      assert.deepEqual(seen.slice(0, 3), [suspended, resumed, VIR_DOMAIN_EVENT_STOPPED]);
    });

    it("answers a thousand calls at once", async () => {
      const [dom] = await driver.connectListAllDomains();
      const states = await Promise.all(Array.from({ length: 1000 }, () => driver.domainGetState(dom!)));
      assert(states.every(({ state }) => state === vir.VIR_DOMAIN_RUNNING));
    });
  });

  describe("with volumes", () => {
    let pool: StoragePool;
    const data = Buffer.concat([randomBytes(8_000_000), Buffer.alloc(5_000_000), randomBytes(1_000_003)]);

    before(async () => {
      const path = join(daemon.folder, "pool");
      mkdirSync(path);
      pool = await connection.storagePoolDefineXML(
        `<pool type='dir'><name>p</name><target><path>${path}</path></target></pool>`,
      );
      await connection.storagePoolCreate(pool);
    });

    after(async () => {
      await connection.storagePoolDestroy(pool);
      await connection.storagePoolUndefine(pool);
    });

    const volumeXml = (name: string, capacity: number) =>
      `<volume><name>${name}</name><capacity>${capacity}</capacity><allocation>0</allocation></volume>`;

    it("creates, grows, finds and deletes them", async () => {
      const volume = await connection.storageVolCreateXML(pool, volumeXml("a", 1_048_576));
      assert.equal(volume.key, join(daemon.folder, "pool/a"));
      assert.equal(await connection.storageVolGetPath(volume), volume.key);
      await connection.storageVolResize(volume, 4_194_304);
      assert.equal((await connection.storageVolGetInfo(volume)).capacity, 4_194_304);
      assert.deepEqual(await connection.storageVolLookupByName(pool, "a"), volume);
      assert.deepEqual(await connection.storageVolLookupByPath(volume.key), volume);
      assert.deepEqual(await connection.storagePoolListAllVolumes(pool), [volume]);
      assert.deepEqual(await connection.storagePoolLookupByVolume(volume), pool);
      const clone = await connection.storageVolCreateXMLFrom(pool, volumeXml("b", 4_194_304), volume);
      assert.deepEqual(await connection.storageVolGetInfoFlags(clone, 0).then(({ capacity }) => capacity), 4_194_304);
      await connection.storageVolWipe(clone);
      await connection.storageVolDelete(volume);
      await connection.storageVolDelete(clone);
      await assert.rejects(connection.storageVolGetInfo(volume), code(ErrorCode.NO_STORAGE_VOL));
      const info = await connection.storagePoolGetInfo(pool);
      assert.equal(info.state, vir.VIR_STORAGE_POOL_RUNNING);
      assert(info.capacity > info.available && info.available > 0);
    });

    for (const sparse of [false, true]) {
      it(`uploads and downloads them ${sparse ? "without their zeros" : "whole"}`, async () => {
        const [from, to] = [join(daemon.folder, "from"), join(daemon.folder, "to")];
        writeFileSync(from, data);
        const volume = await connection.storageVolCreateXML(pool, volumeXml("c", data.length));
        let done = 0;
        await connection.storageVolUpload(volume, createReadStream(from), {
          sparse,
          onProgress: (bytes) => (done = bytes),
        });
        assert.equal(done, data.length);
        assert.equal(hash(readFileSync(volume.key)), hash(data));
        const { allocation } = await connection.storageVolGetInfo(volume);
        assert.equal(allocation < data.length - 4_000_000, sparse);
        await connection.storageVolDownload(volume, createWriteStream(to), { sparse });
        assert.equal(hash(readFileSync(to)), hash(data));
        await connection.storageVolUpload(volume, Buffer.from("middle"), { offset: 1000, length: 6 });
        await connection.storageVolDownload(volume, createWriteStream(to), { offset: 998, length: 10 });
        assert.deepEqual(readFileSync(to).subarray(2, 8).toString(), "middle");
        assert.equal(readFileSync(to).length, 10);
        await connection.storageVolDelete(volume);
      });
    }

    it("lets go of them after an abort", async () => {
      const volume = await connection.storageVolCreateXML(pool, volumeXml("d", data.length));
      const abort = new AbortController();
      const onProgress = (bytes: number) => bytes > 2_000_000 && abort.abort(new Error("enough"));
      await assert.rejects(connection.storageVolUpload(volume, data, { signal: abort.signal, onProgress }), /enough/);
      await connection.storageVolDelete(volume);
    });
  });

  describe("with networks", () => {
    it("updates a running one in place", async function () {
      const net = await connection.networkDefineXMLFlags(
        "<network><name>rpcnet</name><bridge name='rpcbr0'/><ip address='10.77.0.1' netmask='255.255.255.0'>" +
          "<dhcp><range start='10.77.0.10' end='10.77.0.20'/></dhcp></ip></network>",
        0,
      );
      await connection.networkCreate(net);
      assert.equal(await connection.networkIsActive(net), true);
      assert.equal(await connection.networkIsPersistent(net), true);
      assert.equal(await connection.networkGetBridgeName(net), "rpcbr0");
      const both = vir.VIR_NETWORK_UPDATE_AFFECT_LIVE | vir.VIR_NETWORK_UPDATE_AFFECT_CONFIG;
      const host = "<host mac='52:54:00:00:00:01' name='web-1' ip='10.77.0.11'/>";
      const { VIR_NETWORK_UPDATE_COMMAND_ADD_LAST: add, VIR_NETWORK_SECTION_IP_DHCP_HOST: hosts } = vir;
      await connection.networkUpdate(net, add, hosts, -1, host, both);
      assert.match(await connection.networkGetXMLDesc(net), /52:54:00:00:00:01/);
      assert.match(await connection.networkGetXMLDesc(net, vir.VIR_NETWORK_XML_INACTIVE), /52:54:00:00:00:01/);
      await assert.rejects(
        connection.networkUpdate(net, add, hosts, -1, host, both),
        code(ErrorCode.OPERATION_INVALID),
      );
      assert.deepEqual(await connection.networkGetDHCPLeases(net), []);
      await connection.networkSetAutostart(net, true);
      assert.equal(await connection.networkGetAutostart(net), true);
      await connection.networkDestroy(net);
      await connection.networkUndefine(net);
      assert.deepEqual(await connection.connectListAllNetworks(), []);
    });
  });

  describe("with an emulated guest", () => {
    const xml = `<domain type='qemu'><name>rpc-q</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>
      <os><type arch='x86_64' machine='pc'>hvm</type><bios useserial='yes'/></os>
      <devices><serial type='pty'/><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>`;

    before(function () {
      try {
        execFileSync("qemu-system-x86_64", ["--version"]);
      } catch {
        skip(this, "needs qemu-system-x86_64");
      }
    });

    it("starts it, talks to it, and reads its console", async () => {
      const capabilities = await connection.connectGetDomainCapabilities(null, "x86_64", "pc", "qemu");
      assert.equal(parseDomainCapabilities(capabilities).domainType, "qemu");
      const defined = await connection.domainDefineXML(xml);
      const dom = await connection.domainCreateWithFlags(defined, vir.VIR_DOMAIN_START_PAUSED);
      const paused = { state: vir.VIR_DOMAIN_PAUSED, reason: vir.VIR_DOMAIN_PAUSED_USER };
      assert.deepEqual(await connection.domainGetState(dom), paused);
      const status = JSON.parse(await connection.domainQemuMonitorCommand(dom, '{"execute":"query-status"}'));
      assert.equal(status.return.running, false);
      const { VIR_DOMAIN_AFFECT_LIVE: live, VIR_DOMAIN_AFFECT_CONFIG: config } = vir;
      await connection.domainSetVcpusFlags(dom, 2, live | config);
      assert.equal(await connection.domainGetVcpusFlags(dom, live), 2);

      const terminal = await connection.domainOpenConsole(dom);
      let said = "";
      const greeted = new Promise<void>((resolve) => {
        terminal.on("data", (chunk: Buffer) => /SeaBIOS/.test((said += chunk.toString())) && resolve());
      });
      await connection.domainResume(dom);
      await greeted;
      await assert.rejects(
        connection.domainQemuAgentCommand(dom, '{"execute":"guest-ping"}', 1),
        code(ErrorCode.AGENT_UNRESPONSIVE),
      );
      const ended = new Promise((resolve) => terminal.once("close", resolve));
      await connection.domainDestroyFlags(dom, 0);
      await ended;
      const off = vir.VIR_DOMAIN_SHUTOFF;
      await connection.waitUntil(
        [events.domainLifecycle],
        async () => (await connection.domainGetState(dom)).state === off || undefined,
      );
      await connection.domainUndefineFlags(dom, vir.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE);
    });
  });

  describe("when the daemon is killed", () => {
    it("comes back: reads are sent again, events are registered again, writes say that they are unsure", async () => {
      const path = join(daemon.folder, "pool2");
      mkdirSync(path);
      const pool = await connection.storagePoolDefineXML(
        `<pool type='dir'><name>p2</name><target><path>${path}</path></target></pool>`,
      );
      await connection.storagePoolCreate(pool);
      const volumeXml = "<volume><name>big</name><capacity unit='GiB'>4</capacity><allocation>0</allocation></volume>";
      const volume = await connection.storageVolCreateXML(pool, volumeXml);
      let looks = 0;
      const found = driver.waitUntil([events.domainLifecycle], async () => {
        const domains = await driver.connectListAllDomains();
        return ++looks > 1 && domains.length === 1 ? domains[0] : undefined;
      });
      const endless = (async function* () {
        for (;;) yield Buffer.alloc(65536, 1);
      })();
      let sent = () => {};
      const underWay = new Promise<void>((resolve) => (sent = resolve));
      const upload = assert.rejects(
        connection.storageVolUpload(volume, endless, { onProgress: (bytes) => bytes > 5_000_000 && sent() }),
        ConnectionLost,
      );
      await underWay;
      while (looks === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      process.kill(daemon.pid, "SIGSTOP");
      const write = assert.rejects(connection.storagePoolSetAutostart(pool, true), OutcomeUnknown);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await daemon.kill();
      await Promise.all([upload, write]);
      await assert.rejects(connection.connectGetHostname(), ConnectError);
      await daemon.restart();
      assert.equal((await found).name, "test");
      assert.deepEqual(
        (await connection.connectListAllStoragePools()).map(({ name }) => name),
        ["p2"],
      );
      await connection.storagePoolDestroy(pool);
      await connection.storagePoolUndefine(pool);
    });

    it("sends a read again that was under way when it was restarted", async () => {
      await connection.connect();
      process.kill(daemon.pid, "SIGSTOP");
      const hostnames = Array.from({ length: 50 }, () => connection.connectGetHostname());
      await daemon.kill();
      await daemon.restart();
      assert.equal(new Set(await Promise.all(hostnames)).size, 1);
    });

    it("is reported as what it is when it does not answer at all", async function () {
      await connection.connect();
      process.kill(daemon.pid, "SIGSTOP");
      try {
        await assert.rejects(
          connection.with({ timeout: 300 }).connectGetHostname(),
          /connectGetHostname was not answered/,
        );
      } finally {
        process.kill(daemon.pid, "SIGCONT");
      }
      await connection.connectGetHostname();
    });
  });

  it("lets the process end, listening or not, without being closed", () => {
    const script = `
      const { open } = require(${JSON.stringify(join(__dirname, "../../../providers/libvirt/open.ts"))});
      (async () => {
        const connection = await open(${JSON.stringify(daemon.uri("test:///default"))});
        await connection.onDomainLifecycle(() => {}).ready;
        console.log(await connection.connectGetType());
      })();`;
    const output = execFileSync(process.execPath, ["-r", "ts-node/register/transpile-only", "-e", script], {
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.equal(output, "TEST\n");
  });
});
