/** The files of an image of each format; what is put there last comes last. */
export const rpmImageParts = {
  directory: [".manifest", ".root"],
  qcow2: [".manifest", ".qcow2"],
  tar: [".manifest", ".tar"],
} as const;

export type RpmImageFormat = keyof typeof rpmImageParts;

/** Programs of the host that an image needs. */
export const rpmImageTools: { [Format in RpmImageFormat]: string[] } = {
  directory: ["tar", "flock"],
  qcow2: ["tar", "flock", "mke2fs", "qemu-img"],
  tar: ["flock"],
};

/** Unpacks the archive on standard input, and sees whether all of it came: an archive may end early without a word. */
const UNPACK = `
mkdir -m 700 "$partial.d"
mkdir "$partial.d/root"
tar -C "$partial.d/root" --numeric-owner --same-owner --xattrs --xattrs-include='*' --delay-directory-restore -xpf -
[ "$(find "$partial.d/root" -printf x | wc -c)" = "$count" ] || fail "it did not arrive whole"`;

const finish: { [Format in RpmImageFormat]: string } = {
  directory: `${UNPACK}
stage "writing the image"
sync -f "$partial.d/root"
rm -rf --one-file-system "$folder/$name.root"
mv -f "$partial.manifest" "$folder/$name.manifest"
mv -T "$partial.d/root" "$folder/$name.root"`,
  qcow2: `${UNPACK}
stage "making the file system"
mke2fs -q -t ext4 -L root -m 1 -d "$partial.d/root" -E lazy_itable_init=0,lazy_journal_init=0 "$partial.raw" "$((size / 1024))k" >&2
stage "writing the image"
qemu-img convert -f raw -O qcow2 "$partial.raw" "$partial.qcow2" >&2
chmod 644 "$partial.qcow2"
sync "$partial.qcow2" "$partial.manifest"
mv -f "$partial.manifest" "$folder/$name.manifest"
mv -f "$partial.qcow2" "$folder/$name.qcow2"`,
  tar: `
cat >"$partial.tar"
[ "$(stat -c %s "$partial.tar")" = "$length" ] || fail "it did not arrive whole"
chmod 644 "$partial.tar"
sync "$partial.tar" "$partial.manifest"
mv -f "$partial.manifest" "$folder/$name.manifest"
mv -f "$partial.tar" "$folder/$name.tar"`,
};

/**
 * Makes an image of an archive, whole or not at all. Arguments: the folder, the image's name, the lengths of the manifest
 * and of the archive, the number of places in it, and the size of a disk in bytes. Standard input: the manifest, then the
 * archive. Prints "stage TEXT", and at last "done".
 *
 * Its lock and the names of what is not whole yet are those of bootstrapped images: both keep theirs in the same folders.
 */
export function rpmImageScript(format: RpmImageFormat): string {
  return `
set -eu
umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
folder=$1 name=$2 manifest=$3 length=$4 count=$5 size=$6
prefix=$folder/.kvm-image.
partial=$prefix$name
stage() { printf 'stage %s\\n' "$*"; }
fail() { echo "kvm-image: folder: $*" >&2; exit 1; }
[ -d "$folder" ] || ${format === "qcow2" ? "" : 'mkdir -m 755 "$folder" 2>/dev/null || '}fail "$folder does not exist"
exec 9<"$folder"
flock -n 9 || { stage "waiting for another build in $folder"; flock 9; }
if ${rpmImageParts[format].map((part) => `[ -e "$folder/$name${part}" ]`).join(" && ")}; then
  echo done
  exit
fi
# Under the lock nothing of a live build is here: these are what killed ones left.
rm -rf --one-file-system "$prefix"*
# What ends the build may come while it cleans up already: its input ends, and then it is told.
trap 'trap "" HUP INT TERM PIPE; rm -rf --one-file-system "$prefix"*' EXIT
trap 'exit 143' HUP INT TERM PIPE
head -c "$manifest" >"$partial.manifest"
chmod 644 "$partial.manifest"
${finish[format].trim()}
sync "$folder"
echo done
`;
}
