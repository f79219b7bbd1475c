import assert from "node:assert/strict";
import { appArmor, seLinux } from "../../../../providers/host/checks/confinement";
import { folder, found, plainHost } from "../plain-host";

describe("the check of AppArmor", () => {
  const at = (path: string) => found(appArmor, plainHost({ survey: { folders: [folder(path)] } }));

  it("lets disks be where guests' profiles may name them", async () => {
    for (const path of ["/var/lib/libvirt/images", "/srv/vm", "/home/anna/vm", "/root/vm", "/data"])
      assert.deepEqual(await at(path), [], path);
  });

  it("refuses folders of the system", async () => {
    assert.deepEqual(await at("/etc/vm"), [
      "error directories: AppArmor: libvirt lets no guest write below /etc/, so disks in /etc/vm cannot be used" +
        " => choose another folder, such as /var/lib/libvirt/images",
    ]);
    for (const path of ["/lib64/vm", "/libvirt", "/usr/share/vm", "/boot"])
      assert.match((await at(path)).join(), /^error/, path);
  });

  it("warns of hidden folders in homes", async () => {
    assert.deepEqual(await at("/home/anna/.local/share/images"), [
      "warning directories: AppArmor: libvirt may not read /home/anna/.local/share/images, so guests with overlays on images there do not start" +
        " => choose a folder that is not hidden, such as /var/lib/libvirt/images",
    ]);
    assert.match((await at("/root/.cache")).join(), /^warning/);
  });

  it("is left out where AppArmor confines no guest", async () => {
    const inspection = plainHost({ report: { securityModels: [{ name: "none" }] } });
    assert.deepEqual(await found(appArmor, inspection), ["skipped: guests are not confined by AppArmor"]);
  });
});

describe("the check of SELinux", () => {
  const labelled = (type: string, enforce = "1") =>
    found(
      seLinux,
      plainHost({
        survey: { root: false, folders: [{ ...folder("/data"), label: `system_u:object_r:${type}:s0` }] },
        files: { "/sys/fs/selinux/enforce": enforce },
      }),
    );

  it("knows the labels under which guests find their disks", async () => {
    assert.deepEqual(await labelled("virt_image_t"), []);
    assert.deepEqual(await labelled("nfs_t"), []);
  });

  it("warns of others, with the commands that set the label", async () => {
    assert.deepEqual(await labelled("default_t"), [
      "warning directories: SELinux: /data is labelled default_t, where guests may be denied their disks. Allowed: virt_image_t" +
        " => sudo semanage fcontext --add --type virt_image_t '/data(/.*)?' && sudo restorecon -R /data",
    ]);
  });

  it("is left out where it only watches", async () => {
    assert.deepEqual(await labelled("default_t", "0"), ["skipped: SELinux is not enforced"]);
  });
});
