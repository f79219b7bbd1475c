import { dirname } from "node:path/posix";
import { rootInit } from "../schema/root-filesystem";

/**
 * What the scripts share. $1 is the folder of all root folders and $2 the name of one. Beside it lie files of ours, of
 * which the container knows nothing: `.NAME.made` says who made the folder and which token is in it, so that no other that
 * somebody put in its place is ever taken for it; `.NAME.partial` is one that is being made or removed. (Its inode would be
 * no token: that of a folder on an overlay is another one after each mount.)
 */
const COMMON = `
set -eu
umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
folder=$1 name=$2
path=$folder/$name made=$folder/.$name.made partial=$folder/.$name.partial
fail() { echo "kvm-root: $*" >&2; exit 1; }
inode() { stat -c %i -- "$1"; }
token=${dirname(rootInit)}/token

# Whether the folder is the one that its mark tells of.
ours() {
  [ -d "$path" ] && [ ! -L "$path" ] && [ -s "$made" ] || return 1
  { read -r mark; read -r maker; } <"$made"
  [ -f "$path$token" ] && [ ! -L "$path$token" ] && [ "$mark" = "$(head -c 64 "$path$token")" ]
}
# Until it is the mark that is there, and not one that another run removed meanwhile.
lock() {
  while :; do
    exec 9>>"$made"
    flock 9
    [ ! -e "$made" ] || [ "$(stat -L -c %i /proc/self/fd/9)" != "$(inode "$made")" ] || return 0
  done
}
# Leaves no mark that tells of nothing.
unmark() { [ -s "$made" ] || rm -f "$made"; }
`;

/**
 * Makes the files of a root folder say who it is. $3 is its host name, $4 its name servers (none: as in the image), $5
 * the owner of its root user. Standard input: the script for its process 1. A folder on the way that is a symbolic link
 * leads out of the root, and is refused.
 */
const CONFIGURE = `
own() {
  at=$root
  for part in $(echo "$1" | tr / ' '); do
    at=$at/$part
    [ ! -L "$at" ] || fail "link: \${at#"$root"} is a symbolic link"
    [ -d "$at" ] || { mkdir "$at"; chown "$shift:$shift" "$at"; }
  done
}
# Standard input becomes the file.
put() {
  own "\${1%/*}"
  rm -f -- "$root$1"
  cat >"$root$1"
  chmod "$2" "$root$1"
  chown "$shift:$shift" "$root$1"
}
configure() {
  root=$1 hostname=$2 dns=$3 shift=$4
  put ${rootInit} 755
  echo "$hostname" | put /etc/hostname 644
  own /etc
  { [ ! -f "$root/etc/hosts" ] || [ -L "$root/etc/hosts" ] || grep -v '^127\\.0\\.1\\.1[[:blank:]]' "$root/etc/hosts" || :
    echo "127.0.1.1 $hostname"; } >"$partial.hosts"
  put /etc/hosts 644 <"$partial.hosts"
  rm -f "$partial.hosts"
  [ -z "$dns" ] || for server in $dns; do echo "nameserver $server"; done | put /etc/resolv.conf 644
}
`;

/**
 * Gives every file in $1 to owners $2 higher; in one pass, as no file's new owner is another's old one. chown takes
 * setuid bits away, and file capabilities, which would mean nothing in there.
 */
const SHIFT = `
shift_owners() {
  find "$1" -xdev -type f -perm /6000 -printf '%m %p\\n' >"$partial.modes"
  find "$1" -xdev -printf '%U %G\\n' | sort -u >"$partial.owners"
  while read -r user group; do
    find "$1" -xdev -uid "$user" -gid "$group" -exec chown -h "$((user + $2)):$((group + $2))" {} +
  done <"$partial.owners"
  while read -r mode file; do chmod "$mode" "$file"; done <"$partial.modes"
  rm -f "$partial.modes" "$partial.owners"
}
`;

/**
 * Makes a root folder, whole or not at all. Arguments: folder, name, who makes it, the source (a folder or an archive),
 * host name, name servers, and by how much owners are shifted. Prints "there" where the same one had made it before.
 */
