import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { assertAccepted, computeOutputs, find, ofKind, run, tree, valueOf } from "../mocks";
import { BootstrapImage, File, KvmHost } from "../../../components";
import { tierMembers, type TierMember, type TierMembersArgs } from "../../../components/tier/members";

class Tier extends pulumi.ComponentResource {
  readonly members: TierMember[];
  constructor(name: string, args: TierMembersArgs, packages: string[] = ["nginx-light"]) {
    super("test:tier:Tier", name);
    const made = tierMembers(this, `Tier ${name}`, name, args, packages, (member, opts) => {
      const { machine } = member;
      return new File(`${member.name}-server`, { machine, path: "/server", content: "x" }, opts);
    });
    this.members = made.map(({ member }) => member);
  }
}

describe("members of a tier", () => {
  before(computeOutputs);

  const host = () => new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
  const refused = (args: TierMembersArgs, message: string) =>
    assert.rejects(
      run(() => new Tier("web", args)),
      { message: `Tier web: ${message}` },
    );

  it("are guests of an image that the tier makes, one for all tiers of a host that want the same", async () => {
    let web!: Tier;
    const made = await run(() => {
      const kvm1 = host();
      web = new Tier("web", { host: kvm1, network: "lab", kind: "lxc", memory: "128MiB" });
      new Tier("shop", { host: kvm1, network: "lab", kind: "lxc", count: 1 });
      new Tier("old", { host: kvm1, network: "lab", count: 1, image: { suite: "bullseye", packages: ["curl"] } });
    });
    assertAccepted(made);
    assert.deepEqual(
      ofKind("Guest", made)
        .map(({ name }) => name)
        .sort(),
      ["old-1", "shop-1", "web-1", "web-2"],
    );
    assert.deepEqual(
      tree(ofKind("BootstrapImage", made))
        .filter((line) => line.startsWith("KvmHost"))
        .map((line) => line.replace(/-[0-9a-f]{8}$/, "-DIGEST")),
      [
        "KvmHost kvm1 > BootstrapImage kvm1-directory-nginx-light",
        "KvmHost kvm1 > BootstrapImage kvm1-qcow2-curl-nginx-light-DIGEST",
      ],
    );
    assert.equal(find("Domain", "web-1", made).inputs["memory"], "128MiB");
    assert.deepEqual(ofKind("Package", made), []);
    assert.deepEqual(await Promise.all(web.members.map(({ address }) => valueOf(address))), [
      "192.168.122.10",
      "192.168.122.10",
    ]);
  });

  it("change one after the other, guests and servers, as many at once as may be without service", async () => {
    const waits = async (maxUnavailable?: number) => {
      const made = await run(() => new Tier("web", { host: host(), network: "lab", count: 4, maxUnavailable }));
      const of = (kind: string, name: string) =>
        find(kind, name, made).dependencies.filter((each) => each.endsWith("-server"));
      return [1, 2, 3, 4].map((at) => [...of("Domain", `web-${at}`), ...of("File", `web-${at}-server`)].join(", "));
    };
    assert.deepEqual(await waits(), [
      "",
      "File web-1-server, File web-1-server",
      "File web-2-server, File web-2-server",
      "File web-3-server, File web-3-server",
    ]);
    assert.deepEqual(await waits(3), ["", "", "", "File web-1-server, File web-1-server"]);
  });

  it("have what their server needs installed where their image is of another's making", async () => {
    const made = await run(() => {
      const kvm1 = host();
      new Tier("web", { host: kvm1, image: new BootstrapImage("debian", { host: kvm1 }), network: "lab" });
    });
    assertAccepted(made);
    assert.deepEqual(find("Package", "web-2-packages", made).inputs["names"], ["nginx-light"]);
    assert.ok(find("File", "web-2-server", made).dependencies.includes("Package web-2-packages"));
  });

  it("may be machines that exist", async () => {
    let web!: Tier;
    const made = await run(() => {
      web = new Tier("web", {
        machines: [
          { machine: { kind: "ssh", host: "web1" }, address: "192.0.2.1", name: "first" },
          { machine: { kind: "ssh", host: "web2" }, address: "2001:db8::2" },
        ],
      });
    });
    assertAccepted(made);
    assert.deepEqual(ofKind("Guest", made), []);
    assert.deepEqual(
      web.members.map(({ name }) => name),
      ["first", "web-2"],
    );
    assert.deepEqual(find("File", "web-2-server", made).inputs["machine"], { kind: "ssh", host: "web2" });
    assert.deepEqual(find("File", "web-2-server", made).dependencies, ["File first-server", "Package web-2-packages"]);
    assert.equal(await valueOf(web.members[1]!.ipv6), "2001:db8::2");
  });

  it("may have NICs and addresses of their own, which are known before they run", async () => {
    let web!: Tier;
    const made = await run(() => {
      const nics = (number: number) => [
        { bridge: "br0", addresses: [`192.0.2.${40 + number}/24`], antiSpoofing: false },
      ];
      web = new Tier("web", { host: host(), kind: "lxc", nics });
    });
    assertAccepted(made);
    assert.deepEqual(find("Domain", "web-2", made).inputs["nics"][0].addresses, ["192.0.2.42/24"]);
    assert.equal(await valueOf(web.members[1]!.address), "192.0.2.42");
  });

  it("refuse what contradicts itself", async () => {
    await refused({}, "host is required. Allowed: a KvmHost");
    await refused({ host: host() }, "nobody would reach its guests. Fix: say network, or nics");
    await refused({ host: host(), network: "lab", count: 1.5 }, "count: got 1.5. Allowed: a whole number from 0");
    await refused(
      { host: host(), network: "lab", maxUnavailable: 0 },
      "maxUnavailable: got 0. Allowed: a whole number from 1",
    );
    await refused(
      { machines: [], count: 2 },
      "count is of guests that the tier makes, and machines name those that exist. Fix: leave one of them out",
    );
    const folder = () => new BootstrapImage("folder", { host: host(), format: "directory" });
    await assert.rejects(
      run(() => new Tier("web", { host: host(), image: folder(), kind: "qemu", network: "lab" })),
      {
        message: 'Tier web: kind: got "qemu", and image is for guests of kind "lxc". Fix: leave kind out',
      },
    );
  });
});
