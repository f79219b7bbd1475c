import assert from "node:assert/strict";
import { firewallRules } from "../../../../providers/host/checks/firewall-rules";
import { bridge, declares, found, plainHost } from "../plain-host";

const target = declares("192.168.190.0/24");
const forward = { family: "ip", table: "filter", name: "FORWARD", hook: "forward", policy: "drop" };
const foreign = { family: "inet", table: "guard", name: "pass", hook: "forward", policy: "drop" };
const newer = { libvirtVersion: 11_003_000 };
const nftables = { "/etc/libvirt/network.conf": '#firewall_backend = "nftables"' };
const docker = "table ip filter {\n\tchain DOCKER-USER {\n\t}\n\tchain FORWARD {\n\t\tcounter jump DOCKER-USER\n\t}\n}";

describe("the check of the firewall", () => {
  it("finds nothing on a host that accepts", async () => {
    assert.deepEqual(await found(firewallRules, plainHost({ target })), []);
  });

  it("knows that libvirt's iptables rules come before Docker's policy", async () => {
    assert.deepEqual(await found(firewallRules, plainHost({ target, survey: { chains: [forward] } })), []);
  });

  it("warns of Docker's policy where libvirt writes nftables rules", async () => {
    const differences = { target, report: newer, files: nftables, survey: { chains: [forward] } };
    const asked: (readonly string[])[] = [];
    const run = (argv: readonly string[]) => (asked.push(argv), { stdout: docker });
    assert.deepEqual(await found(firewallRules, plainHost({ ...differences, run })), [
      "warning subnets: Docker's firewall chain ip filter FORWARD has the policy drop, which libvirt's own rules do not lift: guests reach nobody beyond the host" +
        ' => set firewall_backend = "iptables" in /etc/libvirt/network.conf and restart libvirtd (or virtnetworkd): libvirt then writes its rules into that chain',
    ]);
    assert.deepEqual(asked, [["nft", "list", "table", "ip", "filter"]]);
  });

  it("is content where the operator has opened it for libvirt's bridges", async () => {
    const differences = { target, report: newer, files: nftables, survey: { chains: [forward] } };
    const run = () => ({ stdout: docker.replace("\t}", '\t\tiifname "virbr*" counter accept\n\t}') });
    assert.deepEqual(await found(firewallRules, plainHost({ ...differences, run })), []);
  });

  it("warns of the operator's own chain, whatever libvirt writes", async () => {
    const run = () => ({ stdout: "table inet guard {\n}" });
    const survey = { root: true, chains: [foreign, { ...foreign, name: "in", hook: "input" }] };
    assert.deepEqual(await found(firewallRules, plainHost({ target, survey, run })), [
      "warning subnets: firewall chain inet guard pass has the policy drop, which libvirt's own rules do not lift: guests reach nobody beyond the host" +
        ' => nft insert rule inet guard pass iifname "virbr*" accept; nft insert rule inet guard pass oifname "virbr*" accept, and in your firewall\'s own configuration',
      "warning subnets: firewall chain inet guard in has the policy drop, which libvirt's own rules do not lift: guests get no address and no names from the host" +
        ' => nft insert rule inet guard in iifname "virbr*" accept, and in your firewall\'s own configuration',
    ]);
  });

  it("is content with an input chain that lets DHCP in", async () => {
    const run = () => ({ stdout: "udp dport { 53, 67 } accept" });
    const chains = [{ ...foreign, hook: "input" }];
    assert.deepEqual(await found(firewallRules, plainHost({ target, survey: { chains }, run })), []);
  });

  it("passes over the other address family, and hosts without networks of ours", async () => {
    const survey = { chains: [{ ...foreign, family: "ip6" }] };
    assert.deepEqual(await found(firewallRules, plainHost({ target, survey })), []);
    assert.deepEqual(await found(firewallRules, plainHost({ survey: { chains: [foreign] } })), []);
  });

  it("says that only root can look", async () => {
    const survey = { root: false, chains: undefined };
    assert.deepEqual(await found(firewallRules, plainHost({ target, survey })), [
      "skipped: only root can list firewall rules",
    ]);
  });

  describe("for guests on the host's own bridges", () => {
    const files = { "/proc/sys/net/bridge/bridge-nf-call-iptables": "1" };
    const interfaces = [bridge("br0", "192.168.155.32/24"), bridge("docker0", "172.17.0.1/16"), bridge("virbr0")];

    it("warns where bridged frames meet the policy", async () => {
      const differences = { files, survey: { interfaces, chains: [forward] }, run: () => ({ stdout: docker }) };
      assert.deepEqual(await found(firewallRules, plainHost(differences)), [
        "warning machine: the FORWARD chain's policy is DROP and bridged frames pass it (bridge-nf-call-iptables is 1):" +
          " guests on bridge br0 are cut off from the network => iptables -I FORWARD -i br0 -o br0 -j ACCEPT",
      ]);
    });

    it("is content with a rule for the bridge, or when frames pass by", async () => {
      const rule = () => ({ stdout: 'iifname "br0" oifname "br0" counter accept' });
      assert.deepEqual(
        await found(firewallRules, plainHost({ files, survey: { interfaces, chains: [forward] }, run: rule })),
        [],
      );
      assert.deepEqual(await found(firewallRules, plainHost({ survey: { interfaces, chains: [forward] } })), []);
    });
  });
});
