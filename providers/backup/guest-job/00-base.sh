#!/bin/sh
# Full and incremental images of a running guest's disks, written by its QEMU. Needs virsh, qemu-img, flock and coreutils.
# Installed by pulumi-kvm; works without it.

set -u
export LC_ALL=C
umask 077
tab=$(printf '\t')

name="" guest="" target="" state="" full=7 keeps="" immutable=0 freeze=auto connection=qemu:///system
drill="" check="" scratch="" metrics="" guard=""

say() { printf 'kvm-guest-backup %s: %s\n' "$name" "$1" >&2; }
fail() {
  message=$1
  say "$1"
  exit 1
}

# One setting a line: a word, a blank, and its value.
read_settings() {
  [ -r "$1" ] || fail "cannot read $1"
  while IFS= read -r line || [ -n "$line" ]; do
    value=${line#* }
    case ${line%% *} in
      name) name=$value ;;
      guest) guest=$value ;;
      connection) connection=$value ;;
      target) target=$value ;;
      state) state=$value ;;
      full) full=$value ;;
      freeze) freeze=$value ;;
      drill) drill=$value ;;
      check) check="$check $(quoted "$value")" ;;
      scratch) scratch=$value ;;
      metrics) metrics=$value ;;
      keep) keeps=$keeps${keeps:+,}$value ;;
      immutable) immutable=$value ;;
      *) fail "$1: unknown setting ${line%% *}" ;;
    esac
  done <"$1"
  [ -n "$state" ] || state=/var/lib/kvm-guest-backup/$name
  repository=${target%/}/$name
}

virt() { virsh --quiet --connect "$connection" "$@"; }

json() { printf '%s' "$1" | tr '\n\t' '  ' | sed 's/[\\"]/\\&/g'; }
xml() { printf '%s' "$1" | sed "s/&/\\&amp;/g; s/</\\&lt;/g; s/'/\\&apos;/g"; }

# A word of a setting, in which \n stands for a line's end and \\ for a backslash, as the shell reads it.
quoted() { printf "'%s'" "$(printf '%b' "$1" | sed "s/'/'\\\\''/g")"; }

# Writes standard input to a file that is whole or not there.
put() {
  cat >"$1.part" && sync "$1.part" && mv -f "$1.part" "$1" && sync "${1%/*}"
}

# A field of a manifest, which has one a line.
field() { sed -n "s/^  \"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1"; }

# The disks of a manifest: name, size, sha256 and file, a line each.
files() {
  sed -n 's/^    { "disk": "\([^"]*\)", "size": \([0-9]*\), "sha256": "\([0-9a-f]*\)", "file": "\([^"]*\)".*/\1 \2 \3 \4/p' "$1"
}

# The manifests of all published points, the oldest first.
points() {
  for each in "$repository"/*Z/*Z.json; do
    [ ! -f "$each" ] || printf '%s\n' "$each"
  done
}

seconds_of() { date -u -d "$(printf '%s' "$1" | sed 's/\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z/\1-\2-\3 \4:\5:\6/')" +%s; }

lock() {
  mkdir -p "$state" || fail "cannot write to $state"
  exec 9>"$state/lock"
  flock -n 9 || {
    say "another run is under way"
    trap - EXIT
    exit 75
  }
}
