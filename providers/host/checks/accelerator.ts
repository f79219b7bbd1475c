import type { Finding } from "../finding";
import { ofLibvirt, type LibvirtSide, type MachineSide } from "../inspection";
import { privileged } from "../privileged";
import { may, qemuUser } from "../qemu-user";

/** Guests run on the processor itself, not on an emulated one. */
export const accelerator = ofLibvirt("accelerator", (libvirt, { machine }) => {
  const side = machine === undefined || machine instanceof Error ? undefined : machine;
  if (!libvirt.acceleration) return { skipped: "the connection is not QEMU's" };
  const closed = side && closedDevice(libvirt, side);
  if (closed) return [closed];
  return libvirt.acceleration.accelerator === "kvm"
    ? []
    : [
        {
          level: "warning",
          field: "connection",
          problem: `guests run on emulated processors (tcg), many times slower than with KVM: ${libvirt.acceleration.reason}`,
          fix: enabling(libvirt, side),
        },
      ];
});

/**
 * libvirt's cache of what QEMU can do is void while its user may not open /dev/kvm (qemu/qemu_capabilities.c): it then
 * starts QEMU several times for nearly every call.
 */
function closedDevice({ report }: LibvirtSide, { survey }: MachineSide): Finding | undefined {
  const user = qemuUser(report, survey);
  const { kvm } = survey;
  if (!user?.groups || !kvm || kvm.mode.endsWith("+") || (may(user, "r", kvm) && may(user, "w", kvm))) return undefined;
  return {
    level: "warning",
    field: "connection",
    problem: `QEMU's user ${user.name} may not open /dev/kvm (${kvm.mode}): guests are emulated (tcg), and libvirt takes seconds for each call because it examines QEMU every time`,
    fix: `${privileged(survey, "chgrp kvm /dev/kvm")} && ${privileged(survey, "chmod 660 /dev/kvm")} (udev does so where it runs)`,
  };
}

function enabling({ report }: LibvirtSide, side: MachineSide | undefined): string {
  const { cpuFeatures } = report;
  const virtual = cpuFeatures.has("hypervisor");
  if (cpuFeatures.has("vmx") || cpuFeatures.has("svm"))
    return (
      privileged(side?.survey, `modprobe ${cpuFeatures.has("vmx") ? "kvm_intel" : "kvm_amd"}`) +
      `${virtual ? "" : ", and see that VT-x or AMD-V is on in the firmware"}; restart libvirtd then`
    );
  return virtual
    ? "this host is itself a virtual machine: let its hypervisor pass virtualization on (nested=1 and the CPU mode host-passthrough)"
    : "switch on VT-x (Intel) or SVM (AMD) in the firmware";
}
