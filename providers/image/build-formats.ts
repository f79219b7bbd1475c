import type { BootstrapImageInputs } from "../schema/bootstrap-image";

/** What a build makes of the system that mmdebstrap has put together in $w/root. */
interface BuildFormat {
  /** Programs of the host that the build calls. */
  tools: string;
  /** Sees to $folder where it does not exist. */
  folder: string;
  /** Whether all of the image named $name is in $folder. */
  whole: string;
  /** What is installed beside the declared packages, as arguments of mmdebstrap in "$@". */
  prepare: string;
  /** Puts the image into $folder; what shows that it is whole comes last. */
  finish: string;
}

const disk: BuildFormat = {
  tools: "mmdebstrap mke2fs qemu-img dpkg-deb tar awk",
  folder: `fail "folder: $folder does not exist"`,
  whole: `for part in -vmlinuz -initrd .manifest .qcow2; do [ -f "$folder/$name$part" ] || return 1; done`,
  // The kernel asks for a tool that makes initial RAM disks; the image's is made here, once and small.
  prepare: `
mkdir "$w/boot" "$w/boot/DEBIAN"
cp "$w/in/control" "$w/boot/DEBIAN/control"
dpkg-deb --build "$w/boot" "$w/in/guest-boot.deb" >/dev/null
kernel=$(cat "$w/in/kernel")
case $distribution,\${architecture:=$(dpkg --print-architecture)} in
  ubuntu,*) : "\${kernel:=linux-image-virtual}" ;;
  *,amd64 | *,arm64) : "\${kernel:=linux-image-cloud-$architecture}" ;;
  *) : "\${kernel:=linux-image-$architecture}" ;;
esac
set -- "$@" --include="$kernel" --include="$w/in/guest-boot.deb"`,
  finish: `
stage "making the file system"
mv "$w"/root/boot/vmlinuz-* "$partial-vmlinuz"
mv "$w/root/boot/initrd-guest" "$partial-initrd"
mv "$w/in/manifest" "$partial.manifest"
mke2fs -q -t ext4 -L root -m 1 -d "$w/root" -E lazy_itable_init=0,lazy_journal_init=0 \\
  -O none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum \\
  "$w/raw" "$((size / 1024))k" >&2
rm -rf --one-file-system "$w/root"

stage "writing the image"
qemu-img convert -f raw -O qcow2 "$w/raw" "$partial.qcow2" >&2
chmod 644 "$partial-vmlinuz" "$partial-initrd" "$partial.manifest" "$partial.qcow2"
sync "$partial-vmlinuz" "$partial-initrd" "$partial.manifest" "$partial.qcow2"
for part in -vmlinuz -initrd .manifest .qcow2; do mv -f "$partial$part" "$folder/$name$part"; done`,
};

const directory: BuildFormat = {
  tools: "mmdebstrap tar awk",
  folder: `mkdir -m 755 "$folder" 2>/dev/null || fail "folder: $folder does not exist"`,
  whole: `[ -f "$folder/$name.manifest" ] && [ -d "$folder/$name.root" ] || return 1`,
  prepare: "",
  finish: `
stage "writing the image"
mv "$w/in/manifest" "$partial.manifest"
chmod 644 "$partial.manifest"
mkdir "$partial.root"
tar -C "$w/root" --numeric-owner --xattrs --xattrs-include='*' -cf - . |
  tar -C "$partial.root" --numeric-owner --xattrs --xattrs-include='*' -xpf -
[ "$(find "$w/root" | wc -l)" = "$(find "$partial.root" | wc -l)" ] || fail "the folder was not written whole"
sync -f "$partial.root"
rm -rf --one-file-system "$folder/$name.root"
mv -f "$partial.manifest" "$folder/$name.manifest"
mv -T "$partial.root" "$folder/$name.root"`,
};

export const buildFormats: { [Format in BootstrapImageInputs["format"]]: BuildFormat } = { qcow2: disk, directory };

/** Programs of the host that a build calls. */
export function buildTools(format: BootstrapImageInputs["format"]): string[] {
  return [...buildFormats[format].tools.split(" "), "unshare", "flock"];
}
