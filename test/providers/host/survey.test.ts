import assert from "node:assert/strict";
import fc from "fast-check";
import { parseSurvey } from "../../../providers/host/survey";

const section = (name: string, text: string, exitCode = 0) => `\x1e${name}\n${text}\x1f${exitCode}`;
const addresses = JSON.stringify([
  {
    ifname: "eth0",
    addr_info: [
      { family: "inet", local: "192.168.155.32", prefixlen: 24, scope: "global" },
      { family: "inet6", local: "fe80::1", prefixlen: 64, scope: "link" },
      { family: "inet6", local: "2001:db8::32", prefixlen: 64, scope: "global" },
    ],
  },
  { ifname: "br0", linkinfo: { info_kind: "bridge" }, addr_info: [] },
  { ifname: "tun0", addr_info: [{ family: "inet", local: "10.8.0.2", address: "10.8.0.1", prefixlen: 32 }] },
]);

describe("reading a survey", () => {
  it("reads interfaces, without link-local addresses, with both ends of a tunnel", () => {
    const { interfaces } = parseSurvey(section("addresses", addresses));
    assert.deepEqual(
      interfaces!.map(({ name, kind, addresses }) => [name, kind, addresses.map(({ text }) => text)]),
      [
        ["eth0", undefined, ["192.168.155.32/24", "2001:db8::32/64"]],
        ["br0", "bridge", []],
        ["tun0", undefined, ["10.8.0.1/32", "10.8.0.2/32"]],
      ],
    );
  });

  it("reads routes of both families", () => {
    const four = [
      { dst: "default", gateway: "192.168.155.1", dev: "eth0" },
      { dst: "10.8.0.1", dev: "tun0" },
      { type: "blackhole", dst: "10.9.0.0/16" },
    ];
    const six = [{ dst: "2001:db8:9::/48", gateway: "fe80::1", dev: "eth0", protocol: "ra" }];
    const { routes } = parseSurvey(section("routes4", JSON.stringify(four)) + section("routes6", JSON.stringify(six)));
    assert.deepEqual(
      routes!.map(({ text, type, protocol, destination }) => [text, type, protocol, destination?.length]),
      [
        ["default", "unicast", undefined, undefined],
        ["10.8.0.1/32", "unicast", undefined, 32],
        ["10.9.0.0/16", "blackhole", undefined, 16],
        ["2001:db8:9::/48", "unicast", "ra", 48],
      ],
    );
  });

  it("reads folders, whose names may have blanks", () => {
    const text = [
      "drwxr-xr-x 24 0 0 4096 Nov 22 19:21 /",
      "drwx------+ 3 64055 107 4096 Oct 21  2024 /my disks",
      "Filesystem     1024-blocks     Used Available Capacity Mounted on",
      "/dev/vda         264212084 21672540  73828724      23% /",
      "context system_u:object_r:default_t:s0",
      "",
    ].join("\n");
    const { folders } = parseSurvey(section("folder /my disks/new", text));
    assert.deepEqual(folders, [
      {
        path: "/my disks/new",
        steps: [
          { path: "/", mode: "drwxr-xr-x", uid: 0, gid: 0 },
          { path: "/my disks", mode: "drwx------+", uid: 64055, gid: 107 },
        ],
        size: 264212084 * 1024,
        available: 73828724 * 1024,
        label: "system_u:object_r:default_t:s0",
      },
    ]);
  });

  it("reads users, files, programs, firewall chains and the ssh client", () => {
    const survey = parseSurvey(
      section("user", "0\n") +
        section("qemu", "uid=64055(libvirt-qemu) gid=64055(libvirt-qemu) groups=64055(libvirt-qemu),107(kvm)\n") +
        section("kvm", "crw-rw---- 1 0 107 10, 232 Nov 20 13:29 /dev/kvm\n") +
        section("files", "/etc/os-release:ID=debian\n/etc/os-release:NAME=a:b\n/proc/sys/net/ipv4/ip_forward:1\n") +
        section("programs", "nft\nqemu-img\n") +
        section("chains", '{"nftables":[{"metainfo":{}},{"chain":{"family":"ip","table":"t","name":"c"}}]}') +
        section("writable", "", 1) +
        section("client", "192.0.2.7 5022 192.0.2.2 22\n"),
    );
    assert.equal(survey.root, true);
    assert.deepEqual(survey.qemuUser, { name: "libvirt-qemu", uid: 64055, groups: [64055, 107] });
    assert.deepEqual(survey.kvm, { path: "/dev/kvm", mode: "crw-rw----", uid: 0, gid: 107 });
    assert.equal(survey.files.get("/etc/os-release"), "ID=debian\nNAME=a:b");
    assert.deepEqual([...survey.programs], ["nft", "qemu-img"]);
    assert.deepEqual(survey.chains, [{ family: "ip", table: "t", name: "c" }]);
    assert.equal(survey.forwardingWritable, false);
    assert.equal(survey.client, "192.0.2.7");
  });

  it("knows nothing of what a command could not tell", () => {
    const survey = parseSurvey(section("addresses", "ip: unknown option -j", 1) + section("routes4", "[", 0));
    assert.deepEqual(
      [survey.interfaces, survey.routes, survey.chains, survey.root],
      [undefined, undefined, undefined, false],
    );
    assert.deepEqual(survey.folders, []);
  });

  it("never throws, whatever is printed", () => {
    const name = fc.constantFrom("addresses", "routes4", "chains", "files", "folder /x", "qemu", "kvm");
    const printed = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom("null", "[null]", "{}", '{"nftables":{}}', "[[]]"),
    );
    fc.assert(fc.property(name, printed, (section, text) => void parseSurvey(`\x1e${section}\n${text}\x1f0`)));
  });
});
