import type { Finding } from "../finding";
import { ofBoth, ofMachine } from "../inspection";
import { privileged } from "../privileged";

/** Below these virt-aa-helper refuses a disk that is written to, and the guest does not start (security/virt-aa-helper.c). */
const refused = [
  ...["/bin/", "/boot/", "/etc/", "/initrd", "/lib", "/lost+found/", "/proc/", "/sbin/", "/selinux/", "/sys/"],
  ...["/usr/bin/", "/usr/lib", "/usr/sbin/", "/usr/share/", "/usr/local/bin/", "/usr/local/etc/", "/usr/local/lib"],
  ...["/usr/local/sbin/", "/vmlinuz"],
];

/**
 * AppArmor lets guests have disks in the folders. Guests' profiles are made from their disks; what virt-aa-helper's own
 * profile denies is reading hidden folders of home directories, where it then misses the images under overlays.
 */
export const appArmor = ofBoth("AppArmor", ({ survey }, { report }) => {
  if (!report.securityModels.some(({ name }) => name === "apparmor"))
    return { skipped: "guests are not confined by AppArmor" };
  return survey.folders.flatMap(({ path }): Finding[] => {
    const inside = `${path}/`;
    const prefix = refused.find((start) => inside.startsWith(start));
    if (prefix)
      return [
        {
          level: "error",
          field: "directories",
          problem: `AppArmor: libvirt lets no guest write below ${prefix}, so disks in ${path} cannot be used`,
          fix: "choose another folder, such as /var/lib/libvirt/images",
        },
      ];
    if (!/^\/(root|home\/[^/]+)\/(\.|bin\/)/.test(inside)) return [];
    return [
      {
        level: "warning",
        field: "directories",
        problem: `AppArmor: libvirt may not read ${path}, so guests with overlays on images there do not start`,
        fix: "choose a folder that is not hidden, such as /var/lib/libvirt/images",
      },
    ];
  });
});

/** Labels of folders in which libvirt's guests find their disks (virt_selinux(8), virtd_selinux(8)). */
const labels = [
  "virt_image_t",
  "virt_content_t",
  "svirt_image_t",
  "svirt_home_t",
  "nfs_t",
  "cifs_t",
  "fusefs_t",
  "cephfs_t",
];

/** Where SELinux is enforced, the folders have a label that guests may search. */
export const seLinux = ofMachine("SELinux", ({ survey }) => {
  if (survey.files.get("/sys/fs/selinux/enforce") !== "1") return { skipped: "SELinux is not enforced" };
  return survey.folders.flatMap(({ path, label }): Finding[] => {
    const type = label?.split(":")[2];
    if (type === undefined || labels.includes(type)) return [];
    return [
      {
        level: "warning",
        field: "directories",
        problem: `SELinux: ${path} is labelled ${type}, where guests may be denied their disks. Allowed: virt_image_t`,
        fix: privileged(
          survey,
          `semanage fcontext --add --type virt_image_t '${path}(/.*)?' && ${privileged(survey, `restorecon -R ${path}`)}`,
        ),
      },
    ];
  });
});
