import type { BootstrapImageInputs } from "../schema/bootstrap-image";
import { buildFormats } from "./build-formats";

/**
 * Where the build's scratch space is mounted: a folder that every machine with apt has and that nobody keeps images in.
 * mmdebstrap shares some others (/dev/shm) with the new system, and this one not.
 */
const SCRATCH = "/var/cache/apt";

/**
 * Builds an image on a host. Arguments: the folder, the image's name, its size in bytes, and where the scratch space is
 * ("memory" or "disk"). Standard input: an archive, whose members are named here as $w/in/NAME. It prints "stage TEXT" at
 * each step and at last "done".
 *
 * It runs as process 1 of namespaces of its own: whatever ends it ends everything that it started, and its mounts and
 * the scratch space in memory vanish with it. A lock keeps builds of the same image apart. All builds share one of the
 * folder, which nobody holds alone but to clear what killed ones left.
 */
export function buildScript(format: BootstrapImageInputs["format"]): string {
  const { tools, folder, whole, prepare, finish } = buildFormats[format];
  return `
set -eu
umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
folder=$1 name=$2 size=$3 scratch=$4 w=${SCRATCH}
prefix=$folder/.kvm-image.
partial=$prefix$name
stage() { printf 'stage %s\\n' "$*"; }
fail() { echo "kvm-image: $*" >&2; exit 1; }
for tool in ${tools}; do
  command -v "$tool" >/dev/null || fail "missing: $tool"
done
whole() {
  ${whole}
}

case $folder/ in "$w"/*) fail "folder: $folder lies in $w, which the build uses itself" ;; esac
[ -d "$folder" ] || ${folder}
exec 9<"$folder"
! flock -n 9 || rm -rf --one-file-system "$prefix"*
flock -s 9
# Who waited may have the lock of a file that is removed by now.
while exec 8>"$partial.lock"; do
  flock -n 8 || { stage "waiting for another build of it"; flock 8; }
  [ ! "$partial.lock" -ef /proc/self/fd/8 ] || break
done
trap 'rm -rf --one-file-system "$partial"*' EXIT
if whole; then
  echo done
  exit
fi
trap 'exit 143' HUP INT TERM PIPE

if [ "$scratch" = memory ]; then
  mount -t tmpfs -o mode=755,size=75% kvm-image "$w"
else
  mkdir -m 755 "$partial.scratch"
  mount --bind "$partial.scratch" "$w"
fi
mkdir "$w/in"
tar -x -f - -C "$w/in"

# The host's own way to packages: proxies, authorities and clocks; sources of the same suite where it has them.
apt-config dump 2>/dev/null |
  grep -E '^Acquire::(http|https|ftp|Check-Valid-Until|Check-Date|ForceIPv4|ForceIPv6)[: ]' |
  grep -v '""' >"$w/in/apt.host" || :
cat "$w/in/apt.host" "$w/in/apt" >"$w/in/apt.conf"
read -r distribution suite components <"$w/in/release"
key=/usr/share/keyrings/$distribution-archive-keyring.gpg
option=
[ ! -f "$key" ] || option="[signed-by=$key] "
if [ ! -s "$w/in/sources" ]; then
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
    awk -v origin="$distribution" -v suite="$suite" -v components="$components" -v option="$option" '
      BEGIN { split(components, list, ","); for (i in list) wanted[list[i]] = 1 }
      tolower($4) == origin && $1 ~ /^https?:/ && ($3 in wanted) &&
        ($2 == suite || $2 == suite "-updates" || $2 == suite "-security") && !seen[$0]++ {
          if ($2 == suite) main = 1
          lines = lines "deb " option $1 " " $2 " " $3 "\\n"
        }
      END { if (main) printf "%s", lines }' >"$w/in/sources" || :
fi

set -- --mode=root --variant=apt --format=directory --verbose --components="$components"
set -- "$@" --setup-hook='sh ${SCRATCH}/in/setup "$1"' --extract-hook='sh ${SCRATCH}/in/extract "$1"'
set -- "$@" --customize-hook='sh ${SCRATCH}/in/customize "$1"'
architecture=$(cat "$w/in/architecture")
[ -z "$architecture" ] || set -- "$@" --architectures="$architecture"
while read -r package; do set -- "$@" --include="$package"; done <"$w/in/packages"
${prepare.trim()}
set -- "$@" "$suite" "$w/root"
[ ! -s "$w/in/sources" ] || set -- "$@" "$w/in/sources"

stage "installing packages"
mmdebstrap "$@" >&2 8>&- 9<&- </dev/null &
wait $! || fail "mmdebstrap failed"

${finish.trim()}
sync "$folder"
echo done
`;
}

/** Runs the build as process 1 of its own mount and process namespaces. */
export function buildArgv(format: BootstrapImageInputs["format"]): string[] {
  const isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  return [...isolated, "sh", "-c", buildScript(format)];
}

/** mmdebstrap's setup hook: $1 is the new root, still empty. What is needed for the build alone is undone at the end. */
export const SETUP = `
set -eu
mkdir -p "$1${SCRATCH}/in" "$1/etc/apt/apt.conf.d"
[ ! -f ${SCRATCH}/in/guest-boot.deb ] || cp ${SCRATCH}/in/guest-boot.deb "$1${SCRATCH}/in/"
cp ${SCRATCH}/in/apt.conf "$1/etc/apt/apt.conf.d/00kvm-build"
for each in auth.conf auth.conf.d; do
  [ ! -e "/etc/apt/$each" ] || cp -a "/etc/apt/$each" "$1/etc/apt/$each"
done
`;

/** mmdebstrap's extract hook. Were these among its own options, it would filter every package with a slow program. */
export const EXTRACT = `
set -eu
mkdir -p "$1/etc/dpkg/dpkg.cfg.d"
cp ${SCRATCH}/in/dpkg "$1/etc/dpkg/dpkg.cfg.d/80-guest"
echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/00kvm-build"
`;

/** mmdebstrap's customize hook: hands over to CUSTOMISE inside the new root. */
export const CUSTOMIZE = `
set -eu
rm -rf "$1${SCRATCH}/in" "$1/etc/apt/apt.conf.d/00kvm-build" "$1/etc/dpkg/dpkg.cfg.d/00kvm-build"
rm -rf "$1/etc/apt/auth.conf" "$1/etc/apt/auth.conf.d"
mkdir -m 700 "$1/tmp/kvm-build"
cp ${SCRATCH}/in/* "$1/tmp/kvm-build/"
chroot "$1" sh /tmp/kvm-build/customise
mv "$1/tmp/kvm-build/manifest" ${SCRATCH}/in/manifest
rm -rf "$1/tmp/kvm-build"
`;
