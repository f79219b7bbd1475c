import assert from "node:assert/strict";
import { permissions, space } from "../../../../providers/host/checks/folders";
import { folder, found, plainHost } from "../plain-host";

const GiB = 2 ** 30;

describe("the check of folders' permissions", () => {
  const closed = folder("/srv/vm/images", { "/srv/vm": "drwx------" });

  it("finds nothing where QEMU's user may enter, without asking anything more", async () => {
    const searchable = folder("/srv/vm", { "/srv": "drwx--x--x", "/srv/vm": "drwx-----t" });
    assert.deepEqual(await found(permissions, plainHost({ survey: { folders: [searchable] } })), []);
  });

  it("counts the user itself and its groups", async () => {
    const mine = folder("/srv/vm");
    mine.steps = [
      { path: "/srv", mode: "drwxr-x---", uid: 0, gid: 107 },
      { path: "/srv/vm", mode: "drwx------", uid: 64055, gid: 0 },
    ];
    assert.deepEqual(await found(permissions, plainHost({ survey: { folders: [mine] } })), []);
  });

  it("names each folder that the kernel refuses, once, with the command that opens it", async () => {
    const asked: (readonly string[])[] = [];
    const home = folder("/home/o'neil/vm", { "/home/o'neil": "drwx------" });
    const inspection = plainHost({
      survey: { folders: [closed, folder("/srv/vm/more", { "/srv/vm": "drwx------" }), home] },
      run: (argv) => {
        asked.push(argv);
        return { stdout: "libvirt-qemu\n/srv/vm\n/home/o'neil\n" };
      },
    });
    assert.deepEqual(await found(permissions, inspection), [
      "error directories: QEMU's user libvirt-qemu may not enter /srv/vm: disks in /srv/vm/images cannot be opened" +
        " => setfacl --modify user:libvirt-qemu:x /srv/vm, or use a folder such as /var/lib/libvirt/images",
      "error directories: QEMU's user libvirt-qemu may not enter /home/o'neil: disks in /home/o'neil/vm cannot be opened" +
        " => setfacl --modify user:libvirt-qemu:x '/home/o'\\''neil', or use a folder such as /var/lib/libvirt/images",
    ]);
    assert.deepEqual(asked, [["sh", "-s", "--", "64055", "64055", "/srv/vm", "/home/o'neil"]]);
  });

  it("believes the kernel where an access control list allows more", async () => {
    const inspection = plainHost({ survey: { folders: [closed] }, run: () => ({ stdout: "libvirt-qemu\n" }) });
    assert.deepEqual(await found(permissions, inspection), []);
  });

  describe("when the machine is not worked on as root", () => {
    const unprivileged = (mode: string) =>
      plainHost({
        survey: { root: false, folders: [folder("/srv/vm/images", { "/srv/vm": mode })] },
        run: () => ({ stdout: "libvirt-qemu\n", exitCode: 3 }),
      });

    it("says what the permission bits say for sure", async () => {
      assert.match((await found(permissions, unprivileged("drwx------"))).join(), /=> sudo setfacl /);
    });

    it("raises no alarm where an access control list may allow it", async () => {
      assert.deepEqual(await found(permissions, unprivileged("drwxr-x---+")), []);
    });
  });

  it("does not matter where libvirt does not change users", async () => {
    const report = { securityModels: [{ name: "none" }] };
    assert.deepEqual(await found(permissions, plainHost({ survey: { folders: [closed] }, report })), []);
  });

  it("finds a file where a folder should be", async () => {
    const file = folder("/srv/vm/images", { "/srv/vm": "-rw-r--r--" });
    assert.deepEqual(await found(permissions, plainHost({ survey: { folders: [file] } })), [
      "error directories: /srv/vm/images cannot be a folder: /srv/vm is a file => choose another folder",
    ]);
  });

  it("is not for containers", async () => {
    const target = { connection: "lxc:///system" };
    assert.deepEqual(await found(permissions, plainHost({ target })), ["skipped: the connection is not QEMU's"]);
  });
});

describe("the check of free space", () => {
  const withSpace = (size: number, available: number) =>
    found(
      space,
      plainHost({ survey: { folders: [{ ...folder("/srv"), size: size * GiB, available: available * GiB }] } }),
    );

  it("is content with room", async () => {
    assert.deepEqual(await withSpace(100, 50), []);
    assert.deepEqual(await withSpace(4, 1), []);
  });

  it("warns below 5%", async () => {
    assert.deepEqual(await withSpace(100, 4.5), [
      "warning directories: /srv has 4.5 GiB (4%) of 100.0 GiB left. Allowed: at least 1 GiB; 5% or more is comfortable" +
        " => free some space, or put the disks on another file system",
    ]);
  });

  it("fails below 1 GiB", async () => {
    assert.match((await withSpace(2, 0.9)).join(), /^error directories: \/srv has 0\.9 GiB \(45%\)/);
  });
});
