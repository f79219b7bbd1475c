interface Files {
  readonly [path: string]: string;
}

/** Files that make a bootstrapped system a guest: network by DHCP and router announcements, no work nobody waits for. */
const guest: Files = {
  "/etc/hosts": `127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
`,
  "/etc/default/locale": `LANG=C.UTF-8
`,
  // Leases follow the MAC address, not the machine-id that every clone makes anew. A file that sorts earlier wins.
  "/etc/systemd/network/80-guest.network": `[Match]
Name=en* eth*

[Network]
DHCP=yes
IPv6AcceptRA=yes
LLMNR=no
MulticastDNS=no

[DHCPv4]
ClientIdentifier=mac
UseDomains=yes

[DHCPv6]
UseDomains=yes

[IPv6AcceptRA]
UseDomains=yes
`,
  "/etc/systemd/networkd.conf.d/80-guest.conf": `[DHCPv6]
DUIDType=link-layer
`,
  "/etc/systemd/journald.conf.d/80-guest.conf": `[Journal]
SystemMaxUse=64M
`,
  // One NIC that answers is online; the others may be unplugged or carry no addresses.
  "/etc/systemd/system/systemd-networkd-wait-online.service.d/80-guest.conf": `[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=60
`,
  "/etc/systemd/system/ssh-host-keys.service": `[Unit]
Description=Make This Guest's Own SSH Host Keys
Before=ssh.service ssh.socket
ConditionPathExists=/usr/sbin/sshd
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
`,
};

/** What a virtual machine needs for its devices. */
const machine: Files = {
  "/etc/fstab": `/dev/vda / ext4 defaults,x-systemd.growfs 0 0
`,
  // Devices that the boot waits for come first, some 200 terminals and memory banks after it.
  "/etc/systemd/system/systemd-udev-trigger.service.d/80-guest.conf": `[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add --subsystem-match=virtio --subsystem-match=virtio-ports --subsystem-match=block --subsystem-match=net
ExecStart=-udevadm trigger --action=add --subsystem-match=tty --sysname-match=ttyS* --sysname-match=ttyAMA* --sysname-match=hvc*
`,
  "/etc/systemd/system/udev-trigger-rest.service": `[Unit]
Description=Coldplug the Devices That the Boot Does Not Wait For
After=multi-user.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-udevadm trigger --type=subsystems --action=add
ExecStart=-udevadm trigger --action=add --subsystem-nomatch=virtio --subsystem-nomatch=virtio-ports --subsystem-nomatch=block --subsystem-nomatch=net

[Install]
WantedBy=multi-user.target
`,
};

/** What a container does otherwise: its name is libvirt's to give, and what it may set of the kernel is its network. */
const container: Files = {
  "/etc/systemd/network/80-guest.network.d/80-container.conf": `[DHCPv4]
UseHostname=no
`,
  // /proc/sys/net/ipv4 and ipv6 are writable, the rest of /proc/sys is not.
  "/etc/systemd/system/systemd-sysctl.service.d/80-container.conf": `[Unit]
ConditionPathIsReadWrite=
`,
};

export const GUEST_FILES = { qcow2: { ...guest, ...machine }, directory: { ...guest, ...container } };

/** Units of ours that start with the guest. */
export const ENABLED_UNITS = {
  qcow2: ["systemd-networkd.service", "udev-trigger-rest.service"],
  directory: ["systemd-networkd.service"],
};

/** Units that systemd starts before everything else, though only network clients wait for them. */
export const LATE_UNITS = ["systemd-resolved.service", "systemd-timesyncd.service"];

/**
 * Units that are of no use in a guest, or not worth their time at every boot. `systemctl unmask` brings one back. The
 * package timers go because a server's packages change when its operator says so.
 */
export const MASKED_UNITS = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "man-db.timer",
  "motd-news.timer",
  "dev-hugepages.mount",
  "kmod-static-nodes.service",
  "modprobe@drm.service",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-config.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-ask-password-console.path",
  "systemd-ask-password-wall.path",
  "systemd-firstboot.service",
  "systemd-machine-id-commit.service",
  "systemd-network-generator.service",
  "systemd-pcrphase-initrd.service",
  "systemd-pcrphase-sysinit.service",
  "systemd-pcrphase.service",
  "systemd-pstore.service",
  "systemd-repart.service",
  "systemd-update-utmp-runlevel.service",
  "systemd-update-utmp.service",
  "getty@tty1.service",
];

/** Generators run one after the other at the very start of each boot, for things that a guest's root disk never has. */
export const MASKED_GENERATORS = [
  "systemd-bless-boot-generator",
  "systemd-cryptsetup-generator",
  "systemd-gpt-auto-generator",
  "systemd-hibernate-resume-generator",
  "systemd-integritysetup-generator",
  "systemd-rc-local-generator",
  "systemd-run-generator",
  "systemd-system-update-generator",
  "systemd-veritysetup-generator",
];
