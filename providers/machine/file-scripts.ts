/** Exit code of the scripts below for a path that does not exist. */
export const MISSING = 44;

/** Tells a missing path from one that this user may not look at. */
const missing = `
missing() {
  d=$1
  while [ "$d" != / ]; do
    d=\${d%/*}
    d=\${d:-/}
    [ -d "$d" ] || continue
    [ -x "$d" ] && exit ${MISSING}
    echo "permission denied: $d" >&2
    exit 1
  done
  exit ${MISSING}
}`;

/** Prints the file "$1". */
export const READ = `${missing}
[ -e "$1" ] || missing "$1"
[ ! -d "$1" ] || { echo "is a folder" >&2; exit 1; }
exec cat -- "$1"`;

/** Prints raw mode (hex), size, uid, user, gid and group of "$1", each on a line, then the SHA-256 where "$2" asks. */
export const STATUS = `${missing}
[ -e "$1" ] || [ -L "$1" ] || missing "$1"
stat -c '%f
%s
%u
%U
%g
%G' -- "$1" || exit 1
if [ -n "$2" ] && [ -f "$1" ] && [ ! -L "$1" ]; then sha256sum <"$1" || exit 1; fi`;

/**
 * Writes standard input, "$2" bytes, to "$1" with mode "$3", owner "$4" and group "$5" (empty: left alone): whole or
 * not at all, and never readable by others before it has its mode.
 */
export const WRITE = `
fail() { echo "$1" >&2; exit 1; }
umask 077
[ ! -d "$1" ] || [ -L "$1" ] || fail "is a folder"
d=\${1%/*}
d=\${d:-/}
[ -d "$d" ] || fail "folder $d does not exist"
t=$(mktemp "$d/.pulumi-kvm.XXXXXX") || exit 1
trap 'rm -f -- "$t"' EXIT
trap 'exit 143' HUP INT TERM
cat >"$t" || exit 1
s=$(($(wc -c <"$t")))
[ "$s" = "$2" ] || fail "only $s of $2 bytes arrived"
[ -z "$4" ] || chown -- "$4" "$t" || exit 1
[ -z "$5" ] || chgrp -- "$5" "$t" || exit 1
chmod -- "$3" "$t" || exit 1
sync "$t" || exit 1
# busybox follows a symlink to a folder in spite of -T.
mv -fT -- "$t" "$1" || { [ -L "$1" ] && rm -f -- "$1" && mv -fT -- "$t" "$1"; } || exit 1
trap - EXIT
sync "$d" || exit 1
[ ! -e /sys/fs/selinux/enforce ] || ! command -v restorecon >/dev/null || restorecon -- "$1" || :`;

/** Removes "$1" and all below it. */
export const REMOVE = `exec rm -rf -- "$1"`;
