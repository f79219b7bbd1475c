import assert from "node:assert/strict";
import { accelerator } from "../../../../providers/host/checks/accelerator";
import { emulator } from "../../../../providers/host/checks/emulator";
import { libvirtVersion } from "../../../../providers/host/checks/libvirt-version";
import { programs } from "../../../../providers/host/checks/programs";
import { declares, found, plainHost } from "../plain-host";

describe("the check of libvirt's version", () => {
  it("refuses what is too old for the product", async () => {
    assert.deepEqual(await found(libvirtVersion, plainHost({ report: { libvirtVersion: 5_009_000 } })), [
      "error connection: libvirt 5.9.0 is too old. Allowed: 6.0.0 or newer" +
        " => upgrade libvirt on the host (Debian 12 has 9.0, RHEL 9 and Ubuntu 24.04 have 10.0)",
    ]);
    assert.deepEqual(await found(libvirtVersion, plainHost({ report: { libvirtVersion: 6_000_000 } })), []);
  });

  it("refuses what is too old for the program", async () => {
    assert.match(
      (await found(libvirtVersion, plainHost({ target: { minimumLibvirt: "9.1" } }))).join(),
      /^error minimumLibvirt: libvirt 9\.0\.0 is too old\. Allowed: 9\.1\.0 or newer/,
    );
    assert.deepEqual(await found(libvirtVersion, plainHost({ target: { minimumLibvirt: "9.0" } })), []);
    const report = { libvirtVersion: 5_000_000 };
    assert.match(
      (await found(libvirtVersion, plainHost({ target: { minimumLibvirt: "4.0" }, report }))).join(),
      /6\.0\.0/,
    );
  });

  it("warns where IPv6 is not translated yet", async () => {
    const report = { libvirtVersion: 6_004_000 };
    assert.match(
      (await found(libvirtVersion, plainHost({ target: declares("fd00::/64"), report }))).join(),
      /^warning subnets: libvirt 6\.4\.0 does not translate IPv6 .* fd00::\/64 of network lab is only routed => upgrade libvirt to 6\.5\.0/,
    );
    assert.deepEqual(await found(libvirtVersion, plainHost({ target: declares("10.0.0.0/8"), report })), []);
  });
});

describe("the check of QEMU", () => {
  it("wants the host's own architecture", async () => {
    const report = { architecture: "aarch64", emulated: ["x86_64"] };
    assert.deepEqual(await found(emulator, plainHost({ report })), [
      "error connection: libvirt finds no QEMU for aarch64, only for x86_64 => apt-get install qemu-system-arm",
    ]);
    assert.match(
      (await found(emulator, plainHost({ report: { emulated: [] }, survey: { root: false } }))).join(),
      /only for nothing => sudo apt-get install qemu-system-x86$/,
    );
    assert.deepEqual(await found(emulator, plainHost()), []);
  });
});

describe("the check of programs", () => {
  const without = (missing: string[], more: Parameters<typeof plainHost>[0] = {}) => {
    const all = ["qemu-img", "dnsmasq", "iptables", "ebtables", "nft", "mmdebstrap", "mke2fs"];
    const present = new Set(all.filter((program) => !missing.includes(program)));
    return found(programs, plainHost({ ...more, survey: { ...more.survey, programs: present } }));
  };

  it("wants only what is used", async () => {
    assert.deepEqual(await without(["dnsmasq", "iptables", "nft", "mmdebstrap", "mke2fs"]), []);
    assert.deepEqual(await without(["qemu-img"], { target: { connection: "lxc:///system" } }), []);
  });

  it("names all that is missing in one command", async () => {
    const target = { ...declares("10.0.0.0/8"), needs: { images: true } };
    assert.deepEqual(await without(["dnsmasq", "iptables", "mmdebstrap", "mke2fs", "qemu-img"], { target }), [
      "error needs: not installed: qemu-img (builds images), dnsmasq (serves DHCP and DNS), iptables (guards and translates the networks)," +
        " mmdebstrap (builds images), mke2fs (builds images) => apt-get install qemu-utils dnsmasq-base iptables mmdebstrap e2fsprogs",
    ]);
  });

  it("wants ebtables where guests are filtered", async () => {
    assert.deepEqual(await without(["ebtables"]), []);
    assert.deepEqual(await without(["ebtables"], { target: { needs: { networkFilters: true } } }), [
      "error needs: not installed: ebtables (keeps guests from speaking as others) => apt-get install iptables",
    ]);
  });

  it("speaks the distribution's words", async () => {
    const target = declares("10.0.0.0/8");
    const on = (release: string) => without(["dnsmasq"], { target, files: { "/etc/os-release": release } });
    assert.match((await on('ID="rocky"\nID_LIKE="rhel centos fedora"')).join(), /=> dnf install dnsmasq$/);
    assert.match((await on("ID=ubuntu\nID_LIKE=debian")).join(), /=> apt-get install dnsmasq-base$/);
    assert.match((await on("ID=gentoo")).join(), /=> install dnsmasq-base \(Debian's names\)$/);
  });

  it("wants the firewall program that libvirt calls", async () => {
    const target = declares("10.0.0.0/8");
    const report = { libvirtVersion: 11_003_000 };
    const files = { "/etc/libvirt/network.conf": 'firewall_backend = "nftables"' };
    assert.match((await without(["nft"], { target, report, files })).join(), /not installed: nft /);
    assert.deepEqual(await without(["iptables"], { target, report, files }), []);
    assert.deepEqual(await without(["nft"], { target, report, survey: { chains: [] } }), []);
    assert.match((await without(["nft", "iptables"], { target, report })).join(), /not installed: nft /);
  });
});

describe("the check of the accelerator", () => {
  const emulated = { accelerator: "tcg" as const, reason: "the processor has neither vmx nor svm" };

  it("is content with KVM", async () => {
    assert.deepEqual(await found(accelerator, plainHost()), []);
  });

  it("says why guests are emulated, and how to change it", async () => {
    const fixes = async (features: string[], root = true) => {
      const report = { cpuFeatures: new Set(features) };
      const [line] = await found(accelerator, plainHost({ acceleration: emulated, report, survey: { root } }));
      assert.match(
        line!,
        /^warning connection: guests run on emulated processors \(tcg\), many times slower than with KVM: the processor has neither vmx nor svm => /,
      );
      return line!.split(" => ")[1];
    };
    assert.match((await fixes([]))!, /^switch on VT-x \(Intel\) or SVM \(AMD\) in the firmware$/);
    assert.match((await fixes(["hypervisor"]))!, /^this host is itself a virtual machine: .*nested=1/);
    assert.match((await fixes(["svm"]))!, /^modprobe kvm_amd, and see/);
    assert.match((await fixes(["vmx", "hypervisor"], false))!, /^sudo modprobe kvm_intel; restart libvirtd then$/);
  });

  it("finds a /dev/kvm that QEMU's user may not open", async () => {
    const kvm = { path: "/dev/kvm", mode: "crw-------", uid: 0, gid: 0 };
    assert.deepEqual(await found(accelerator, plainHost({ acceleration: emulated, survey: { kvm } })), [
      "warning connection: QEMU's user libvirt-qemu may not open /dev/kvm (crw-------): guests are emulated (tcg)," +
        " and libvirt takes seconds for each call because it examines QEMU every time" +
        " => chgrp kvm /dev/kvm && chmod 660 /dev/kvm (udev does so where it runs)",
    ]);
  });
});
