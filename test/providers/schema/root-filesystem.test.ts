import assert from "node:assert/strict";
import { rootFilesystemSchema } from "../../../providers/schema/root-filesystem";
import { complaints, parsed } from "./parse";

const web = { machine: { kind: "local" }, name: "web", source: "/srv/image" };

describe("root folder arguments", () => {
  it("are completed", () => {
    assert.deepEqual(
      parsed(rootFilesystemSchema, { ...web, source: "/srv/image/", dns: [], idmap: { start: 100000 } }),
      {
        ...web,
        directory: "/var/lib/libvirt/filesystems",
        hostname: "web",
        idmap: { start: 100000, count: 65536 },
        retain: "refuse",
      },
    );
  });

  const wrong: [object, RegExp][] = [
    [{ source: undefined }, /^source: is required/],
    [{ source: "image" }, /^source: "image" is not an absolute path/],
    [{ source: "/" }, /^source: the host's own root cannot be copied\. Allowed: the folder of a system, or an archive/],
    [{ name: "../web" }, /^name: "\.\.\/web" is not a name/],
    [{ hostname: "web_1" }, /^hostname: "web_1" is not a host name/],
    [{ dns: ["dns.example.org"] }, /^dns\.0: "dns\.example\.org" is not an IP address/],
    [{ idmap: { start: 0 } }, /^idmap\.start: /],
    [{ machine: { kind: "agent", uri: "qemu:///system", domain: "x" } }, /^machine: .*keeps no images/],
    [{ surce: "/x" }, /^surce: unknown field "surce"; did you mean "source"\?/],
  ];
  for (const [args, expected] of wrong)
    it(`refuse ${JSON.stringify(args)}`, () =>
      assert.match(complaints(rootFilesystemSchema, { ...web, ...args }).join("\n"), expected));
});
