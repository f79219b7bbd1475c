/**
 * What there is of a web server on a machine, a line each, KEY=VALUE. Arguments: program, main file, our folder of
 * configurations, then the folders in which sites are declared.
 */
export const LOOK = `
PATH=$PATH:/usr/sbin:/sbin
program=$1 main=$2 configuration=$3
shift 3
command -v "$program" >/dev/null && echo program=yes
command -v curl >/dev/null && echo curl=yes
for user in www-data nginx apache http; do
  if id -u "$user" >/dev/null 2>&1; then echo "user=$user"; break; fi
done
! grep -q . /proc/net/if_inet6 2>/dev/null || echo ipv6=yes
[ ! -L "$main" ] || echo "main=$(readlink "$main")"
[ -L "$main" ] || [ ! -e "$main" ] || echo main=
[ ! -L "$configuration/current" ] || echo "current=$(readlink "$configuration/current")"
for folder; do
  for site in "$folder"/*; do [ ! -e "$site" ] || echo "site=$site"; done
done`;

/**
 * Makes a configuration the one that is read, in one move: folder of configurations, name, main file, name of ours, link
 * for the rotation of logs. What was the main file before us is kept.
 */
export const ACTIVATE = `
set -e
configuration=$1 name=$2 main=$3 own=$4 rotation=$5
# One that is kept already is the older truth.
if [ ! -L "$main" ] && [ -e "$main" ] && [ ! -e "$configuration/before/main" ]; then
  mkdir -p "$configuration/before"
  cp -a "$main" "$configuration/before/main.new"
  mv -T "$configuration/before/main.new" "$configuration/before/main"
fi
ln -sfn "generations/$name" "$configuration/.current"
mv -T "$configuration/.current" "$configuration/current"
point() {
  [ "$(readlink "$2" || :)" != "$1" ] || return 0
  ln -sfn "$1" "$2.pulumi-kvm"
  mv -T "$2.pulumi-kvm" "$2"
}
point "$configuration/current/$own" "$main"
[ ! -d "\${rotation%/*}" ] || point "$configuration/current/rotation" "$rotation"
sync "$configuration" || :`;

/** Undoes ACTIVATE for good: the main file is again what it was before us. */
export const RESTORE = `
set -e
configuration=$1 main=$2 rotation=$3
case $(readlink "$main" || :) in
  "$configuration"/*)
    if [ -e "$configuration/before/main" ]; then
      cp -a "$configuration/before/main" "$main.pulumi-kvm"
      mv -T "$main.pulumi-kvm" "$main"
    else
      rm -f "$main"
    fi ;;
esac
rm -f "$rotation"`;

/** Removes what is left of a server: its folders, and ours around them when nothing else is in them. */
export const REMOVE = `
for place; do
  rm -rf -- "$place" || exit 1
  rmdir --ignore-fail-on-non-empty -- "\${place%/*}" 2>/dev/null || :
done`;

/** Makes folders that user "$1" writes to. */
export const CACHES = `
set -e
user=$1
shift
for folder; do
  [ -d "$folder" ] || install -d -m 0700 -o "$user" -- "$folder"
done`;

/** Makes a certificate that nobody vouches for, with its key, in folder "$1" for the other names, where there is none. */
export const STAND_IN = `
set -e
umask 077
mkdir -p "$1"
cd "$1"
shift
[ ! -s fullchain.pem ] || [ ! -s privkey.pem ] || exit 0
command -v openssl >/dev/null || { echo "openssl is not installed, and certificates are made with it" >&2; exit 1; }
names=$(for name; do printf ',DNS:%s' "$name"; done)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 90 -subj "/CN=not issued yet" \\
  -addext "subjectAltName=\${names#,}" -keyout privkey.pem -out fullchain.pem 2>/dev/null`;

/** Exit code 0 as soon as the page at "$1" says "$2"; after "$3" seconds what was said last, and 1. */
export const HEALTHY = `
end=$(($(date +%s) + $3))
while :; do
  said=$(curl --silent --show-error --noproxy '*' --max-time 3 "$1" 2>&1 || :)
  [ "$said" != "$2" ] || exit 0
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 0.1
done
printf '%s\\n' "$said" | head -n 3
exit 1`;

/** Has the server finish what it answers: "$1" its pid file, then the command that asks for it; after 30 seconds 0 as well. */
export const QUIT = `
pid=$(cat "$1" 2>/dev/null) || exit 0
shift
"$@" >/dev/null 2>&1 || exit 0
n=0
while kill -0 "$pid" 2>/dev/null && [ $n -lt 300 ]; do
  sleep 0.1
  n=$((n + 1))
done`;

/** Removes what is in folder "$1" but for what the others name. */
export const KEEP_ONLY = `
set -e
cd "$1" 2>/dev/null || exit 0
shift
for there in *; do
  [ -e "$there" ] || continue
  for wanted; do [ "$there" != "$wanted" ] || continue 2; done
  rm -rf -- "$there"
done`;
