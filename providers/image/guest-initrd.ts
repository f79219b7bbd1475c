/**
 * The guest's whole initial RAM disk beside busybox and a few modules: an order of magnitude smaller than what
 * initramfs-tools makes, which matters where every instruction is emulated. It knows the words of the kernel's command
 * line `root=` (a device, LABEL= or UUID=), `rootfstype=`, `rootflags=`, `ro` and `init=`.
 */
export const GUEST_INIT = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
while read -r module; do $b insmod "/modules/$module"; done </modules/order

root=/dev/vda type=ext4 flags= mode=rw init=/sbin/init
for word in $($b cat /proc/cmdline); do
  case $word in
    root=*) root=\${word#root=} ;;
    rootfstype=*) type=\${word#rootfstype=} ;;
    rootflags=*) flags=,\${word#rootflags=} ;;
    ro) mode=ro ;;
    init=*) init=\${word#init=} ;;
  esac
done

tries=0
while :; do
  case $root in
    LABEL=* | UUID=*) device=$($b findfs "$root" 2>/dev/null) ;;
    *) device=$root ;;
  esac
  [ -b "$device" ] && break
  if [ "$tries" = 100 ]; then
    echo "initrd: no root device $root after 10 s. Block devices: $($b ls /sys/class/block)"
    exit 1
  fi
  tries=$((tries + 1))
  $b sleep 0.1
done

$b mount -t "$type" -o "$mode$flags" "$device" /root || { echo "initrd: cannot mount $device as $type"; exit 1; }
for each in dev proc sys; do $b mount --move "/$each" "/root/$each"; done
exec $b switch_root /root "$init"
`;

/** What a guest needs before its root file system is there; what the kernel has built in is left out. */
export const INITRD_MODULES = [
  "virtio_pci",
  "virtio_blk",
  "virtio_scsi",
  "sd_mod",
  "virtio_console",
  "virtio_net",
  "ext4",
];
