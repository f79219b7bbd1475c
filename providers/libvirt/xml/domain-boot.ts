import { attribute, child, children, element, replaceChild, text, verbatim, type Element } from "./document";
import { adopt, ensureChild, setAttribute } from "./edit";

/** What a guest boots with. */
export interface BootModel {
  machine?: string;
  firmware: "bios" | "uefi";
  kernel?: string;
  initrd?: string;
  cmdline?: string;
  /** "hd", "cdrom" or "network"; empty where the devices have an order of their own. */
  bootOrder: string[];
}

/** How each field is written into `<os>`. */
export const bootEditors: { [Field in keyof BootModel]-?: (root: Element, model: BootModel) => void } = {
  machine: (root, { machine }) => {
    const os = ensureChild(root, "os");
    const type = child(os, "type") ?? adopt(os, element("type", {}, "hvm"));
    setAttribute(type, "machine", machine);
  },
  firmware: (root, { firmware }) => {
    const os = ensureChild(root, "os");
    setAttribute(os, "firmware", firmware === "uefi" ? "efi" : undefined);
    // libvirt chose these for the old firmware, and chooses again.
    for (const chosen of ["loader", "nvram", "firmware"]) replaceChild(os, chosen, undefined);
    // Kernels that nobody signed boot too.
    if (firmware === "uefi")
      replaceChild(os, "firmware", element("firmware", {}, element("feature", { enabled: "no", name: "secure-boot" })));
  },
  kernel: (root, { kernel }) => replaceText(root, "kernel", kernel),
  initrd: (root, { initrd }) => replaceText(root, "initrd", initrd),
  cmdline: (root, { cmdline }) => replaceText(root, "cmdline", cmdline),
  bootOrder: (root, { bootOrder }) => {
    const os = ensureChild(root, "os");
    for (const old of children(os, "boot")) os.removeChild(old);
    for (const dev of bootOrder) adopt(os, element("boot", { dev }));
    // An order of the devices rules this one out.
    for (const device of children(child(root, "devices"))) replaceChild(device, "boot", undefined);
  },
};

function replaceText(root: Element, name: string, value: string | undefined): void {
  replaceChild(ensureChild(root, "os"), name, value === undefined ? undefined : element(name, {}, value));
}

/** The machine type as the program writes it: libvirt expands "q35" to "pc-q35-7.2" when it defines a domain. */
export function sameMachine(written: string, expanded: string | undefined): boolean {
  if (written === expanded) return true;
  const [, family] = /^pc-(q35|i440fx)-\d/.exec(expanded ?? "") ?? [];
  return (family === "q35" && written === "q35") || (family === "i440fx" && written === "pc");
}

export function parseBoot(root: Element): BootModel {
  const os = child(root, "os");
  const loader = child(os, "loader");
  const uefi = attribute(os, "firmware") === "efi" || attribute(loader, "type") === "pflash";
  return {
    machine: attribute(child(os, "type"), "machine"),
    firmware: uefi ? "uefi" : "bios",
    kernel: text(os, "kernel"),
    initrd: text(os, "initrd"),
    cmdline: verbatim(os, "cmdline"),
    bootOrder: children(os, "boot").map((boot) => attribute(boot, "dev") ?? ""),
  };
}
