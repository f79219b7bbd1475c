/** Begins a configuration in folder "$1", and makes the folders that follow. */
export const BEGIN = `
set -e
umask 022
generation=$1
shift
rm -rf "$generation"
mkdir -p "$generation" "$@"`;

/** Keeps the "$2" newest configurations of folder "$1", and the one that is read. */
export const PRUNE = `
set -e
now=$(readlink "$1/current")
cd "$1/generations"
ls -1t | tail -n "+$(($2 + 1))" | while IFS= read -r g; do
  [ "generations/$g" = "$now" ] || rm -rf -- "$g"
done`;

/** Prints the paths below folder "$1" that are not as standard input says: lines of sha256sum. */
export const COMPARE = `
cd "$1" 2>/dev/null || { echo "$1"; exit 0; }
LC_ALL=C sha256sum -c --quiet - 2>/dev/null | sed 's/: FAILED.*//'`;
