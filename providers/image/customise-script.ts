import type { BootstrapImageInputs } from "../schema/bootstrap-image";

/**
 * Runs inside the new system's root, from mmdebstrap's customize hook. /tmp/kvm-build holds what to do as lists of one
 * item a line: `files` ("number mode path", the contents in files.N), `masks`, `generators`, `late`, `enable`, `disable`,
 * `modules`, and the initial RAM disk's program `init`. Paths are resolved in here, so that no symbolic link of a package
 * leads out to the host.
 */
export function customise(format: BootstrapImageInputs["format"]): string {
  return [CONFIGURE, format === "qcow2" ? BOOT : "release=", FINISH].join("\n");
}

const CONFIGURE = `
set -eu
in=/tmp/kvm-build
fail() { echo "kvm-image: $*" >&2; exit 1; }
units=/etc/systemd/system

while read -r unit; do ln -sfn /dev/null "$units/$unit"; done <"$in/masks"
mkdir -p /etc/systemd/system-generators
while read -r name; do
  [ ! -e "/lib/systemd/system-generators/$name" ] || ln -sfn /dev/null "/etc/systemd/system-generators/$name"
done <"$in/generators"
while read -r unit; do
  [ -f "/lib/systemd/system/$unit" ] || continue
  systemctl --quiet disable "$unit" || :
  sed -e '/^Before=/s/sysinit\\.target *//' -e 's/^WantedBy=sysinit\\.target/WantedBy=multi-user.target/' \\
    "/lib/systemd/system/$unit" >"$units/$unit"
  systemctl --quiet enable "$unit"
done <"$in/late"

# The guest's own from its first boot on.
rm -f /etc/hostname /var/lib/dbus/machine-id /var/lib/systemd/random-seed /etc/ssh/ssh_host_*
: >/etc/machine-id
ln -sfn ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
usermod -p '*' root
[ ! -x /usr/sbin/sshd ] || systemctl --quiet enable ssh-host-keys.service

while read -r number mode path; do
  [ ! -d "$path" ] || fail "file $path: a folder is there"
  mkdir -p "$(dirname "$path")" || fail "file $path: its folder cannot be made"
  rm -f "$path"
  cat "$in/files.$number" >"$path"
  chmod "$mode" "$path"
done <"$in/files"

while read -r unit; do systemctl --quiet enable "$unit" || fail "service $unit: cannot enable"; done <"$in/enable"
while read -r unit; do systemctl --quiet disable "$unit" || fail "service $unit: cannot disable"; done <"$in/disable"
systemctl --quiet set-default multi-user.target
`;

/** The kernel of a disk, and the RAM disk that it boots with. */
const BOOT = `set -- /boot/vmlinuz-*
[ $# = 1 ] && [ -f "$1" ] || fail "one kernel is needed, found: $*"
release=\${1#/boot/vmlinuz-}
# What boots is the host's copy: a newer kernel in here would be of no effect.
apt-mark hold $(dpkg-query -W -f '\${db:Status-Abbrev}\${Package}\\n' 'linux-image-*' | sed -n 's/^ii *//p') >/dev/null
rm -f /vmlinuz /vmlinuz.old /initrd.img /initrd.img.old

root=$in/initrd
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/root" "$root/modules"
cp /bin/busybox "$root/bin/busybox"
cp "$in/init" "$root/init"
chmod 755 "$root/init"
: >"$root/modules/order"
while read -r module; do
  modprobe -S "$release" --show-depends "$module" 2>/dev/null || :
done <"$in/modules" | while read -r word file rest; do
  [ "$word" = insmod ] || continue
  name=$(basename "$file")
  name=\${name%%.ko*}.ko
  [ ! -e "$root/modules/$name" ] || continue
  case $file in
    *.xz) busybox xzcat <"$file" ;;
    *.zst) zstd -dcq "$file" ;;
    *.gz) gzip -dc "$file" ;;
    *) cat "$file" ;;
  esac >"$root/modules/$name"
  echo "$name" >>"$root/modules/order"
done
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >/boot/initrd-guest
`;

const FINISH = `. /etc/os-release
{
  echo "kernel $release"
  echo "os $PRETTY_NAME"
  dpkg-query -W -f '\${db:Status-Abbrev}\${Package} \${Version}\\n' | sed -n 's/^.i *//p'
} >"$in/manifest"

rm -rf /usr/share/man/* /usr/share/info/* /usr/share/lintian
find /usr/share/doc -mindepth 2 ! -name copyright ! -type d -delete
find /usr/share/doc -mindepth 1 -type d -empty -delete
find /usr/share/locale -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
rm -f /var/log/dpkg.log /var/log/apt/* /var/log/alternatives.log /var/log/bootstrap.log
# There is nothing left for systemd to bring up to date at the first boot.
touch /etc/.updated /var/.updated
`;
