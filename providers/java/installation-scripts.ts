/** Makes "$2" a link to "$1", in one step. */
export const SWITCH = `
set -e
ln -sfnT -- "$1" "$2.new"
mv -fT -- "$2.new" "$2"`;

/** Removes what is in folder "$1" and is not named. */
export const PRUNE = `
cd "$1" 2>/dev/null || exit 0
shift
for f in *; do
  for kept; do [ "$f" != "$kept" ] || continue 2; done
  rm -rf -- "./$f"
done`;

/** Prints the target of link "$1", then a line "digest path" for each of the other paths that is there. */
export const LOOK = `
readlink -- "$1" || echo
shift
for f; do [ ! -f "$f" ] || sha256sum -- "$f"; done`;

/** Makes the copy "$2" of the WAR "$1" for Jakarta EE, as Tomcat does with what is in webapps-javaee. */
export const MIGRATE = `
set -e
javax2jakarta "$1" "$2.new" 2>&1
chmod 0644 "$2.new"
mv -fT -- "$2.new" "$2"`;
