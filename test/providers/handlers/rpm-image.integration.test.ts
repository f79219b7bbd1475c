import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { RpmImageHandler } from "../../../providers/handlers/rpm-image";
import { skip } from "../../skip";
import { builtRpm } from "../rpm/built-rpm";
import { ContainerLab } from "./container-lab";
import { Played } from "./played";

describe("a container out of an RPM", function () {
  this.timeout(240_000);
  let lab: ContainerLab | undefined;
  let folder: string | undefined;

  before(async function () {
    for (const tool of ["/usr/bin/rpmbuild", "/bin/busybox"]) if (!existsSync(tool)) skip(this, `needs ${tool}`);
    lab = await ContainerLab.up(this);
    // Lab hosts see this folder under the same path.
    folder = mkdtempSync("/var/cache/pulumi-kvm-rpm-");
  });
  after(async () => {
    await lab?.down();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("boots", async () => {
    const rpm = builtRpm(folder!, {
      name: "tiny",
      install: `mkdir -p bin sbin usr/bin etc root tmp proc sys dev run var/log
cp /bin/busybox bin/busybox
for name in $(/bin/busybox --list); do [ $name = busybox ] || ln -s busybox bin/$name; done
ln -s ../bin/busybox sbin/init
echo 'root:x:0:0::/root:/bin/sh' >etc/passwd
echo '::sysinit:/bin/true' >etc/inittab
echo made of an RPM >etc/issue`,
      files: "/*",
    });
    const directory = join(folder!, "images");
    mkdirSync(directory);
    const sha256 = execFileSync("sha256sum", [rpm]).toString().slice(0, 64);
    const image = new Played(new RpmImageHandler());
    await image.up({ machine: { kind: "local" }, directory, packages: [{ path: rpm, sha256 }] });
    const root = await lab!.root("tiny", { source: image.state["path"] });
    await lab!.domain().up(lab!.args("tiny", root));
    assert.equal(await lab!.inside("tiny", "cat", "/etc/issue"), "made of an RPM");
    await lab!.clear();
    await image.destroy();
  });
});