export const MAKE_ROOT = `${COMMON}${CONFIGURE}${SHIFT}
wanted=$3 source=$4 hostname=$5 dns=$6 shift=$7
[ -d "$folder" ] || mkdir -m 755 "$folder" 2>/dev/null || [ -d "$folder" ] || fail "folder: $folder does not exist"
[ -e "$source" ] || fail "source: $source does not exist"
case $(readlink -f -- "$folder")/ in "$(readlink -f -- "$source")"/*) fail "source: $source holds $folder itself" ;; esac
lock
cat >"$partial.init"
trap 'rm -rf --one-file-system "$partial" "$partial".*; unmark' EXIT
trap 'exit 143' HUP INT TERM PIPE
if ours && [ "$maker" = "$wanted" ]; then
  configure "$path" "$hostname" "$dns" "$shift" <"$partial.init"
  echo there
  exit
fi
if [ -e "$path" ] || [ -L "$path" ]; then
  fail "exists: $path"
fi
rm -rf --one-file-system "$partial"
# Access lists and capabilities name owners that are not shifted.
attributes="--xattrs --xattrs-include=*"
[ "$shift" = 0 ] || attributes="--no-xattrs --no-acls"
if [ -f "$source" ]; then
  mkdir -m 755 "$partial"
  tar -C "$partial" --numeric-owner $attributes -xpf "$source"
elif [ "$shift" = 0 ]; then
  cp -a --reflink=auto -- "$source/." "$partial"
else
  mkdir -m 755 "$partial"
  tar -C "$source" --numeric-owner -cf - . | tar -C "$partial" --numeric-owner $attributes -xpf -
  [ "$(find "$source" | wc -l)" = "$(find "$partial" | wc -l)" ] || fail "source: $source could not be copied whole"
fi
[ -d "$partial/usr" ] || [ -d "$partial/bin" ] || fail "source: $source holds no system: no /usr and no /bin"
rm -f "$partial/etc/machine-id" "$partial/var/lib/dbus/machine-id" "$partial/var/lib/systemd/random-seed"
rm -f "$partial"/etc/ssh/ssh_host_*_key "$partial"/etc/ssh/ssh_host_*_key.pub
[ "$shift" = 0 ] || shift_owners "$partial" "$shift"
: | { root=$partial; put /etc/machine-id 444; }
configure "$partial" "$hostname" "$dns" "$shift" <"$partial.init"
read -r mark </proc/sys/kernel/random/uuid
{ root=$partial; echo "$mark" | put "$token" 600; }
sync -f "$partial"
{ echo "$mark"; echo "$wanted"; } >"$made"
mv -T -- "$partial" "$path"
sync "$folder"
`;

/** Arguments: folder, name, host name, name servers, owners' shift. */
export const CONFIGURE_ROOT = `${COMMON}${CONFIGURE}
ours || fail "gone: $path is not the folder that was made"
cat >"$partial.init"
trap 'rm -f "$partial".*' EXIT
configure "$path" "$3" "$4" "$5" <"$partial.init"
`;

/** Prints "ours", "foreign" or "none", then who made it, the host name, and "server ADDRESS" for each name server. */
export const INSPECT_ROOT = `${COMMON}
if ours; then echo ours; elif [ -e "$path" ]; then echo foreign; exit; else echo none; exit; fi
[ ! -d "$path" ] || echo "maker $maker"
echo "hostname $(cat "$path/etc/hostname" 2>/dev/null)"
[ -L "$path/etc/resolv.conf" ] || [ ! -f "$path/etc/resolv.conf" ] ||
  sed -n 's/^nameserver  *\\([^ ]*\\).*/server \\1/p' "$path/etc/resolv.conf"
`;

/**
 * Removes a root folder that we made. Prints "foreign" where another is in its place, "used NAME" for the containers that
 * have it as theirs, "mounted" where something is mounted below: it stays then.
 */
export const REMOVE_ROOT = `${COMMON}
[ -d "$folder" ] || exit 0
lock
if [ ! -e "$path" ]; then
  rm -rf --one-file-system "$partial" "$partial".*
  rm -f "$made"
  exit
fi
if ! ours; then
  unmark
  echo foreign
  exit
fi
users=$(grep -lF "<source dir='$path'/>" /etc/libvirt/lxc/*.xml /run/libvirt/lxc/*.xml 2>/dev/null |
  sed 's|.*/||; s|\\.xml$||' | sort -u)
if [ -n "$users" ]; then
  for user in $users; do echo "used $user"; done
  exit
fi
real=$(readlink -f -- "$path")
while read -r id parent device root target rest; do
  case $target in "$real" | "$real"/*) echo mounted; exit ;; esac
done </proc/self/mountinfo
rm -rf --one-file-system "$partial" "$partial".*
mv -T -- "$path" "$partial"
rm -rf --one-file-system "$partial"
rm -f "$made"
`;
