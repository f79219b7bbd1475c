import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { assertAccepted, computeOutputs, find, ofKind, type Registered, valueOf } from "../components/mocks";
import { environment } from "./environment";

const real = { "datacenter:kvm1-connection": "qemu+ssh://root@kvm1.example.org/system" };
const guests = ["edge", "intranet", "office", "portal", "store"];

describe("the stack datacenter", () => {
  before(computeOutputs);
  afterEach(() => pulumi.runtime.setAllConfig({}));

  const nicsOf = (name: string, made: Registered[]) =>
    find("Domain", name, made).inputs["nics"].map(({ filter: _filter, ...nic }: { filter: string }) => nic);
  const names = (kind: string, made: Registered[]) => [...new Set(ofKind(kind, made).map(({ name }) => name))].sort();

  it("is a host with br0 and br1, two networks, and containers on all of them", async () => {
    const { made, outputs } = await environment("datacenter", real);
    assertAccepted(made);
    const connection = real["datacenter:kvm1-connection"];
    const machine = { kind: "ssh", host: "kvm1.example.org", user: "root" };
    const bridges = ["kvm1-br0", "kvm1-br1"].map((name) => find("LinuxBridge", name, made).inputs);
    assert.deepEqual(
      bridges.map(({ machine, name, uplink, addresses, gateway }) => ({ machine, name, uplink, addresses, gateway })),
      [
        {
          ...{ machine, name: "br0", uplink: "eth0", addresses: ["192.168.155.32/24", "fd00:155::32/64"] },
          gateway: ["192.168.155.1", "fd00:155::1"],
        },
        { machine, name: "br1", uplink: "eth1", addresses: [], gateway: undefined },
      ],
    );
    const [adopted, backend] = ["default", "backend"].map((name) => find("Network", `kvm1-${name}`, made).inputs);
    assert.deepEqual(
      [adopted!["adopt"], adopted!["mode"] ?? "nat", adopted!["ipv6"]],
      ["default", "nat", "fd00:122::/64"],
    );
    assert.deepEqual([backend!["mode"], backend!["ipv4"]], ["isolated", "10.155.0.0/24"]);
    assert.deepEqual(names("Domain", made), guests);
    assert.deepEqual(
      names("RootFilesystem", made),
      guests.map((name) => `${name}-root`),
    );
    assert.equal(ofKind("Volume", made).length, 0);
    for (const name of guests) {
      const { inputs } = find("Domain", name, made);
      assert.deepEqual(
        [inputs["kind"], inputs["connection"], inputs["memory"], inputs["ready"]],
        ["lxc", connection.replace("qemu", "lxc"), "256MiB", { booted: true, addresses: true }],
      );
      assert.match(find("File", `${name}-page`, made).inputs["content"], new RegExp(`<h1>${name}</h1>`));
      assert.ok(find("Service", `${name}-nginx`, made).dependencies.includes(`File ${name}-page`));
      assert.deepEqual(find("TarBackup", `${name}-pages`, made).inputs["paths"], ["/etc/nginx", "/var/www"]);
    }
    const { inputs: image } = find("BootstrapImage", "debian", made);
    assert.deepEqual([image["format"], image["machine"]], ["directory", machine]);
    assert.deepEqual(Object.keys(await valueOf(pulumi.output(outputs["addresses"]!) as never)).sort(), guests);
  });

  it("has each guest where the picture has it, with addresses of its own or reserved ones", async () => {
    const { made } = await environment("datacenter", real);
    const lan = (last: number) => ({
      bridge: "br0",
      addresses: [`192.168.155.${last}/24`, `fd00:155::${last}/64`],
    });
    const wan = (last: number) => ({
      bridge: "br1",
      ...{
        addresses: [`203.0.113.${last}/24`, `2001:db8:203::${last}/64`],
        gateway: ["203.0.113.1", "2001:db8:203::1"],
      },
    });
    assert.deepEqual(nicsOf("intranet", made), [{ ...lan(40), gateway: ["192.168.155.1", "fd00:155::1"] }]);
    assert.deepEqual(nicsOf("portal", made), [wan(40)]);
    assert.deepEqual(nicsOf("edge", made), [wan(41), lan(41), { network: "backend" }]);
    assert.deepEqual(
      [nicsOf("office", made), nicsOf("store", made)],
      [[{ network: "default" }], [{ network: "backend" }]],
    );
    const reserved = ["office-0", "store-0"].map((name) => find("DhcpReservation", name, made).inputs);
    assert.deepEqual(
      reserved.map(({ network, ipv4, ipv6 }) => [network, ipv4, ipv6]),
      [
        ["default", "192.168.122.10", "fd00:122::10"],
        ["backend", "10.155.0.20", "fd00:155:b::20"],
      ],
    );
    assert.equal(ofKind("NetworkFilter", made).length, 7, "each NIC speaks for itself");
    const forward = find("PortForward", "office-published", made).inputs;
    assert.deepEqual(
      [forward["ports"], forward["to"]],
      [[{ host: 8080, guest: 80 }], ["192.168.122.10", "fd00:122::10"]],
    );
  });

  it("has virtual machines with the same addresses instead, where the configuration says so", async () => {
    const containers = await environment("datacenter", real);
    const { made } = await environment("datacenter", { ...real, "datacenter:guests": "vms" });
    assertAccepted(made);
    assert.deepEqual(names("Domain", made), guests);
    assert.deepEqual(
      names("Volume", made),
      guests.map((name) => `${name}-root`),
    );
    assert.equal(ofKind("RootFilesystem", made).length, 0);
    assert.equal(find("BootstrapImage", "debian", made).inputs["format"] ?? "qcow2", "qcow2");
    for (const name of guests) {
      const { inputs } = find("Domain", name, made);
      assert.deepEqual([inputs["kind"] ?? "qemu", inputs["connection"]], ["qemu", real["datacenter:kvm1-connection"]]);
      assert.deepEqual(inputs["ready"], { agent: true, addresses: true, timeout: "15m" });
      assert.deepEqual(nicsOf(name, made), nicsOf(name, containers.made));
      assert.equal(find("File", `${name}-page`, made).inputs["machine"].kind, "agent");
    }
  });

  it("takes the NICs of the host from the configuration", async () => {
    const { made } = await environment("datacenter", { ...real, "datacenter:lan": "eno1", "datacenter:wan": "eno2" });
    const uplinks = ["kvm1-br0", "kvm1-br1"].map((name) => find("LinuxBridge", name, made).inputs["uplink"]);
    assert.deepEqual(uplinks, ["eno1", "eno2"]);
  });

  it("refuses other kinds of guests", async () => {
    await assert.rejects(environment("datacenter", { ...real, "datacenter:guests": "xen" }), {
      message: 'datacenter:guests: got "xen". Allowed: "containers" or "vms"',
    });
  });

  it("says how to get a lab, or to name a host, where there is neither", async () => {
    await assert.rejects(environment("datacenter", { "datacenter:lab": "no-such-lab" }), {
      message:
        "there is no lab \"no-such-lab\": ENOENT: no such file or directory, open '/run/pulumi-kvm-lab/no-such-lab/lab.json'. Fix: npm run lab -- up, or say where the hosts are: npm run pulumi -- config set datacenter:kvm1-connection qemu+ssh://root@kvm1/system",
    });
  });
});
