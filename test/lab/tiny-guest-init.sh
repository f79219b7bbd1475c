#!/bin/busybox sh
# Process 1 of the tiny test guest. Words of the kernel command line switch parts off or make it fail:
# tiny.noagent, tiny.nohttp, tiny.nonet, tiny.deaf (ignores the power button), tiny.off (powers off when booted), tiny.panic.
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /var/run /var/tmp /var/log /www /sbin /usr/bin
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "tiny-guest booting"
for module in $(cat /modules/order); do insmod "/modules/$module" || echo "tiny-guest: cannot load $module"; done
asked() { grep -qw "tiny.$1" /proc/cmdline; }
boot_id=$(cat /proc/sys/kernel/random/boot_id)
echo online > /sys/devices/system/memory/auto_online_blocks
hostname tiny
ip link set lo up

echo "$boot_id" > /www/boot-id
cp /www/boot-id /www/index.html
asked nohttp || httpd -p 80 -h /www
asked deaf || { mkdir -p /etc/acpi/PWRF; printf '#!/bin/sh\npoweroff -f\n' > /etc/acpi/PWRF/00000080; chmod +x /etc/acpi/PWRF/00000080; acpid -l /dev/null 2>/dev/null; }

if ! asked noagent; then
  for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name" 2>/dev/null)" = org.qemu.guest_agent.0 ] || continue
    qemu-ga -d -m virtio-serial -p "/dev/${port##*/}" -f /run/qemu-ga.pid -l /var/log/qemu-ga.log
  done
fi
echo "tiny-guest up boot-id=$boot_id"
asked panic && { echo 1 > /proc/sys/kernel/panic_on_oops; sleep 1; echo "tiny-guest: about to crash"; echo c > /proc/sysrq-trigger; }
asked off && { sleep 1; poweroff -f; }

# No udev here: bring up what is hot-added.
while :; do
  if ! asked nonet; then
    for nic in /sys/class/net/eth*; do
      name=${nic##*/}
      [ -e "$nic" ] && [ ! -e "/run/dhcp-$name.pid" ] || continue
      ip link set "$name" up
      udhcpc -b -t 3 -T 1 -A 1 -i "$name" -p "/run/dhcp-$name.pid" -s /dhcp > /dev/console 2> /dev/null &
      echo $! > "/run/dhcp-$name.pid"
    done
    for pid in /run/dhcp-*.pid; do
      name=${pid#/run/dhcp-}; name=${name%.pid}
      [ -e "$pid" ] && [ ! -e "/sys/class/net/$name" ] && { kill "$(cat "$pid")"; rm -f "$pid"; }
    done
  fi
  for cpu in /sys/devices/system/cpu/cpu*/online; do
    [ -e "$cpu" ] && [ "$(cat "$cpu")" = 0 ] && echo 1 > "$cpu"
  done
  sleep 0.3
done
