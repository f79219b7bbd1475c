/**
 * Releases of a content: `BASE/releases/NAME` is a folder with all files of one, `NAME.manifest` beside it says what is in
 * it, and the symlink `BASE/current` tells which one is served. Files that two releases share are one file with two names.
 */
const shared = `
set -e
umask 022
export LC_ALL=C
# Paths in folder "$2" whose mode, presence or bytes differ from manifest "$1".
wrong() {
  { (cd "$2" && find . ! -type d -printf '%m %P\\n') && cut -d' ' -f2- "$1"; } | sort | uniq -u | cut -d' ' -f2-
  sed 's/^\\([0-9a-f]*\\) [0-7]* /\\1  /' "$1" | { cd "$2" && sha256sum -c --quiet 2>/dev/null || :; } |
    sed -n 's/: FAILED$//p'
}`;

/**
 * Begins release "$2" of "$1", whose manifest is standard input, with what the machine has of it. Prints the name of its
 * folder, then the paths that have to be sent, or "complete" where it is there already.
 */
export const BEGIN = `${shared}
base=$1 digest=$2
mkdir -p "$base/releases"
cat >"$base/.manifest"
for m in "$base/releases/$digest".manifest "$base/releases/$digest"-*.manifest; do
  [ -f "$m" ] || continue
  r=\${m%.manifest}
  if [ -d "$r" ] && [ -z "$(wrong "$base/.manifest" "$r")" ]; then
    printf '%s\\ncomplete\\n' "\${r##*/}"
    exit
  fi
done
name=$digest n=1
while [ -e "$base/releases/$name" ]; do name=$digest-$n n=$((n + 1)); done
new=$base/releases/.new
rm -rf "$new"
old=$(readlink "$base/current" || :)
if [ -n "$old" ] && [ -d "$base/$old" ]; then cp -al "$base/$old" "$new"; else mkdir "$new"; fi
wrong "$base/.manifest" "$new" | while IFS= read -r f; do
  if [ -e "$new/$f" ] || [ -L "$new/$f" ]; then rm -rf -- "$new/$f"; fi
done
find "$new" -mindepth 1 -type d -empty -delete
printf '%s\\n' "$name"
cut -d' ' -f3- "$base/.manifest" | while IFS= read -r f; do [ -e "$new/$f" ] || printf '%s\\n' "$f"; done`;

/** Unpacks the archive on standard input into the release of "$1" that was begun. */
export const RECEIVE = `
umask 022
tar -x -f - --no-same-owner -C "$1/releases/.new" && exit
# Its own words do not always say so.
df -Pk "$1" | awk 'NR == 2 && $4 < 256 { print "no space left on " $6 }' >&2
exit 1`;

/** Ends release "$2" of "$1": it is whole, or what is wrong with it is said. */
export const SEAL = `${shared}
base=$1 name=$2 new=$1/releases/.new
bad=$(wrong "$base/.manifest" "$new")
[ -z "$bad" ] || { printf 'did not arrive whole:\\n%s\\n' "$bad" | head -n 6 >&2; exit 1; }
find "$new" -type d -exec chmod 755 {} +
chmod 644 "$base/.manifest"
touch "$new"
mv -T "$new" "$base/releases/$name"
mv "$base/.manifest" "$base/releases/$name.manifest"`;

/** Gives up the release of "$1" that was begun, whose files may fill the disk. */
export const ABANDON = `
rm -rf -- "$1/releases/.new" "$1/.manifest"`;

/** Makes release "$2" the one of "$1" that is served, in one move. */
export const SWITCH = `
set -e
ln -sfn "releases/$2" "$1/.current"
mv -T "$1/.current" "$1/current"`;

/** Removes the releases of "$1" but for the "$2" newest and the one that is served, and what was begun and never ended. */
export const PRUNE = `
set -e
cd "$1" 2>/dev/null || exit 0
rm -rf releases/.new .manifest
now=$(readlink current || :)
ls -1t releases | grep -v '\\.manifest$' | tail -n "+$(($2 + 1))" | while IFS= read -r r; do
  [ "releases/$r" = "$now" ] || rm -rf -- "releases/$r" "releases/$r.manifest"
done`;

/** Prints what is served of "$1", then what in it is not as its manifest says. */
export const INSPECT = `${shared}
now=$(readlink "$1/current" || :)
printf '%s\\n' "\${now#releases/}"
[ -n "$now" ] || exit 0
[ -d "$1/$now" ] && [ -f "$1/$now.manifest" ] || { echo "the release itself is gone"; exit 0; }
wrong "$1/$now.manifest" "$1/$now" | sort -u`;
